"""Human in the loop, as a real server answered it: runs that wait are listed, inspected, answered, cancelled."""

from __future__ import annotations

import json
from typing import Any

import pytest

import simstudio as sim
from tests.integration.replaying import V06, answer_of, client_options, of, play
from tests.integration.rules import assert_status_error
from tests.recorded import recording

WORKFLOW = "94046471-55dd-4d86-be9b-cf7e906df83c"
CONTEXT = "45b24ee1-590a-43b5-afb8-e78f107af3ef"
RUN = "8e07514f-e713-4406-bb6b-6d26c97ad31c"
STREAMED = "b2d8c74b-b56b-40ea-9368-2f13a6bbd19b"
CANCELLED = "baa06ecf-f18b-46d5-a055-bbeb78e1af50"
APPROVED = {"approved": True, "comment": "ok"}


def ask(mode: str, number: int, script: Any) -> Any:
    recorded = recording(V06, number)
    return play(mode, recorded, script, **client_options(recorded))


def assert_is_the_question(pause: sim.Pause) -> None:
    assert (pause.context_id, pause.workflow_id) == (CONTEXT, WORKFLOW)
    assert pause.question == "Approve ship it?"
    assert [(field.name, field.type, field.required) for field in pause.input_fields] == [
        ("approved", "boolean", False),
        ("comment", "string", False),
    ]
    assert pause.links.ui_url is not None
    assert pause.links.ui_url.endswith(f"/resume/{WORKFLOW}/{pause.execution_id}")
    assert pause.links.api_url is not None
    assert pause.links.api_url.endswith(CONTEXT)


@pytest.mark.parametrize("number", [94, 109, 116])
def test_a_paused_result_says_what_it_asks(mode, number):
    message = json.loads(recording(V06, number).request_body)["message"]

    result = ask(mode, number, lambda client: client.workflows.execute(WORKFLOW, {"message": message}))

    assert result.paused is True
    assert result.pause.question == f"Approve {message}?"
    assert (result.pause.execution_id, result.workflow_id) == (result.execution_id, WORKFLOW)


def test_a_paused_job_says_what_it_asks(mode):
    job = ask(mode, 112, lambda client: client.jobs.get("run_67ce887e67a7406c813e"))
    assert job.paused is True
    assert job.pause.context_id == CONTEXT
    assert job.pause.execution_id == job.execution_id


@pytest.mark.parametrize(
    ("number", "status"), [(96, "paused"), (97, "zzz"), (419, ""), (420, "cancelled,fully_resumed")]
)
def test_paused_runs_are_listed(mode, number, status):
    page = ask(mode, number, lambda client: client.workflows.paused(WORKFLOW, status=status).page())

    said = answer_of(recording(V06, number))["pausedExecutions"]
    assert [run.to_dict() for run in page.items] == said
    assert page.next_cursor is None
    assert all(isinstance(run, sim.PausedRun) for run in page.items)
    for run, told in zip(page.items, said, strict=True):
        assert (run.status, run.execution_id) == (told["status"], told["executionId"])
        points = told["pausePoints"]
        assert [pause.status for pause in run.pauses] == [point["resumeStatus"] for point in points]
        assert (run.paused is None) is all(point["resumeStatus"] == "resumed" for point in points)
        assert {pause.execution_id for pause in run.pauses} == {run.execution_id}


def test_a_listed_run_says_what_it_asks(mode):
    page = ask(mode, 96, lambda client: client.workflows.paused(WORKFLOW).page())
    (run,) = (each for each in page.items if each.execution_id == RUN)
    assert (run.workflow_id, run.total_pause_count, run.resumed_count) == (WORKFLOW, 1, 0)
    assert_is_the_question(run.paused)


def test_answering_gives_the_result_of_a_run_that_was_waited_for(mode):
    result = ask(
        mode, 106, lambda client: client.workflows.resume(RUN, APPROVED, workflow_id=WORKFLOW, context_id=CONTEXT)
    )
    assert isinstance(result, sim.WorkflowExecutionResult)
    assert (result.success, result.status, result.execution_id) == (True, "completed", RUN)
    assert result.output == {"result": APPROVED, "stdout": ""}


def test_a_paused_result_is_all_that_answering_needs(mode):
    def script(client):
        paused = yield client.workflows.execute(WORKFLOW, {"message": "ship it"})
        return (yield client.workflows.resume(paused, APPROVED))

    assert play(mode, of(V06, 94, 106), script).output["result"] == APPROVED


def test_answering_gives_the_result_of_a_run_that_was_streamed(mode):
    answer = {"approved": True, "comment": "stream"}

    def script(client):
        return client.workflows.resume(STREAMED, answer, workflow_id=WORKFLOW, context_id=CONTEXT)

    result = ask(mode, 115, script)
    assert (result.success, result.output) == (True, {"result": answer, "stdout": ""})


@pytest.mark.parametrize(
    ("number", "run", "context"),
    [(104, RUN, "nope"), (105, RUN, CONTEXT), (107, RUN, CONTEXT), (119, CANCELLED, CONTEXT)],
)
def test_what_cannot_be_answered_is_an_error(mode, number, run, context):
    def script(client):
        return client.workflows.resume(run, {"approved": True}, workflow_id=WORKFLOW, context_id=context)

    with pytest.raises(sim.APIStatusError) as caught:
        ask(mode, number, script)
    assert_status_error(caught.value, recording(V06, number))


def test_a_run_that_never_paused_is_not_found(mode):
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(sim.NotFoundError) as caught:
        ask(mode, 99, lambda client: client.workflows.get_paused(WORKFLOW, unknown))
    assert_status_error(caught.value, recording(V06, 99))


def test_without_a_key_nothing_is_listed(mode):
    with pytest.raises(sim.AuthenticationError) as caught:
        ask(mode, 100, lambda client: client.workflows.paused(WORKFLOW).page())
    assert_status_error(caught.value, recording(V06, 100))


def test_a_paused_run_can_be_cancelled(mode):
    cancelled = ask(mode, 117, lambda client: client.workflows.cancel(WORKFLOW, CANCELLED))
    assert (cancelled.success, cancelled.paused_cancelled) == (True, True)
