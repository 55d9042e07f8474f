"""Outputs that are read after the run: the server cuts long texts in them, and the job of the run has them whole."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from simstudio import APIConnectionError, LargeValueRef, TruncatedOutputWarning
from tests.driving import Both, answer
from tests.modes import both_modes

V2 = {"api_version": "v2"}
TEXT = "x" * 20_000
CUT = "x" * 15_000 + "... [truncated 5000 chars]"
CONFLICT = answer(409, {"error": {"code": "CONFLICT", "message": "in use", "details": {"code": "RUN_ID_CONFLICT"}}})


def run(output: Any, status: str = "completed") -> Any:
    return answer(200, {"data": {"runId": "r1", "workflowId": "wf", "status": status, "output": output}})


def job(output: Any) -> Any:
    envelope = {"success": True, "workflowId": "wf", "executionId": "r1", "output": output}
    return answer(200, {"success": True, "taskId": "workflow-execution:r1", "status": "completed", "output": envelope})


def asked(client: Any) -> list[str]:
    return [request.path for request in client.script.requests]


RECEIPT = answer(202, {"data": {"runId": "r1"}})
RUN = "/api/v2/workflows/wf/runs/r1"
JOB = "/api/jobs/workflow-execution%3Ar1"


@both_modes
async def test_wait_and_run_read_cut_texts_from_the_job(both: Both) -> None:
    client = both.client(RECEIPT, run({"a": CUT, "n": 1}), job({"a": TEXT}), **V2)
    result = await both(client.workflows.run("wf"))
    assert (result.output, result.truncated) == ({"a": TEXT, "n": 1}, ())
    assert asked(client)[1:] == [RUN, JOB]


async def test_nothing_more_is_sent_if_nothing_is_cut(both: Both) -> None:
    client = both.client(run({"a": "short"}), **V2)
    assert (await both(client.jobs.wait("r1", workflow_id="wf"))).truncated == ()
    assert asked(client) == [RUN]


@pytest.mark.parametrize(
    "nowhere",
    [
        answer(404, {"error": "Task not found", "code": "TASK_NOT_FOUND"}),
        answer(200, content=b"<html>"),
        answer(200, {"status": "completed", "output": {"output": {"a": "the pause of a run that was resumed"}}}),
        answer(200, []),
        APIConnectionError("refused", host="h", port=1),
    ],
)
async def test_what_cannot_be_had_is_named_with_a_warning(both: Both, nowhere: Any, no_waiting: list[float]) -> None:
    client = both.client(run({"rows": [{"a": CUT}]}), *[nowhere] * 4, **V2)
    with pytest.warns(TruncatedOutputWarning) as warned:
        found = await both(client.jobs.wait("r1", workflow_id="wf"))
    assert (found.truncated, found.result.truncated) == (("rows[0].a",), ("rows[0].a",))
    assert found.result.output == {"rows": [{"a": CUT}]}
    assert len(warned) == 1
    assert warned[0].filename == __file__ or "asyncio" in warned[0].filename


async def test_get_names_what_is_cut_and_reads_no_more(both: Both) -> None:
    client = both.client(run({"a": CUT}), run({"a": CUT}), **V2)
    assert (await both(client.jobs.get("r1", workflow_id="wf"))).result.truncated == ("a",)
    assert (await both(client.v2.runs.get("wf", "r1", include_output=True))).truncated == ("a",)


async def test_a_handle_reads_the_whole(both: Both) -> None:
    client = both.client(run({"a": CUT}), job({"a": TEXT}), **V2)
    handle = client.jobs.handle("r1", workflow_id="wf")
    await both(handle.refresh())
    assert (await both(handle.result())).output == {"a": TEXT}


async def test_the_run_behind_a_conflict_is_read_in_full(both: Both) -> None:
    claimed = {"run_id": "r1"}
    client = both.client(CONFLICT, run({"a": CUT}), job({"a": TEXT}))
    found = await both(client.v2.runs.execute("wf", **claimed))
    assert (found.output, found.truncated) == ({"a": TEXT}, ())
    client = both.client(CONFLICT, run({"a": CUT}), answer(404, {"error": "gone"}))
    with pytest.warns(TruncatedOutputWarning):
        assert (await both(client.v2.runs.execute("wf", **claimed))).truncated == ("a",)


async def test_a_stream_that_met_a_conflict_names_what_is_cut(both: Both) -> None:
    gone = answer(404, {"error": "gone"})
    client = both.client(CONFLICT, run({"a": CUT}), gone, CONFLICT, run({"a": CUT}), gone, **V2)
    with pytest.warns(TruncatedOutputWarning):
        assert (await both(client.execute_workflow("wf", stream=True))).truncated == ("a",)
    with pytest.warns(TruncatedOutputWarning):
        assert (await both(client.v2.runs.execute("wf", stream=True))).truncated == ("a",)


async def test_runs_are_waited_for_in_full(both: Both) -> None:
    client = both.client(run({"a": CUT}), job({"a": TEXT}))
    assert (await both(client.v2.runs.wait("wf", "r1"))).output == {"a": TEXT}


async def test_the_documented_job_has_the_whole(both: Both) -> None:
    client = both.client(run({"a": CUT}), job({"a": TEXT}), **V2)
    assert (await both(client.get_job_status("r1", workflow_id="wf")))["output"] == {"a": TEXT}


@pytest.mark.parametrize("status", ["completed", "cancelled", "processing"])
async def test_the_documented_job_has_references_typed_whatever_its_state(both: Both, status: str) -> None:
    client = both.client(answer(200, {"status": status, "output": {"a": {"__simLargeValueRef": True}}}))
    assert type((await both(client.get_job_status("r1")))["output"]["a"]) is LargeValueRef


async def test_the_route_of_an_unversioned_execution_cuts_as_well(both: Both) -> None:
    gone = answer(404, {"error": "Task not found"})
    execution = answer(200, {"executionId": "r1", "workflowId": "wf", "status": "completed", "finalOutput": {"a": CUT}})
    client = both.client(gone, execution, job({"a": TEXT}), gone, execution)
    assert (await both(client.jobs.wait("r1", workflow_id="wf"))).result.output == {"a": TEXT}
    assert (await both(client.jobs.get("r1", workflow_id="wf"))).result.truncated == ("a",)


async def test_what_a_run_itself_answers_is_whole_however_it_ends(both: Both) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = await both(both.client(run({"a": CUT}), **V2).workflows.execute("wf"))
        unversioned = await both(both.client(answer(200, {"success": True, "output": CUT})).workflows.execute("wf"))
        queued = await both(both.client(job({"a": CUT})).jobs.wait("workflow-execution:r1"))
    assert (result.truncated, unversioned.truncated, queued.result.truncated) == ((), (), ())
