"""Odd and hostile replies: each is an error of ours or borne, and no id is lost."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio import SimStudioError
from simstudio.sandbox.services.speedpix import SpeedPixServer
from simstudio.services.speedpix import (
    PredictionError,
    SpeedPixException,
    SpeedPixRateLimitError,
    SpeedPixResponseError,
)
from tests.services.speedpix.helpers import keys, run

DEEP = b'{"status": 10, "data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def answer(server: SpeedPixServer, call: str, body: Any, **more: Any) -> None:
    """Let the next question be answered so."""
    server.sandbox.faults.add(status=200, body=body, path=f"/scc/comfy_{call}", **more)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"7", b'"text"', b"{}", b"\xff\xfe", b"{", DEEP, b"<html>maintenance</html>",
        b'{"status": 10, "data": null}', b'{"status": 10, "data": []}', b'{"status": 10, "data": {}}',
        b'{"status": 10, "data": {"taskId": ""}}', b'{"status": 10, "data": {"taskId": true}}',
        b'{"status": 10, "data": {"taskId": null}}', b'{"status": 10, "data": {"taskId": ["task-1"]}}',
    ],
)  # fmt: skip
def test_an_odd_answer_to_a_submit_is_an_error_that_keeps_it(mode: str, body: bytes, server: SpeedPixServer):
    answer(server, "prompt", body)

    with pytest.raises(SpeedPixResponseError) as caught:
        run(mode, lambda client: client.run("echo", {}), **keys(server))

    assert caught.value.response is not None
    assert caught.value.response.content == body
    assert len(server.requests) == 1


@pytest.mark.parametrize("data", [{"taskId": 17}, {"task_id": "17"}, {"taskId": "17", "status": ["odd"], "x": [1]}])
def test_an_id_is_found_in_an_odd_answer(mode: str, data: Any, server: SpeedPixServer):
    answer(server, "prompt", {"data": data})

    prediction = run(mode, lambda client: client.run("echo", {}, wait=False), **keys(server))

    assert (prediction.id, prediction.status, prediction.done) == ("17", "waiting", False)


@pytest.mark.parametrize(
    ("body", "problem"),
    [({"status": 10}, "its data is absent"), ({"status": 10, "data": []}, "its data is list"), ([], "it is a list")],
)
def test_an_error_says_what_is_odd(body: Any, problem: str, server: SpeedPixServer):
    answer(server, "prompt", body)

    with pytest.raises(SpeedPixResponseError, match=problem):
        run("sync", lambda client: client.run("echo", {}), **keys(server))


@pytest.mark.parametrize(("told", "status"), [("queued", "queued"), ("", "waiting"), (None, "waiting")])
def test_a_new_prediction_has_the_status_that_the_service_tells(told: Any, status: str, server: SpeedPixServer):
    answer(server, "prompt", {"status": 10, "data": {"taskId": "t-1", "status": told}})

    assert run("sync", lambda client: client.predictions.create("echo", {}), **keys(server)).status == status


@pytest.mark.parametrize("data", [{"taskId": "t-1", "errCode": "x"}, {"taskId": "t-1"}])
def test_a_refused_submit_that_names_an_id_keeps_it(mode: str, data: Any, server: SpeedPixServer):
    answer(server, "prompt", {"status": 10, "errCode": "E", "data": data})

    with pytest.raises(SpeedPixException, match="gave no reason") as caught:
        run(mode, lambda client: client.run("echo", {}), **keys(server))

    assert caught.value.task_id == "t-1"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"\xff", DEEP, {"status": 10, "data": None}, {"status": 10, "data": []},
        {"status": 10},
        {"status": 20, "errCode": "BUSY"}, {"status": 10, "errCode": "THROTTLED"},
    ],
)  # fmt: skip
def test_an_odd_answer_to_a_question_is_borne_for_a_while(mode: str, body: Any, server: SpeedPixServer):
    answer(server, "get_progress", body, times=5)
    assert run(mode, lambda client: client.run("echo", {"a": 1}), **keys(server)) == {"a": 1}

    answer(server, "get_progress", body, times=None)
    with pytest.raises(SimStudioError) as caught:
        run(mode, lambda client: client.run("echo", {"a": 1}), **keys(server))
    assert caught.value.task_id == "task-2"


@pytest.mark.parametrize(
    "data", [{}, {"status": None}, {"status": 5}, {"status": ""}, {"progress": "much", "etaRelative": {}}]
)
def test_a_question_answered_without_a_status_says_that_it_runs(mode: str, data: Any, server: SpeedPixServer):
    answer(server, "get_progress", {"status": 10, "data": data})

    assert run(mode, lambda client: client.predictions.get("task-1"), **keys(server)).status == "running"


@pytest.mark.parametrize("body", [b"", b"[]", {"status": 10, "data": None}, {"status": 10, "data": [1]}])
def test_a_result_that_cannot_be_read_is_asked_for_again(mode: str, body: Any, server: SpeedPixServer):
    answer(server, "get_result", body)

    assert run(mode, lambda client: client.run("echo", {"a": 1}), **keys(server)) == {"a": 1}


def test_a_throttled_result_is_asked_for_again(mode: str, server: SpeedPixServer):
    answer(server, "get_result", {"status": 20, "errCode": "THROTTLED", "errMessage": "slow down"})

    assert run(mode, lambda client: client.run("echo", {"a": 1}), **keys(server)) == {"a": 1}


def test_a_refused_result_is_a_failure_with_its_code(mode: str, server: SpeedPixServer):
    answer(server, "get_result", {"status": 20, "errCode": "EXPIRED", "errMessage": "result is gone"})

    with pytest.raises(PredictionError, match="result is gone") as caught:
        run(mode, lambda client: client.run("echo", {"a": 1}), **keys(server))

    assert (caught.value.error_code, caught.value.prediction.status) == ("EXPIRED", "failed")


@pytest.mark.parametrize("result", [None, [], "text", 7, {"u": "https://[::1", "v": "http://a b", "w": "https://"}])
def test_an_output_of_any_shape_comes_through(mode: str, result: Any, server: SpeedPixServer):
    answer(server, "get_result", {"status": 10, "data": {"result": result}})

    assert run(mode, lambda client: client.run("echo", {}), **keys(server)) == result


def test_nothing_half_known_is_shown_when_the_result_cannot_be_had(mode: str, server: SpeedPixServer):
    def script(client: Any) -> Any:
        prediction = yield client.predictions.create("echo", {})
        server.sandbox.faults.add(status=500, path="/scc/comfy_get_result", times=None)
        for _ in range(3):
            try:
                yield prediction.reload()
            except SpeedPixException as error:
                return prediction, error
        raise AssertionError

    prediction, error = run(mode, script, **keys(server))

    assert (prediction.status, prediction.done, prediction.output) == ("running", False, None)
    assert error.prediction is prediction


@pytest.mark.parametrize(
    "headers", [{"x-ca-error-message": "Throttled by USER Flow Control"}, {"x-ca-error-code": "Throttled.User"}]
)
def test_a_gateway_that_throttles_is_told_apart_whatever_its_status(
    mode: str, headers: dict[str, str], server: SpeedPixServer
):
    server.sandbox.faults.add(status=403, headers={**headers, "retry-after": "7"}, body=b"")

    with pytest.raises(SpeedPixRateLimitError) as caught:
        run(mode, lambda client: client.run("echo", {}), **keys(server), max_retries=0)

    assert (caught.value.retry_after, caught.value.code, caught.value.status_code) == (7.0, "RATE_LIMIT_EXCEEDED", 403)


BAD = {"status": 20, "errCode": "E", "errMessage": "bad", "subErrCode": "S", "subErrMessage": "worse"}


@pytest.mark.parametrize(
    ("status", "body", "code", "server_code"),
    [
        (200, BAD, "E", "S"),
        (200, {**BAD, "subErrCode": None}, "E", "E"),
        (200, {**BAD, "errCode": "THROTTLED"}, "RATE_LIMIT_EXCEEDED", "S"),
        (400, BAD, "S", "S"),
        *((400, {name: "E"}, "E", "E") for name in ("errCode", "err_code", "subErrCode", "sub_err_code")),
        (400, {"errCode": 17}, "17", "17"),
        (401, BAD, "UNAUTHORIZED", "S"),
        (402, {"error": "No money", "code": "C"}, "USAGE_LIMIT_EXCEEDED", "C"),
        (429, b"", "RATE_LIMIT_EXCEEDED", None),
        (500, b"<Error><Code>X</Code></Error>", "X", "X"),
    ],
)
def test_an_error_has_the_documented_code_or_else_the_service_s(
    status: int, body: Any, code: str, server_code: str | None, server: SpeedPixServer
):
    server.sandbox.faults.add(status=status, body=body)

    with pytest.raises(SpeedPixException) as caught:
        run("sync", lambda client: client.run("echo", {}), **keys(server), max_retries=0)

    assert (caught.value.code, caught.value.server_code) == (code, server_code)
    assert caught.value.error_code == server_code


def test_an_envelope_within_an_error_status_is_read(mode: str, server: SpeedPixServer):
    server.sandbox.faults.add(status=400, body=BAD)

    with pytest.raises(SpeedPixException, match="worse") as caught:
        run(mode, lambda client: client.run("echo", {}), **keys(server))

    assert (caught.value.status_code, caught.value.err_code, caught.value.error_code) == (400, "E", "S")
