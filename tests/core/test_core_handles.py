"""One handle for what every service calls otherwise, and results that can be relied on."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import simstudio as sim
from simstudio.core.runs import SubmittedRun
from simstudio.models.execution import WorkflowExecutionResult
from tests.driving import Both, answer
from tests.modes import both_modes


def job(status: str, **more: Any) -> Any:
    return answer(200, {"success": True, "taskId": "run_1", "status": status, "metadata": {}, **more})


DONE = {"output": {"success": True, "output": {"n": 1}, "executionId": "e", "workflowId": "w"}}


@both_modes
async def test_a_handle_asks_waits_and_gives_the_result(both: Both, no_waiting: list[float]) -> None:
    client = both.client(job("pending"), job("processing"), job("completed", **DONE))
    run = client.jobs.handle("run_1")
    assert isinstance(run, SubmittedRun)
    assert (run.id, run.status, run.done) == ("run_1", "unknown", False)

    await both(run.refresh())
    assert (run.status, run.done) == ("pending", False)

    result = await both(run.result())
    assert (run.status, run.done) == ("completed", True)
    assert (result.success, result.output) == (True, {"n": 1})
    assert len(client.script.requests) == 3


async def test_a_handle_of_a_job_that_ended_asks_no_more(both: Both) -> None:
    client = both.client(job("completed", **DONE))
    ended = await both(client.jobs.get("run_1"))

    run = client.jobs.handle(ended)

    assert run.done
    assert (await both(run.result())).output == {"n": 1}
    assert len(client.script.requests) == 1


async def test_the_result_of_a_job_that_was_paused_is_asked_for_again(both: Both) -> None:
    resume = {"contextId": "c", "executionId": "e", "workflowId": "w", "uiUrl": "https://sim/resume"}
    paused = {"success": True, "output": {"_resume": resume}, "executionId": "e", "workflowId": "w"}
    client = both.client(job("completed", output=paused), job("completed", **DONE))
    run = client.jobs.handle("run_1")
    assert (await both(run.wait())).paused
    assert run.done

    assert (await both(run.result())).output == {"n": 1}  # somebody has resumed it


async def test_the_result_of_a_job_that_failed_is_its_error(both: Both) -> None:
    client = both.client(job("failed", error="no luck"))
    run = client.jobs.handle("run_1")
    await both(run.refresh())

    with pytest.raises(sim.JobFailedError, match="no luck") as raised:
        await both(run.result())

    assert raised.value.job == run.state


@both_modes
async def test_a_handle_pickles_with_its_state(both: Both) -> None:
    client = both.client(job("processing"))
    run = client.jobs.handle("run_1", workflow_id="w")
    await both(run.refresh())

    again = pickle.loads(pickle.dumps(run))

    assert (again.id, again.status, again.state) == ("run_1", "processing", run.state)


async def test_poll_interval_takes_the_place_of_the_growing_pauses(both: Both, no_waiting: list[float]) -> None:
    client = both.client(*[job("processing")] * 4, job("completed", **DONE))

    await both(client.jobs.wait("run_1", poll_interval=25))

    assert no_waiting == [25.0] * 4


@pytest.mark.parametrize("interval", [0, -1, "1", float("nan")])
async def test_a_poll_interval_that_cannot_be_waited_is_refused(both: Both, interval: Any) -> None:
    client = both.client()

    with pytest.raises(sim.InvalidInputError, match="poll_interval"):
        await both(client.workflows.run("w", poll_interval=interval))

    assert client.script.requests == []


def test_a_result_that_succeeded_is_given_back() -> None:
    result = WorkflowExecutionResult(success=True, output=1)

    assert result.raise_for_failure() is result


def test_a_result_that_failed_is_raised_with_its_text() -> None:
    result = WorkflowExecutionResult(success=False, error="no luck")

    with pytest.raises(sim.ExecutionError, match="no luck") as raised:
        result.raise_for_failure()

    assert raised.value.result is result


def test_a_job_that_is_not_done_has_no_result_yet() -> None:
    running = sim.Job("run_1", "processing")

    with pytest.raises(sim.JobNotDoneError, match="'processing'") as raised:
        running.result  # noqa: B018 - asking is enough

    assert raised.value.job is running


async def test_a_redirect_to_another_place_on_the_www_host_is_not_followed(both: Both) -> None:
    elsewhere = answer(301, headers={"Location": "https://www.sim.test/login"}, content=b"")
    client = both.client(elsewhere)

    with pytest.raises(sim.APIStatusError, match=r"redirecting to https://www\.sim\.test/login"):
        await both(client.workflows.execute("w"))

    assert client.base_url == "https://sim.test"


async def test_the_warning_about_files_names_the_callers_line(both: Both) -> None:
    client = both.client(answer(202, {"success": True, "jobId": "run_1"}))

    with pytest.warns(sim.FileInputWarning, match="background") as warned:
        await both(client.workflows.submit("w", {"f": sim.File(b"x", name="a.txt")}))

    assert warned[0].filename == __file__ or both.asynchronous
