"""Every recorded 202 and every recorded state of a job, one by one and in the order in which they happened."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import simstudio as sim
from simstudio.core.polling import Poller, PollSchedule
from tests.integration import jobs
from tests.integration.executions import Failure
from tests.integration.jobs import State
from tests.integration.replaying import (
    V04,
    V06,
    Exchange,
    Watch,
    answer_of,
    body_of,
    client_options,
    in_every_way,
    of,
    parameters,
    play,
    workflow_of,
)
from tests.integration.rules import assert_receipt, assert_status_error, assert_travels
from tests.modes import both_modes
from tests.recorded import Recording, recording

WAYS = {
    "workflows.submit": lambda client, *args: client.workflows.submit(*args),
    "execute_workflow": lambda client, *args: client.execute_workflow(*args, async_execution=True),
    "execute_with_retry": lambda client, *args: client.execute_with_retry(*args, async_execution=True, max_retries=0),
}
STATES = {key: value for key, value in jobs.ASKED.items() if isinstance(value, State)}
REFUSED = {key: value for key, value in jobs.ASKED.items() if isinstance(value, Failure)}


def job_of(recorded: Recording) -> str:
    """The job in a recording's path."""
    return recorded.path.rpartition("/")[2]


def at_once(client: Any) -> Any:
    """Have a client poll without pauses worth the name."""
    client.jobs.poller = Poller(schedule=PollSchedule(initial=0.001, maximum=0.001))
    return client


# -- one exchange each ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "way", "recorded", "expected"), in_every_way(WAYS, jobs.SUBMITTED))
def test_a_submission_becomes_a_receipt_or_an_error(mode, way, recorded, expected):
    watch = Watch()
    options = {**client_options(recorded), "middleware": [watch]}

    def script(client):
        return WAYS[way](client, workflow_of(recorded), body_of(recorded))

    if expected is None:
        assert_receipt(play(mode, recorded, script, **options), recorded, workflow_of(recorded))
    else:
        with pytest.raises(expected.kind, match=expected.text.replace("$", "\\$")) as raised:
            play(mode, recorded, script, **options)
        assert_status_error(raised.value, recorded)
    watch.assert_sent_as(recorded)


@pytest.mark.parametrize(("recorded", "expected"), parameters(jobs.ALTERED))
def test_a_submission_with_a_body_of_another_kind_is_read_alike(mode, recorded, expected):
    options = {"middleware": [Watch(recorded.request_body)]}

    def script(client):
        return client.workflows.submit(workflow_of(recorded))

    if expected is None:
        assert_receipt(play(mode, recorded, script, **options), recorded, workflow_of(recorded))
    else:
        with pytest.raises(expected.kind, match=expected.text) as raised:
            play(mode, recorded, script, **options)
        assert_status_error(raised.value, recorded)


def test_an_answer_to_a_submission_that_ran_at_once_is_an_error_that_keeps_the_result(mode):
    recorded = recording(V04, 94)
    watch = Watch(headers={"X-Execution-Mode": "ASYNC"})

    with pytest.raises(sim.InvalidResponseError, match="ran the workflow at once") as raised:
        play(
            mode,
            recorded,
            lambda client: client.workflows.submit(workflow_of(recorded), body_of(recorded)),
            middleware=[watch],
        )

    assert raised.value.response.content == recorded.body


def test_a_file_in_a_submission_is_sent_with_a_warning(mode):
    recorded = recording(*jobs.FILE_SUBMITTED)
    file = sim.File("héllo file".encode(), name="a.txt", mime="text/plain")

    with pytest.warns(sim.FileInputWarning, match="background"):
        receipt = play(
            mode,
            recorded,
            lambda client: client.workflows.submit(workflow_of(recorded), {"files": [file], "message": "m"}),
        )

    assert_receipt(receipt, recorded, workflow_of(recorded))


@pytest.mark.parametrize(("recorded", "expected"), parameters(STATES))
def test_a_job_tells_its_state(mode, recorded, expected):
    said = answer_of(recorded)
    correlation = said["metadata"].get("correlation", {})
    inner = said.get("output") or {}

    job = play(mode, recorded, lambda client: client.jobs.get(job_of(recorded)))

    assert type(job) is sim.Job
    assert (job.task_id, job.status, job.success) == (job_of(recorded), expected.status, True)
    assert (job.done, job.succeeded, job.paused) == (expected.done, expected.succeeded, expected.paused)
    assert job.error_message == expected.error
    assert (job.output, job.error, job.metadata) == (said.get("output"), said.get("error"), said["metadata"])
    assert job.estimated_duration == said.get("estimatedDuration")
    assert job.execution_id == correlation.get("executionId", inner.get("executionId"))
    assert job.workflow_id == said["metadata"].get("workflowId", inner.get("workflowId"))
    assert job.to_dict() == said
    assert ("output" in job) == ("output" in said)
    assert job["status"] == expected.status
    if expected.done:
        assert job.result.success is (expected.succeeded or expected.paused)
        if expected.succeeded or expected.paused:
            assert job.result.output == inner["output"]
        if expected.output is not ...:
            assert job.result.output == expected.output
        assert job.result.paused is expected.paused
    else:
        with pytest.raises(sim.JobNotDoneError):
            job.result  # noqa: B018 - asking is enough
    assert pickle.loads(pickle.dumps(job)) == job


def in_the_documents_words(said):
    """What the documented loop is given: what came, and None for what it would stumble over."""
    status = said["status"]
    if status == "pending":
        return {**said, "status": "queued"}
    if status == "completed":
        return {**said, "metadata": {"duration": None, **said["metadata"]}}
    return said if status in ("queued", "processing") else {"error": None, **said}


@pytest.mark.parametrize(("recorded", "_"), parameters(dict.fromkeys(STATES)))
def test_the_flat_method_gives_a_job_as_a_plain_dict_in_the_documents_words(mode, recorded, _):
    status = play(mode, recorded, lambda client: client.get_job_status(job_of(recorded)))

    assert type(status) is dict
    assert status == in_the_documents_words(answer_of(recorded))


@pytest.mark.parametrize("way", ["get", "get_job_status"])
@pytest.mark.parametrize(("recorded", "expected"), parameters(REFUSED))
def test_a_job_that_cannot_be_asked_for_is_an_error(mode, way, recorded, expected):
    def script(client):
        return client.jobs.get(job_of(recorded)) if way == "get" else client.get_job_status(job_of(recorded))

    with pytest.raises(expected.kind, match=expected.text) as raised:
        play(mode, recorded, script, **client_options(recorded))

    assert_status_error(raised.value, recorded)


@pytest.mark.parametrize(
    ("recorded", "expected"), [case for case in parameters(REFUSED) if case.values[0].status < 500]
)
def test_waiting_for_a_job_that_may_not_be_asked_for_ends_at_once_and_names_it(mode, recorded, expected):
    with pytest.raises(expected.kind, match=expected.text) as raised:
        play(mode, recorded, lambda client: client.jobs.wait(job_of(recorded)), **client_options(recorded))

    assert_status_error(raised.value, recorded)
    assert raised.value.task_id == job_of(recorded)


@pytest.mark.parametrize(
    ("recorded", "expected"), parameters({key: state for key, state in STATES.items() if state.done})
)
def test_waiting_for_a_job_that_is_done_asks_once(mode, recorded, expected):
    seen = []

    def script(client):
        return client.jobs.wait(job_of(recorded), on_progress=seen.append)

    if expected.raises is None:
        job = play(mode, recorded, script)
        assert (job.succeeded, job.paused) == (expected.succeeded, expected.paused)
    else:
        with pytest.raises(sim.JobFailedError) as raised:
            play(mode, recorded, script)
        error = raised.value
        job = error.job
        assert type(error) is expected.raises
        assert (error.code, error.task_id) == ("EXECUTION_ERROR", job_of(recorded))
        assert (expected.error or "") in str(error)
        assert error.result.success is False
        assert error.result.error == expected.error
        assert_travels(error)
    assert seen == [job]
    assert job.to_dict() == answer_of(recorded)


def test_a_job_cannot_be_deleted(mode):
    recorded = recording(*jobs.DELETED_BY_REQUEST)

    with pytest.raises(sim.APIStatusError) as raised:
        play(mode, recorded, lambda client: client.request("DELETE", recorded.path))

    assert_status_error(raised.value, recorded, sim.APIStatusError)


# -- from the submission to the end --------------------------------------------------------------------------------

RUNS = {
    "v0.6: processing, then completed": (of(V06, 54, 55, 56), ["processing", "completed"]),
    "v0.6: completed at once": (of(V06, 71, 72), ["completed"]),
    "v0.6, the production server": (of(V06, 389, 390, 391), ["processing", "completed"]),
    "v0.4: completed at once": (of(V04, 78, 79), ["completed"]),
    "v0.4: an input under input": (of(V04, 80, 81), ["completed"]),
    "v0.4: a Response block": (of(V04, 84, 85), ["completed"]),
    "v0.4: states the server has no word for": (
        of(V04, 90, 109, 110, 111, 113, 91),
        ["unknown", "unknown", "unknown", "unknown", "completed"],
    ),
    "v0.4: files": (of(V04, 194, 195), ["completed"]),
}


@both_modes
@pytest.mark.parametrize(("exchanges", "statuses"), RUNS.values(), ids=RUNS)
def test_a_run_is_queued_waited_for_and_brings_the_workflows_own_output(mode, exchanges, statuses):
    seen = []

    result = play(
        mode,
        exchanges,
        lambda client: client.workflows.run(
            workflow_of(exchanges[0]),
            body_of(exchanges[0]),
            on_progress=lambda job: seen.append(job.status),
            poll_interval=0.001,
        ),
    )

    last = answer_of(exchanges[-1])["output"]
    assert type(result) is sim.WorkflowExecutionResult
    assert (result.success, result.error, result.status) == (True, None, "completed")
    assert result.output == last["output"]
    assert result.execution_id == last["executionId"]
    assert seen == statuses


@pytest.mark.parametrize(("exchanges", "statuses"), RUNS.values(), ids=RUNS)
def test_a_receipt_is_all_that_waiting_needs(mode, exchanges, statuses):
    def script(client):
        receipt = yield client.workflows.submit(workflow_of(exchanges[0]), body_of(exchanges[0]))
        job = yield at_once(client).jobs.wait(receipt)
        assert job.workflow_id == workflow_of(exchanges[0])
        return job

    job = play(mode, exchanges, script)

    assert job.succeeded
    assert job.to_dict() == answer_of(exchanges[-1])


@pytest.mark.parametrize(("exchanges", "statuses"), RUNS.values(), ids=RUNS)
def test_the_documented_polling_loop_ends(mode, exchanges, statuses):
    seen = []

    def script(client):
        receipt = yield client.execute_workflow(workflow_of(exchanges[0]), body_of(exchanges[0]), async_execution=True)
        assert receipt.links["status"] == exchanges[1].path
        while True:
            status = yield client.get_job_status(receipt.task_id)
            seen.append(status["status"])
            if status["status"] not in ("queued", "processing", "unknown"):
                return status

    assert play(mode, exchanges, script) == in_the_documents_words(answer_of(exchanges[-1]))
    assert seen == ["queued" if status == "pending" else status for status in statuses]


def test_a_queued_job_is_asked_for_in_the_rhythm_of_the_servers_estimate(mode):
    # 074 submits, 075 and 076 are its first two states; its last one was not kept, so that of another run stands in.
    last = Exchange(recording(V04, 79), (("run_cmeddzxfcaq1xfe23c33ougit", "run_cmi8exaaujicbgpsiq14a22hs"),))
    exchanges = [*of(V04, 74, 75, 76), last]
    estimates = []

    class Schedule(PollSchedule):
        def delay(self, question, *, random, estimate=None):
            estimates.append(estimate)
            return 0.001

    def script(client):
        client.jobs.poller = Poller(schedule=Schedule())
        return (
            yield client.workflows.run(
                workflow_of(exchanges[0]), body_of(exchanges[0]), on_progress=lambda job: seen.append(job.status)
            )
        )

    seen: list[str] = []
    result = play(mode, exchanges, script)

    assert seen == ["queued", "processing", "completed"]
    assert result.output == jobs.COMPUTED
    assert estimates == [180.0, 180.0]  # seconds; the server says milliseconds


FAILURES = {
    "v0.6: the workflow threw": (of(V06, 59, 60), "kaboom: async"),
    "v0.6: the run itself met the rate limit": (of(V06, 331, 332), "Rate limit exceeded. Please try again later."),
    "v0.6: it took too long": (of(V06, 339, 340), "Sim gives no reason"),
    "v0.4: the workflow failed": (of(V04, 88, 89), "Sim gives no reason"),
    "v0.4: the workflow threw": (of(V04, 86, 103), "Sim gives no reason"),
    "v0.4: the workflow was deleted": (of(V04, 163, 164), jobs.DELETED),
    "v0.4: the worker crashed": (of(V04, 90, 106), "Sim gives no reason"),
}


@pytest.mark.parametrize(("exchanges", "text"), FAILURES.values(), ids=FAILURES)
def test_a_run_that_fails_raises_with_job_and_result(mode, exchanges, text):
    with pytest.raises(sim.JobFailedError) as raised:
        play(
            mode,
            exchanges,
            lambda client: at_once(client).workflows.run(workflow_of(exchanges[0]), body_of(exchanges[0])),
        )

    error = raised.value
    receipt = answer_of(exchanges[0])
    assert type(error) is sim.JobFailedError
    assert text in str(error)
    assert error.task_id == error.job.task_id == receipt.get("taskId", receipt.get("jobId"))
    assert error.job.to_dict() == answer_of(exchanges[-1])
    assert error.result.success is False


def test_a_run_that_is_cancelled_says_so_where_the_server_does(mode):
    exchanges = of(V04, 90, 105)

    with pytest.raises(sim.JobCancelledError, match="was cancelled"):
        play(
            mode,
            exchanges,
            lambda client: at_once(client).workflows.run(workflow_of(exchanges[0]), body_of(exchanges[0])),
        )


def cancelled_v06() -> list[Recording | Exchange]:
    """A submission, its cancellation, and its end: the end looks like that of a run that took too long."""
    submitted, cancelled, timed_out = of(V06, 82, 84, 340)
    ids = answer_of(submitted)
    last = Exchange(
        timed_out,
        (
            ("run_1c895582cf0147f1b666", ids["jobId"]),
            ("19df590f-8f0b-4926-8541-b7b7cc6b43bb", ids["executionId"]),
        ),
    )
    return [submitted, cancelled, last]


def test_a_run_that_this_client_cancelled_says_so_where_the_server_does_not(mode):
    exchanges = cancelled_v06()

    def script(client):
        receipt = yield client.workflows.submit(workflow_of(exchanges[0]), body_of(exchanges[0]))
        cancelled = yield client.workflows.cancel(receipt.workflow_id, receipt.execution_id)
        assert cancelled.success
        yield client.jobs.wait(receipt)

    with pytest.raises(sim.JobCancelledError, match="was cancelled"):
        play(mode, exchanges, script)


def test_a_cancellation_that_the_server_could_not_record_changes_nothing(mode):
    exchanges = of(V06, 344, 345, 346)

    def script(client):
        receipt = yield client.workflows.submit(workflow_of(exchanges[0]), body_of(exchanges[0]))
        cancelled = yield client.workflows.cancel(receipt.workflow_id, receipt.execution_id)
        job = yield client.jobs.get(receipt)
        return cancelled, job

    cancelled, job = play(mode, exchanges, script)

    assert (cancelled.success, cancelled.reason) == (False, "redis_unavailable")
    assert job.status == "processing"


def test_a_run_that_pauses_is_returned_as_paused(mode):
    exchanges = of(V06, 111, 112)

    result = play(
        mode,
        exchanges,
        lambda client: at_once(client).workflows.run(workflow_of(exchanges[0]), body_of(exchanges[0])),
    )

    assert result.paused
    assert (result.success, result.status) == (True, "paused")
    assert "_resume" in result.output["data"]


ENDLESS = {
    "a job orphaned by a restart": of(V06, 346, 354),
    "a resumed job that is never taken up": of(V06, 114, 417),
}


@both_modes
@pytest.mark.parametrize("exchanges", ENDLESS.values(), ids=ENDLESS)
def test_waiting_ends_with_one_last_question_at_the_deadline(mode, exchanges):
    with pytest.raises(sim.JobTimeoutError) as raised:
        play(mode, exchanges, lambda client: client.jobs.wait(job_of(exchanges[0]), timeout=0.01))

    error = raised.value
    assert (error.code, error.task_id) == ("TIMEOUT", job_of(exchanges[0]))
    assert error.job.to_dict() == answer_of(exchanges[-1])
    assert_travels(error)


def test_waiting_bears_some_failed_questions_in_a_row(mode):
    failed = Exchange(recording(V04, 73), (("run_x", "run_cmeddzxfcaq1xfe23c33ougit"),))
    exchanges = [failed] * 5 + of(V04, 79)

    job = play(
        mode,
        exchanges,
        lambda client: at_once(client).jobs.wait("run_cmeddzxfcaq1xfe23c33ougit"),
        max_retries=0,
    )

    assert job.succeeded


def test_waiting_does_not_bear_failed_questions_for_ever(mode):
    failed = recording(V04, 73)

    with pytest.raises(sim.ServerError, match="Failed to fetch task status") as raised:
        play(mode, [failed] * 6, lambda client: at_once(client).jobs.wait("run_x"), max_retries=0)

    assert raised.value.task_id == "run_x"


@both_modes
def test_a_progress_function_that_raises_ends_the_wait(mode):
    def stop(job):
        raise LookupError(job.status)

    with pytest.raises(LookupError, match="processing"):
        play(
            mode,
            of(V06, 55, 56),
            lambda client: at_once(client).jobs.wait("run_d777a600b4d84722889b", on_progress=stop),
            played=False,
        )


def test_a_progress_function_of_the_async_client_may_be_async():
    seen = []

    async def note(job):
        seen.append(job.status)

    play(
        "async", of(V06, 55, 56), lambda client: at_once(client).jobs.wait("run_d777a600b4d84722889b", on_progress=note)
    )

    assert seen == ["processing", "completed"]


def test_a_job_that_its_own_route_does_not_know_is_asked_for_at_its_workflow(mode):
    unknown, answer = recording(V06, 61), recording(V06, 56)
    workflow, execution = workflow_of(recording(V06, 54)), "49016f13-3ea9-4454-be83-719da5d77130"
    elsewhere = Exchange(
        answer,
        (
            (
                f"uri: http://sim.test{answer.path}",
                f"uri: http://sim.test/api/workflows/{workflow}/executions/{execution}?includeOutput=true",
            ),
        ),
    )

    job = play(
        mode,
        [Exchange(unknown, (("00000000-0000-4000-8000-000000000000", execution),)), elsewhere],
        lambda client: client.jobs.get(execution, workflow_id=workflow),
    )

    assert job.succeeded
