"""``client.traces.get``: from an id, a result, a job or an error to the log that holds the spans."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simstudio import (
    ExecutionError,
    InvalidInputError,
    Job,
    JobFailedError,
    NotFoundError,
    Trace,
    WorkflowExecutionResult,
)
from simstudio.models.v1.logs import LogEntry
from simstudio.models.v2.runs import Run, RunSummary
from simstudio.resources.execution_events import ExecutionEvents
from tests.driving import answer, async_client, client, frames
from tests.recorded import recording
from tests.traces.runs import LOG, SPANS

UNKNOWN = answer(404, {"error": "Log not found"})
V1 = json.loads(recording("sim-v0.6.43", 187).body)
EXECUTION = json.loads(recording("sim-v0.6.43", 190).body)
EXECUTION_ID, LOG_ID = V1["data"]["executionId"], V1["data"]["id"]
WORKFLOW = {"data": {"id": EXECUTION["workflowId"], "workspaceId": "ws-1"}}
LISTED = {"data": [{"id": LOG_ID, "executionId": EXECUTION_ID}]}
FOUND = [answer(200, EXECUTION), answer(200, WORKFLOW), answer(200, LISTED), answer(200, V1)]
EXECUTION_PATHS = [
    f"/api/v1/logs/executions/{EXECUTION_ID}",
    f"/api/v1/workflows/{EXECUTION['workflowId']}",
    f"/api/v1/logs?workspaceId=ws-1&executionId={EXECUTION_ID}&limit=1",
    f"/api/v1/logs/{LOG_ID}",
]


def failed(**ids: Any) -> ExecutionError:
    error = ExecutionError("The workflow failed", result=WorkflowExecutionResult(success=False))
    for name, value in ids.items():
        setattr(error, name, value)
    return error


def paths(made: Any) -> list[str]:
    return [request.url.removeprefix("https://sim.test") for request in made.script.requests]


def test_v1_reads_a_log_by_its_id() -> None:
    sim = client(answer(200, V1))
    trace = sim.traces.get(LOG_ID)
    assert paths(sim) == [f"/api/v1/logs/{LOG_ID}"]
    assert (trace.run_id, [span.name for span in trace]) == (EXECUTION_ID, ["Start", "Compute"])
    assert trace.data == V1["data"]


def test_v1_finds_an_execution_through_its_workspace() -> None:
    sim = client(UNKNOWN, *FOUND)
    assert sim.traces.get(EXECUTION_ID).data == V1["data"]
    assert paths(sim) == [f"/api/v1/logs/{EXECUTION_ID}", *EXECUTION_PATHS]


async def test_the_async_client_does_the_same() -> None:
    assert (await async_client(UNKNOWN, *FOUND).traces.get(EXECUTION_ID)).data == V1["data"]


def test_v1_finds_a_job_through_its_execution() -> None:
    job = answer(200, {"success": True, "taskId": "run_1", "status": "failed", "executionId": EXECUTION_ID})
    sim = client(UNKNOWN, UNKNOWN, job, *FOUND)
    assert sim.traces.get("run_1").data == V1["data"]
    assert paths(sim)[2:] == ["/api/jobs/run_1", *EXECUTION_PATHS]


def test_the_id_of_a_job_may_hold_that_of_its_execution() -> None:
    sim = client(UNKNOWN, *FOUND)
    assert sim.traces.get(f"workflow-execution:{EXECUTION_ID}").data == V1["data"]
    assert paths(sim)[1:] == EXECUTION_PATHS


def test_an_id_of_nothing_is_the_error_of_its_log() -> None:
    with pytest.raises(NotFoundError, match=r"Log not found.*GET /api/v1/logs/nope"):
        client(UNKNOWN, UNKNOWN, answer(404, {"error": "Task not found"})).traces.get("nope")


@pytest.mark.parametrize("workspace_id", [None, "ws-1"])
def test_a_server_that_does_not_tell_a_workspace_needs_it(workspace_id: str | None) -> None:
    answers = [answer(200, EXECUTION), answer(404, {"error": "Not found"}), answer(200, LISTED), answer(200, V1)]
    trace = client(*answers).traces.get(failed(run_id=EXECUTION_ID), workspace_id=workspace_id)
    assert (trace.run_id, len(trace)) == (EXECUTION_ID, 0 if workspace_id is None else 2)
    assert trace.start is not None


def test_a_log_that_is_not_listed_is_not_taken_for_another() -> None:
    other = {"data": [{"id": "other", "executionId": "other"}, "odd"]}
    trace = client(answer(200, EXECUTION), answer(200, WORKFLOW), answer(200, other)).traces.get(
        failed(run_id=EXECUTION_ID)
    )
    assert (trace.run_id, len(trace)) == (EXECUTION_ID, 0)


@pytest.mark.parametrize(
    "run",
    [
        failed(run_id=EXECUTION_ID),
        JobFailedError("failed", job=Job(task_id="run_1", status="failed", execution_id=EXECUTION_ID)),
        WorkflowExecutionResult(success=True, execution_id=EXECUTION_ID),
        Job(task_id="run_1", status="completed", execution_id=EXECUTION_ID),
        Trace({"executionId": EXECUTION_ID}),
    ],
    ids=lambda run: type(run).__name__,
)
def test_what_names_an_execution_is_found_by_it(run: Any) -> None:
    assert client(*FOUND).traces.get(run).data == V1["data"]


def test_a_log_of_a_list_is_read_by_its_own_id() -> None:
    sim = client(answer(200, V1))
    sim.traces.get(LogEntry(id=LOG_ID, execution_id=EXECUTION_ID, level="info"))
    assert paths(sim) == [f"/api/v1/logs/{LOG_ID}"]


@pytest.mark.parametrize(
    ("run", "version"),
    [
        ("r-1", "v2"),
        (failed(run_id="r-1"), "v2"),
        (Run(run_id="r-1", workflow_id="w", status="failed"), "v1"),
        (RunSummary(run_id="r-1", workflow_id="w", status="failed"), "v1"),
        (Job(task_id="r-1", status="failed", api_version="v2"), "v1"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_v2_reads_the_log_of_a_run(run: Any, version: str) -> None:
    sim = client(answer(200, {"data": LOG}), api_version=version)
    assert sim.traces.get(run).data == LOG
    assert paths(sim) == ["/api/v2/logs/r-1"]


def test_the_error_of_a_v2_call_is_looked_up_in_v2() -> None:
    body = {"data": {"runId": "r-1", "workflowId": "w", "status": "failed", "error": {"message": "no"}}}
    with pytest.raises(ExecutionError) as failure:
        client(answer(200, body), api_version="v2").workflows.execute("w")
    sim = client(answer(200, {"data": LOG}))
    assert sim.traces.get(failure.value).data == LOG
    assert paths(sim) == [f"/api/v2/logs/{failure.value.run_id}"]


def test_what_holds_its_spans_needs_no_request() -> None:
    result = WorkflowExecutionResult(success=True, trace_spans=SPANS)
    sim = client()
    assert sim.traces.get(result) == result.trace
    assert sim.traces.get(ExecutionError("no", result=result)) == result.trace
    assert sim.traces.get(Trace(LOG)) == Trace(LOG)


@pytest.mark.parametrize("run", [failed(), WorkflowExecutionResult(success=True)], ids=["error", "result"])
def test_what_names_no_run_says_how_to_find_it(run: Any) -> None:
    with pytest.raises(InvalidInputError, match="simstudio logs list --workflow ID --level error"):
        client().traces.get(run)


def test_what_is_no_run_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not int"):
        client().traces.get(5)


def test_a_handle_is_looked_up_by_its_job() -> None:
    sim = client(UNKNOWN, UNKNOWN, answer(200, {"taskId": "run_1", "status": "failed", "executionId": EXECUTION_ID}))
    sim.script.answers += FOUND
    assert sim.traces.get(sim.jobs.handle("run_1")).data == V1["data"]


@pytest.mark.parametrize(
    ("status", "ids", "advice"),
    [
        (500, {}, "Its log: simstudio logs list --workflow 'w 1' --level error"),
        (200, {}, "Its log: simstudio logs list --level error"),
        (500, {"executionId": "e-1"}, "Its trace: client.traces.get(error), or simstudio runs show e-1"),
        (200, {"executionId": "e-1"}, "Its trace: client.traces.get(error), or simstudio runs show e-1"),
    ],
)
def test_the_message_of_a_failed_run_says_how_to_see_what_it_did(status: int, ids: dict[str, str], advice: str) -> None:
    body = {"success": False, "output": {}, "error": "no", "metadata": {}, **ids}
    with pytest.raises(ExecutionError) as failure:
        client(answer(status, body)).workflows.execute("w 1").raise_for_failure()
    assert str(failure.value).endswith(advice)


def test_so_does_that_of_a_failed_job_and_of_a_stream() -> None:
    job = {"success": True, "taskId": "run_1", "status": "failed", "executionId": "e-1", "error": "no"}
    with pytest.raises(JobFailedError, match=r"or simstudio runs show e-1$"):
        client(answer(200, job)).jobs.wait("run_1")
    events = ExecutionEvents("POST /api/workflows/w/execute")
    events.feed(frames({"event": "error", "error": "no"}))
    assert str(events.failure).endswith("Its log: simstudio logs list --workflow w --level error")
