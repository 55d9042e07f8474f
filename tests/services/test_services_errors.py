"""Errors that mean the same with every service: unread JSON, values JSON cannot hold, gateways that gave up."""

from __future__ import annotations

import builtins
import json
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import simstudio.services.oomol as oomol_names
import simstudio.services.vectorvein as vectorvein_names
from simstudio import (
    APIConnectionError,
    APITimeoutError,
    InvalidInputError,
    InvalidResponseError,
    NotFoundError,
    ServerError,
    SimStudioError,
)
from simstudio.batch.records import pack_error, unpack_error
from simstudio.core.error_family import combine
from simstudio.services.oomol import OomolConnectClient, OomolConnectError
from simstudio.services.speedpix import Client, PredictionTimeoutError, SpeedPixException, SpeedPixRefusedError
from simstudio.services.vectorvein import VectorVeinAPIError, VectorVeinClient

LONG = b'{"status": 10, "msg": "", "data": ' + b"9" * 5000 + b"}"
FIELD: dict[str, Any] = {"node_id": "n", "field_name": "f"}

Call = Callable[[httpx.Client, Any], Any]
WRITES: dict[str, Call] = {
    "oomol": lambda http, value: oomol(http).tasks.create({"blockId": "a::b", "inputValues": {"x": value}}),
    "oomol with files": lambda http, value: oomol(http).tasks.create_with_files("a::b", {"x": value}, [b"file"]),
    "speedpix": lambda http, value: speedpix(http).run("wf", {"x": value}),
    "vectorvein": lambda http, value: vectorvein(http).run_workflow("wf", [{**FIELD, "value": value}]),
}
CALLS: dict[str, dict[str, Call]] = {
    "oomol": {
        "write": WRITES["oomol"],
        "files": WRITES["oomol with files"],
        "raw": lambda http, _: oomol(http).request("/x"),
    },
    "speedpix": {
        "write": WRITES["speedpix"],
        "upload": lambda http, _: speedpix(http).files.create(b"content", "x.png"),
        "raw": lambda http, _: speedpix(http).request("GET", "/x"),
        "post": lambda http, _: speedpix(http).invoke("/x", {}),
    },
    "vectorvein": {"write": WRITES["vectorvein"], "raw": lambda http, _: vectorvein(http).request("GET", "/x")},
}
ROOTS = {"oomol": OomolConnectError, "speedpix": SpeedPixException, "vectorvein": VectorVeinAPIError}
KEY = "Zebra-4711-secret"
REPLIES: dict[str, tuple[str, int, Callable[[str], Any]]] = {
    "oomol error status": ("oomol", 500, lambda text: {"message": text}),
    "oomol status 200": ("oomol", 200, lambda text: {"success": False, "message": text}),
    "speedpix error status": ("speedpix", 500, lambda text: {"errCode": "E", "errMessage": text}),
    "speedpix status 200": ("speedpix", 200, lambda text: {"status": 20, "errCode": "E", "errMessage": text}),
    "speedpix, no JSON": ("speedpix", 200, str),
    "vectorvein envelope": ("vectorvein", 200, lambda text: {"status": 500, "msg": text}),
    "vectorvein, no JSON": ("vectorvein", 500, str),
    "vectorvein, no JSON with status 200": ("vectorvein", 200, str),
}
"""The service, the status, and the body of a reply with a message."""
READS: dict[str, Call] = {
    "oomol": lambda http, _: oomol(http).tasks.get("t"),
    "speedpix": lambda http, _: speedpix(http).predictions.get("t"),
    "vectorvein": lambda http, _: vectorvein(http).check_workflow_status("rid"),
}


def oomol(http: httpx.Client) -> OomolConnectClient:
    return OomolConnectClient("https://oomol.test", KEY, http_client=http, max_retries=0)


def speedpix(http: httpx.Client) -> Client:
    return Client("key", KEY, "https://speedpix.test", http_client=http, max_retries=0)


def vectorvein(http: httpx.Client) -> VectorVeinClient:
    return VectorVeinClient(KEY, "https://vectorvein.test", http_client=http, max_retries=0)


def failing(error: Exception) -> httpx.Client:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    return httpx.Client(transport=httpx.MockTransport(fail))


def answering(status: int, content: bytes) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, content=content)))


@pytest.mark.parametrize("service", READS)
def test_json_that_python_does_not_read_is_called_that(service: str) -> None:
    with pytest.raises(InvalidResponseError, match=r"too long .*4300") as caught:
        READS[service](answering(200, LONG), None)
    assert "does not read" in str(caught.value)
    assert "base_url" not in str(caught.value)


@pytest.mark.parametrize("service", WRITES)
def test_a_value_that_json_cannot_hold_is_named_with_its_place_and_a_substitute(service: str) -> None:
    with pytest.raises(InvalidInputError, match=r"\[1\] is of type complex, which is no JSON data: send "):
        WRITES[service](answering(200, b""), {"list": [1, 1j]})


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
@pytest.mark.parametrize("service", READS)
def test_after_a_failure_of_the_server_or_a_gateway_a_write_may_have_been_carried_out(
    service: str, status: int
) -> None:
    with pytest.raises(ServerError, match=r"may have been carried out; look before sending it again\.$"):
        WRITES[service](answering(status, b"<html>late</html>"), 1)
    with pytest.raises(ServerError) as caught:
        READS[service](answering(status, b"<html>late</html>"), None)
    assert "carried out" not in str(caught.value)


@pytest.mark.parametrize(("service", "call"), [(name, call) for name in CALLS for call in ("read", *CALLS[name])])
@pytest.mark.parametrize(
    ("error", "shared"),
    [(httpx.ConnectError("refused"), APIConnectionError), (httpx.ReadTimeout("slow"), APITimeoutError)],
    ids=["dead", "slow"],
)
def test_a_dead_or_slow_server_is_an_error_of_the_service_and_of_the_shared_tree(
    service: str, call: str, error: Exception, shared: type[Exception]
):
    made = READS[service] if call == "read" else CALLS[service][call]
    with pytest.raises(ROOTS[service]) as caught:
        made(failing(error), 1)
    assert isinstance(caught.value, shared)
    assert isinstance(caught.value, builtins.TimeoutError) == (shared is APITimeoutError)
    assert ("base_url" in str(caught.value)) == (service != "speedpix" and shared is APIConnectionError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))
    assert again.host == f"{service}.test"


@pytest.mark.parametrize("kind", [oomol_names.TimeoutError, PredictionTimeoutError, vectorvein_names.TimeoutError])
def test_a_wait_that_ends_too_early_is_the_builtin_timeout(kind: Any):
    assert issubclass(kind, builtins.TimeoutError)
    made = pickle.loads(pickle.dumps(kind("not done")))
    assert (type(made), str(made)) == (kind, "not done")


ADVICE: dict[str, dict[int, str]] = {
    "oomol": {401: "Check api_token", 403: "Check what the token may do.", 404: "Check the id and base_url."},
    "speedpix": {404: "Check the id and endpoint."},
    "vectorvein": {
        401: "Check the API key",
        403: "Check that this account may do this",
        404: "Check that base_url points",
    },
}
REDIRECTED = {
    "oomol": "It redirects to https://b.test/x, which is not followed",
    "speedpix": "Redirects are not followed here.",
    "vectorvein": "This redirect is not followed",
}


@pytest.mark.parametrize("service", READS)
@pytest.mark.parametrize("status", [300, 308, 399, 400, 401, 402, 403, 404, 405, 409, 429])
def test_an_error_status_brings_its_own_advice_and_no_other(service: str, status: int) -> None:
    reply = httpx.Response(status, headers={"Location": "https://b.test/x"})
    with pytest.raises(SimStudioError) as caught:
        READS[service](httpx.Client(transport=httpx.MockTransport(lambda _: reply)), None)
    advice = {**ADVICE[service], 429: "Wait a while before calling again."}.get(status)
    advice = REDIRECTED[service] if status < 400 else advice
    end = str(caught.value).partition("attempt 1)")[2]
    assert (advice in end) if advice is not None else (end == ".")


@pytest.mark.parametrize("reply", REPLIES)
def test_of_a_key_where_a_message_is_cut_nothing_is_left(reply: str) -> None:
    service, status, body = REPLIES[reply]
    for most in (80, 120, 200, 500):  # characters that a message quotes
        text = body("x" * (most - 8) + KEY)
        content = text.encode() if isinstance(text, str) else json.dumps(text).encode()
        with pytest.raises(SimStudioError) as caught:
            READS[service](answering(status, content), None)
        assert "Zebra" not in str(caught.value)


def kinds_of(root: type[SimStudioError]) -> list[type[SimStudioError]]:
    return [root, *(found for kind in root.__subclasses__() for found in kinds_of(kind))]


@pytest.mark.parametrize("root", ROOTS.values(), ids=ROOTS)
def test_a_ledger_keeps_the_class_of_every_error(root: type[SimStudioError]):
    shared = [APITimeoutError, ServerError, NotFoundError]
    kinds = {*kinds_of(root), *(combine(root, kind) for kind in shared)}
    for kind in kinds:
        error = kind("no such thing")
        error.status = 404
        vars(error)["reason"] = "gone"

        found, name = unpack_error(pack_error(error, 0, {"error": root}), {"error": root})
        other, _ = unpack_error(pack_error(error, 0, {"error": root}), {})

        assert found is not None
        assert (type(found), str(found), found.status, name) == (kind, "no such thing", 404, kind.__name__)
        assert isinstance(found, type(other))
        assert not isinstance(other, root)
        assert type(pickle.loads(pickle.dumps(found))) is kind


def test_a_ledger_keeps_what_a_service_says_about_an_error():
    error = SpeedPixRefusedError("no")
    error.err_code, error.invoke_id = "E", "i-1"

    models = {"error": SpeedPixException}
    found, _ = unpack_error(pack_error(error, 0, models), models)

    assert isinstance(found, SpeedPixException)
    assert (found.err_code, found.invoke_id, found.sub_err_code) == ("E", "i-1", None)


def test_a_ledger_keeps_no_attributes_of_an_error_of_a_users_own():
    """A middleware's error may hold anything, such as a token."""
    error = type("SignInError", (SimStudioError,), {})("no")
    vars(error)["token"] = "Zebra"

    assert "Zebra" not in str(pack_error(error, 0, {"error": SpeedPixException}))
