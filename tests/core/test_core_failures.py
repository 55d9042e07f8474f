from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from simstudio import (
    ANONYMOUS,
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    JobTimeoutError,
    LockedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SimStudioError,
    UsageLimitExceededError,
)
from simstudio.core.failures import read_error, redact_error, status_error
from simstudio.models.jobs import Job
from simstudio.resources.settings import SIM
from simstudio.transport.auth import Credentials
from simstudio.transport.message import Attempt, Headers, Response
from tests.driving import KEY, Both, answer

CREDENTIALS = Credentials(KEY)


def failed(status: int, body: Any = None, **more: Any) -> APIStatusError:
    response = answer(status, body, **more)
    response.method, response.url = "GET", "https://sim.test/api/x?q=1"
    return status_error(response, CREDENTIALS, SIM)


class TestBodies:
    """What an error body says, in the shapes that servers send."""

    def test_legacy_text_and_code(self) -> None:
        body = read_error(answer(404, {"error": "Workflow not found", "code": "NOT_FOUND"}))
        assert (body.message, body.code, body.details) == ("Workflow not found", "NOT_FOUND", None)

    @pytest.mark.parametrize(
        "details",
        [
            [{"path": "a.b", "message": "Required"}],
            [{"path": ["a", 0], "code": "invalid_type", "expected": "string", "received": "null"}],
            ["row 1: too long"],
            [{"row": 1, "errors": ["x"]}],
            {"unionErrors": [{"issues": []}]},
        ],
        ids=["execute", "v1", "rows", "batch", "union"],
    )
    def test_v1_details_are_kept_as_sent_whatever_their_shape(self, details: Any) -> None:
        error = failed(400, {"error": "Invalid request", "details": details})
        assert error.details == details
        assert str(error).startswith("Invalid request")

    def test_v2_nests_them(self) -> None:
        body = read_error(answer(409, {"error": {"code": "E_BUSY", "message": "Busy", "details": [1]}}))
        assert (body.message, body.code, body.details) == ("Busy", "E_BUSY", [1])

    def test_the_admission_gate_has_two_texts_and_a_wait(self) -> None:
        body = read_error(
            answer(429, {"error": "Too many requests", "message": "Server is at capacity.", "retryAfterSeconds": 5})
        )
        assert body.message == "Too many requests: Server is at capacity."
        assert body.retry_after == 5.0

    def test_a_page_of_a_proxy_is_known_by_its_title(self) -> None:
        content = b"<html><head><TITLE> 502 Bad Gateway </TITLE></head><body>nginx</body></html>"
        error = failed(502, content=content, headers={"Content-Type": "text/html"})
        assert str(error).startswith("Bad Gateway: an HTML page, '502 Bad Gateway' (HTTP 502, GET /api/x")

    def test_a_page_without_title_is_a_page(self) -> None:
        assert read_error(answer(404, content=b"<!DOCTYPE html><p>no")).message == "Not Found: an HTML page"

    def test_plain_text_is_its_own_message_up_to_a_length(self) -> None:
        assert read_error(answer(405, content=b"Method Not Allowed\n")).message == "Method Not Allowed"
        assert len(read_error(answer(500, content=b"x" * 9999)).message or "") == 500

    @pytest.mark.parametrize("content", [b"", b"  \n"])
    def test_nothing_is_the_statuss_own_phrase(self, content: bytes) -> None:
        assert str(failed(404, content=content)).startswith("Not Found (HTTP 404, GET /api/x, attempt 1)")
        assert str(failed(599, content=content)).startswith("The server answered with an error status (HTTP 599")

    @pytest.mark.parametrize(
        "data", [[1, 2], 5, None, True, {}, {"error": None}, {"error": []}, {"error": {"message": 5, "code": 7}}]
    )
    def test_other_json_has_no_message(self, data: Any) -> None:
        assert read_error(answer(500, content=json.dumps(data).encode())).message is None

    def test_json_that_python_does_not_read_is_called_that(self) -> None:
        said = str(failed(500, content=b'{"error": ' + b"9" * 5000 + b"}"))
        assert said.startswith("Internal Server Error, with JSON that Python does not read: it has an integer that is")

    @pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[" * 100_000, b'{"error": '])
    def test_what_cannot_be_read_brings_no_other_error(self, content: bytes) -> None:
        assert isinstance(failed(500, content=content), ServerError)

    @pytest.mark.parametrize("seconds", ["5", True, -1, None, [5], float("nan"), float("inf"), 10**400])
    def test_a_senseless_wait_in_the_body_is_none(self, seconds: Any) -> None:
        response = Response(429, content=b"{}")
        response.content = (
            json.dumps({"error": "x", "retryAfterSeconds": "N"})
            .replace('"N"', str(seconds) if seconds == 10**400 else json.dumps(seconds))
            .encode()
        )
        assert status_error(response, CREDENTIALS, SIM).retry_after is None  # type: ignore[attr-defined]


class TestClassesAndCodes:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, InvalidRequestError),
            (401, AuthenticationError),
            (402, UsageLimitExceededError),
            (403, PermissionDeniedError),
            (404, NotFoundError),
            (409, ConflictError),
            (413, InvalidRequestError),
            (415, InvalidRequestError),
            (422, InvalidRequestError),
            (423, LockedError),
            (429, RateLimitError),
            (500, ServerError),
            (503, ServerError),
            (599, ServerError),
            (405, APIStatusError),
            (406, APIStatusError),
            (408, APIStatusError),
            (418, APIStatusError),
            (301, APIStatusError),
            (100, APIStatusError),
            (600, APIStatusError),
        ],
    )
    def test_each_status_has_its_class(self, status: int, kind: type[APIStatusError]) -> None:
        error = failed(status)
        assert type(error) is kind
        assert error.status == status

    @pytest.mark.parametrize(
        ("status", "code"), [(401, "UNAUTHORIZED"), (402, "USAGE_LIMIT_EXCEEDED"), (429, "RATE_LIMIT_EXCEEDED")]
    )
    @pytest.mark.parametrize("sent", [None, "SOMETHING_ELSE"])
    def test_documented_codes_whatever_the_server_calls_them(self, status: int, code: str, sent: str | None) -> None:
        error = failed(status, {"error": "No", "code": sent})
        assert (error.code, error.server_code) == (code, sent)

    @pytest.mark.parametrize("status", [400, 403, 404, 409, 423, 500])
    def test_elsewhere_the_servers_own(self, status: int) -> None:
        assert (failed(status, {"error": "No", "code": "ITS_OWN"}).code, failed(status).code) == ("ITS_OWN", None)


class TestMessages:
    def test_they_say_what_where_and_which_request(self) -> None:
        error = failed(500, {"error": "Boom"}, headers={"X-Request-Id": "r1"})
        assert str(error) == "Boom (HTTP 500, GET /api/x, attempt 1, request id r1)."
        assert error.request_id == "r1"

    @pytest.mark.parametrize(
        ("status", "advice"),
        [
            (401, "SIM_API_KEY"),
            (402, "usage.limits"),
            (404, "base_url"),
            (300, "redirecting to nowhere"),
            (399, "set base_url"),
            (407, "HTTP_PROXY"),
        ],
    )
    def test_they_say_what_to_do(self, status: int, advice: str) -> None:
        assert advice in str(failed(status))

    @pytest.mark.parametrize("status", [299, 400, 406, 408])
    def test_they_give_no_advice_that_is_about_another_status(self, status: int) -> None:
        assert str(failed(status, {"error": "No"})) == f"No (HTTP {status}, GET /api/x, attempt 1)."

    def test_a_redirect_says_where_it_leads(self) -> None:
        assert "redirecting to https://b.test/x." in str(failed(308, headers={"Location": "https://b.test/x"}))

    def test_a_429_says_how_long_to_wait(self) -> None:
        error = failed(429, headers={"Retry-After": "7"})
        assert "Wait 7 s" in str(error)
        assert isinstance(error, RateLimitError)
        assert error.retry_after == 7.0
        assert "Wait a while" in str(failed(429))

    def test_the_header_comes_before_the_body(self) -> None:
        error = failed(429, {"error": "x", "retryAfterSeconds": 9}, headers={"Retry-After": "7"})
        assert error.retry_after == 7.0  # type: ignore[attr-defined]

    def test_the_history_is_carried(self) -> None:
        response = answer(503)
        response.history = (Attempt(1, answer(502), None, 0.5),)
        assert status_error(response, CREDENTIALS, SIM).history == response.history


class TestConcealment:
    def echo(self, status: int = 401) -> Response:
        earlier = answer(503, {"error": KEY}, headers={"X-Echo": KEY})
        response = answer(
            status,
            {"error": f"Bad key {KEY}", "code": KEY, "details": [{KEY: [f"<{KEY}>"]}]},
            headers={"X-Echo": f"caf\xe9 {KEY}", "X-Request-Id": KEY, "Content-Type": "application/json"},
        )
        response.history = (Attempt(1, earlier, APIConnectionError(f"no {KEY}"), 0.1),)
        response.url = f"https://sim.test/api/x?key={KEY}"
        return response

    @pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500])
    def test_a_key_that_the_server_echoes_is_nowhere_in_the_error(self, status: int) -> None:
        response = self.echo(status)
        response.headers.put("Location", f"https://x/{KEY}")
        error = status_error(response, CREDENTIALS, SIM)
        redact_error(error, CREDENTIALS)
        assert KEY not in str(error) + repr(error.details) + str(error.server_code) + str(error.request_id)
        assert KEY not in str(dict(error.response.headers)) + error.response.text + error.response.url  # type: ignore[union-attr]
        assert KEY.encode() not in pickle.dumps(error)
        assert error.details == [{"***": ["<***>"]}]

    def test_nor_in_its_cause_or_in_a_model_on_it(self) -> None:
        error = JobTimeoutError(f"{KEY} was not done", job=Job(KEY, "queued", {"a": [KEY]}))
        error.task_id = KEY
        error.__cause__ = SimStudioError(f"because of {KEY}", details=KEY)
        redact_error(error, CREDENTIALS)
        assert error.job is not None
        assert (error.job.task_id, error.job.output, error.task_id) == ("***", {"a": ["***"]}, "***")
        assert str(error.__cause__) == "because of ***"
        assert KEY.encode() not in pickle.dumps((error, error.__cause__))

    def test_errors_that_cause_each_other_end(self) -> None:
        one, two = SimStudioError(KEY), SimStudioError(KEY)
        one.__cause__, two.__context__ = two, one
        redact_error(one, CREDENTIALS)
        assert (str(one), str(two)) == ("***", "***")

    def test_details_too_deep_to_look_through_are_dropped(self) -> None:
        deep: Any = KEY
        for _ in range(5000):
            deep = [deep]
        error = SimStudioError("x", details=deep)
        redact_error(error, CREDENTIALS)
        assert error.details is None

    def test_without_a_key_everything_stays(self) -> None:
        error = SimStudioError("x", details={"a": 1})
        redact_error(error, Credentials(ANONYMOUS))
        assert (str(error), error.details) == ("x", {"a": 1})

    def test_headers_keep_what_came_even_what_could_not_be_sent(self) -> None:
        response = Response(500, Headers.decode([(b"X Odd", b"caf\xe9\x01")]))
        assert status_error(response, CREDENTIALS, SIM).response.headers["x odd"] == "café\x01"  # type: ignore[union-attr]

    async def test_the_history_of_a_connection_error_too(self, both: Both, no_waiting: list[float]) -> None:
        made = both.client(answer(503, {"error": KEY}), *[APIConnectionError("dropped")] * 2)
        with pytest.raises(APIConnectionError) as caught:
            await both(made.workflows.status("wf"))
        assert [attempt.status for attempt in caught.value.history] == [503, None]
        assert KEY.encode() not in pickle.dumps(caught.value)
