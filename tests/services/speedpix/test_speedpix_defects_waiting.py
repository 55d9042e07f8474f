"""The known defects of the original that are about waiting, by their numbers in the notes on the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import simstudio
from simstudio import File, InvalidInputError, RateLimitError
from simstudio.sandbox.services.speedpix import SpeedPixServer
from simstudio.services.speedpix import (
    PredictionCanceledError,
    PredictionError,
    PredictionTimeoutError,
    SpeedPixException,
    SpeedPixRateLimitError,
    SpeedPixRefusedError,
    SpeedPixServerError,
)
from tests.modes import both_modes
from tests.services.speedpix.helpers import (
    keys,
    replay,
    run,
    sample,
)


def error_of(mode: str, name: str, script: Any, **options: Any) -> Any:
    """What a script against a sample's answers raises."""
    with pytest.raises(SpeedPixException) as caught:
        replay(mode, name, script, **options)
    return caught.value


def running(client: Any) -> Any:
    return client.run("wf-1", {"a": 1})


def beginning(client: Any) -> Any:
    return client.predictions.create("wf-1", {"a": 1})


# --- 10, 11: waiting --------------------------------------------------------------------------------------------------


def test_10_a_throttled_question_does_not_end_the_wait(mode: str, server: SpeedPixServer):
    throttled = sample("20").interactions[1]["response"]["body"]["string"]
    server.sandbox.faults.add(status=200, body=json.loads(throttled), path="/scc/comfy_get_progress", times=5)

    assert run(mode, lambda client: client.run("echo", {"a": 1}), **keys(server)) == {"a": 1}


def test_10_the_code_of_a_refused_question_is_kept(mode: str):  # 20
    def asking(client: Any) -> Iterator[Any]:
        prediction = yield client.predictions.create("wf-1", {"a": 1})
        try:
            yield prediction.reload()
        except SpeedPixRateLimitError as error:
            return error, prediction

    (error, prediction), _ = replay(mode, "20_progress_err_envelope", asking)

    assert (error.err_code, error.err_message, error.task_id) == ("THROTTLED", "slow down", "task-1")
    assert error.prediction is prediction
    assert prediction.status == "waiting"  # and not "failed", of which the service said nothing
    assert isinstance(error, RateLimitError)


def test_10_a_question_that_stays_refused_ends_the_wait_with_its_code(mode: str, server: SpeedPixServer):
    refusal = {"status": 20, "errCode": "BUSY", "errMessage": "try later"}
    server.sandbox.faults.add(status=200, body=refusal, path="/scc/comfy_get_progress", times=None)

    with pytest.raises(SpeedPixRefusedError, match="try later") as caught:
        run(mode, lambda client: client.run("echo", {}), **keys(server))

    assert (caught.value.error_code, caught.value.task_id) == ("BUSY", "task-1")
    assert sum(request.path == "/scc/comfy_get_progress" for request in server.requests) == 6


def test_10_a_failed_task_is_a_failure_even_where_its_result_says_success(mode: str, server: SpeedPixServer):
    answer(server, "comfy_get_progress", {"taskId": "task-1", "status": "failed", "message": "out of memory"})
    answer(server, "comfy_get_result", {"taskId": "task-1", "result": None})

    with pytest.raises(PredictionError, match="out of memory") as caught:
        run(mode, lambda client: client.run("echo", {}), **keys(server))

    assert caught.value.prediction.status == "failed"


def test_10_a_submit_whose_status_says_no_is_an_error_that_knows_the_id(mode: str, server: SpeedPixServer):
    body = {"status": 20, "data": {"taskId": "task-7"}}
    server.sandbox.faults.add(status=200, body=body, path="/scc/comfy_prompt")

    with pytest.raises(SpeedPixRefusedError, match="envelope status 20") as caught:
        run(mode, beginning, **keys(server))

    assert caught.value.prediction is not None
    assert caught.value.task_id == caught.value.prediction.id == "task-7"


def test_10_a_refused_submit_keeps_all_that_was_said(mode: str):  # 15
    error = error_of(mode, "15_create_err_code", beginning)

    assert str(error).startswith("The workflow was not run: workflow not found (")
    assert (error.err_code, error.err_message) == ("SP_ERR", "bad")
    assert (error.sub_err_code, error.sub_err_message) == ("SUB", "workflow not found")
    assert (error.error_code, error.code, error.invoke_id, error.status_code) == ("SUB", "SP_ERR", "inv-1", 200)


@both_modes
def test_11_a_failed_question_does_not_end_the_wait(mode: str, server: SpeedPixServer):  # 21
    assert sample("21").interactions[1]["response"]["status"]["code"] == 500
    server.sandbox.faults.add(status=500, body={"x": 1}, path="/scc/comfy_get_progress", times=9)

    assert run(mode, lambda client: client.run("echo", {"a": 1}), **keys(server)) == {"a": 1}


def test_11_one_question_that_fails_is_an_error_that_knows_the_id(mode: str):  # 21
    def asking(client: Any) -> Iterator[Any]:
        prediction = yield client.predictions.create("wf-1", {"a": 1})
        yield prediction.reload()

    error = error_of(mode, "21_progress_500", asking)

    assert isinstance(error, SpeedPixServerError)
    assert (error.status_code, error.task_id) == (500, "task-1")


@both_modes
def test_11_a_wait_ends_at_its_deadline_and_loses_nothing(mode: str, server: SpeedPixServer):
    server.sandbox.states = ("running",) * 1000

    with pytest.raises(PredictionTimeoutError, match=r"not done within 0\.02 s") as caught:
        run(mode, lambda client: client.run("echo", {}, timeout=0.02), **keys(server))

    assert (caught.value.task_id, caught.value.prediction.status) == ("task-1", "running")
    assert isinstance(caught.value, simstudio.JobTimeoutError)


def test_11_the_first_question_is_asked_at_once_and_pauses_grow(mode: str, server: SpeedPixServer, slept: list[float]):
    server.sandbox.states = ()
    run(mode, lambda client: client.run("echo", {}), **keys(server))
    assert slept == []

    server.sandbox.states = ("running",) * 8
    run(mode, unestimated, **keys(server))
    assert slept[0] < slept[3] < slept[7]


def unestimated(client: Any) -> Iterator[Any]:
    prediction = yield client.predictions.create("echo", {})
    return (yield client.predictions.handle(prediction.id).wait())


@pytest.mark.parametrize("name", ["polling_interval", "poll_interval"])
def test_11_a_wait_has_two_names_for_its_interval_of_which_one_is_given(
    name: str, server: SpeedPixServer, slept: list[float]
):
    def script(client: Any) -> Any:
        prediction = yield client.predictions.create("echo", {})
        with pytest.raises(InvalidInputError, match="give one of them"):
            prediction.wait(polling_interval=1.5, poll_interval=1.5)
        yield prediction.wait(**{name: 1.5})

    run("sync", script, **keys(server))

    assert set(slept) == {1.5}


def test_11_a_polling_interval_is_kept(mode: str, server: SpeedPixServer, slept: list[float]):
    run(mode, lambda client: client.run("echo", {}, polling_interval=1.5), **keys(server))

    assert slept == [1.5, 1.5]


def test_11_a_sparse_answer_is_no_failure(mode: str):  # 25
    def asking(client: Any) -> Iterator[Any]:
        prediction = yield client.predictions.create("wf-1", {"a": 1})
        return (yield prediction.reload())

    prediction, _ = replay(mode, "25_progress_missing_fields", asking)

    assert (prediction.status, prediction.progress, prediction.eta) == ("running", None, None)


def test_11_a_canceled_prediction_is_told_apart(mode: str, server: SpeedPixServer):  # 24
    status = json.loads(sample("24").interactions[1]["response"]["body"]["string"])["data"]["status"]
    answer(server, "comfy_get_progress", {"taskId": "task-1", "status": status})

    with pytest.raises(PredictionCanceledError) as caught:
        run(mode, lambda client: client.run("echo", {}), **keys(server))

    assert caught.value.prediction.status == "canceled"


def test_11_an_unknown_status_is_waited_through(mode: str, server: SpeedPixServer):
    server.sandbox.states = ("queued", "PAUSED?", "running")
    seen: list[str] = []

    run(mode, lambda client: client.run("echo", {}, on_progress=lambda p: seen.append(p.status)), **keys(server))

    assert seen == ["queued", "PAUSED?", "running", "succeeded"]


def answer(server: SpeedPixServer, call: str, data: Any, status: int = 10) -> None:
    """Let the next question be answered so."""
    server.sandbox.faults.add(status=200, body={"status": status, "data": data}, path=f"/scc/{call}")


@pytest.mark.parametrize("path", ["/scc/sp_create_temp_file_upload_sign", "/scc/comfy_prompt"])
def test_11_what_the_limiter_refuses_before_a_run_is_sent_again_within_the_time_of_the_wait(
    path: str, mode: str, server: SpeedPixServer, slept: list[float]
):
    server.sandbox.faults.add(status=429, headers={"Retry-After": "7"}, path=path, times=5)
    picture = File(b"content", name="a.png")

    output = run(mode, lambda client: client.run("echo", {"a": picture}, timeout=60), **keys(server))

    assert output["a"].url.startswith(server.base_url)
    assert sum(slept) >= 35.0
    assert list(server.sandbox.uploads.values()) == [b"content"]
