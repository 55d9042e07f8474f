"""The signature: the recorded vectors, and what must be true of every attempt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simstudio import APIConnectionError, APITimeoutError
from simstudio.sandbox.services.speedpix import SpeedPixSandbox, SpeedPixServer
from simstudio.services.speedpix import Client, SpeedPixException, SpeedPixPermissionDeniedError
from simstudio.services.speedpix.credentials import Signature, SpeedPixCredentials, string_to_sign
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.message import Request, Response
from simstudio.transport.upload import Upload
from tests.modes import both_modes
from tests.services.speedpix.helpers import KEY, NONCE, NOW, SECRET, Watch, assert_signed, keys, run

VECTORS: dict[str, dict[str, Any]] = {
    vector["name"]: vector
    for vector in json.loads(Path(__file__).with_name("signature_vectors.json").read_text(encoding="utf-8"))
}
JSON_TYPE = "application/json; charset=utf-8"


def signed(path: str, body: bytes | Upload = b"", *, method: str = "POST", now: float = NOW, **headers: str) -> Request:
    """A request after the middleware."""
    endpoint = Endpoint("https://speedpix.test")
    middleware = Signature(SpeedPixCredentials(KEY, SECRET), endpoint, clock=lambda: now, nonce=lambda: NONCE)
    request = Request(method, endpoint.url(path), content=body)
    for name, value in {"Accept": JSON_TYPE, "Content-Type": JSON_TYPE, "x-ca-signature-method": "", **headers}.items():
        request.headers[name] = value

    def answer(sent: Request) -> Any:
        return Response(200)
        yield

    with pytest.raises(StopIteration):
        middleware(request, answer).send(None)
    return request


def body_of(vector: dict[str, Any]) -> bytes:
    """The bytes that a vector's digest is of."""
    return (vector.get("md5_input_utf8") or "").encode()


@pytest.mark.parametrize("name", sorted(set(VECTORS) - {"empty_object_body", "fractional_time"}))
def test_every_recorded_vector_is_reproduced(name: str):
    vector = VECTORS[name]

    request = signed(vector["path"], body_of(vector))

    assert {key: request.headers[key] for key in vector["headers"]} == vector["headers"]
    assert string_to_sign(request).split("\n") == vector["canonical_lines"]


def test_the_vector_of_a_fractional_time_is_reproduced():
    vector = VECTORS["fractional_time"]

    request = signed("/scc/x", b'{"k":1}', now=vector["time"])

    assert request.headers["x-ca-timestamp"] == "1700000000123"
    assert {key: request.headers[key] for key in vector["headers"]} == vector["headers"]


@pytest.mark.parametrize(
    ("path", "body", "md5", "signature"),
    [
        (
            "/scc/comfy_get_progress",
            '{"taskId":"task-1"}',
            "cy/DbG6MxT5LUHj9JTM15Q==",
            "VRbc8GVV8hYOQ+VUEFLyYzh4SRXqapuQope4r8e49+I=",
        ),
        (
            "/scc/comfy_prompt",
            '{"workflow_id":"w","inputs":{"text":"一幅美丽的山水画","n":1.5,"b":true,"z":null},"alias_id":"main"}',
            "tZAImEqGq0FooyVhWSL01g==",
            "+lXQEiOzrMP/VyQYkrHRNMBGxQGRxUAk3pjqV4nc6sQ=",
        ),
        ("/scc/x", "", None, "nUPcUcGwZwPRA/k5tXLCG1qGhASNothvqAGLwjJX5wc="),
    ],
)
def test_the_documented_vectors_are_reproduced(path: str, body: str, md5: str | None, signature: str):
    request = signed(path, body.encode())

    assert request.headers.get("content-md5") == md5
    assert request.headers["x-ca-signature"] == signature


def test_an_empty_object_is_a_body_like_any_other():
    request = signed("/scc/x", b"{}")

    assert_signed(request.headers, "POST", "/scc/x", b"{}")


def test_an_upload_is_digested_as_it_is_sent():
    assert signed("/scc/x", Upload(b"{", b"}")).headers["content-md5"] == signed("/scc/x", b"{}").headers["content-md5"]


def test_a_request_to_elsewhere_is_never_signed_and_keeps_nothing_of_a_signature():
    request = Request("POST", "https://elsewhere.test/scc/x", content=b"{}")
    request.headers["x-ca-signature-method"] = "HmacSHA256"
    request.headers["x-ca-key"] = KEY
    middleware = Signature(SpeedPixCredentials(KEY, SECRET), Endpoint("https://speedpix.test"))

    next(middleware(request, lambda sent: iter([Response(200)])))  # type: ignore[arg-type, return-value]

    assert [name for name in request.headers if name.startswith("x-ca")] == []


@both_modes
def test_every_attempt_has_a_nonce_and_a_time_of_its_own(mode: str):
    clock = iter(range(1700000000, 1700001000))
    sandbox = SpeedPixSandbox(clock=lambda: NOW)
    sandbox.faults.add(status=503, path="/scc/comfy_get_progress", times=2)

    def asking(client: Any) -> Any:
        prediction = yield client.predictions.create("echo", {})
        return (yield prediction.reload())

    with sandbox.serve() as server:
        run(mode, asking, **keys(server), clock=lambda: float(next(clock)), max_retries=2)
        attempts = server.requests[1:]

    assert [each.path for each in attempts] == ["/scc/comfy_get_progress"] * 3
    assert len({each.headers["x-ca-nonce"] for each in attempts}) == 3
    assert len({each.headers["x-ca-timestamp"] for each in attempts}) == 3
    for each in attempts:
        assert_signed(each.headers, each.method, each.path, each.body, sandbox.app_secret)


def test_what_a_middleware_makes_of_a_request_is_what_is_signed(mode: str, server: SpeedPixServer):
    def mine(request: Any, call_next: Any) -> Any:
        request.content = b'{"taskId":"other"}'
        return (yield from call_next(request))

    answer = run(mode, lambda client: client.post("/scc/any", {"taskId": "x"}), **keys(server), middleware=[mine])

    assert answer.json()["data"] == {"taskId": "other"}


def test_a_middleware_of_one_s_own_sees_every_attempt(mode: str, server: SpeedPixServer):
    watch = Watch()
    server.sandbox.faults.add(status=503, path="/scc/any")

    run(mode, lambda client: client.request("GET", "/scc/any"), **keys(server), middleware=[watch])

    assert len(watch.sent) == 2
    assert watch.sent[0].headers["x-ca-nonce"] != watch.sent[1].headers["x-ca-nonce"]


def test_a_submit_is_never_sent_twice_where_it_may_have_arrived(mode: str, server: SpeedPixServer):
    server.sandbox.faults.add(drop="response", path="/scc/comfy_prompt")

    with pytest.raises(APIConnectionError, match="may have been carried out"):
        run(mode, lambda client: client.run("echo", {}), **keys(server))
    for status in (500, 503):
        server.sandbox.faults.add(status=status, path="/scc/comfy_prompt")
        with pytest.raises(SpeedPixException):
            run(mode, lambda client: client.run("echo", {}), **keys(server))

    assert [each.path for each in server.requests] == ["/scc/comfy_prompt"] * 3


def test_the_deadline_bounds_a_call_with_its_retries(mode: str, server: SpeedPixServer):
    server.sandbox.faults.add(latency=30.0, path="/scc/*", times=None)

    with pytest.raises(APITimeoutError):
        run(mode, lambda client: client.predictions.get("task-1"), **keys(server), timeout=0.04)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"app_secret": "not-the-secret"}, "Invalid Signature"),
        ({"app_key": "not-the-key"}, "Invalid AppKey"),
        ({"clock": lambda: 1.0}, "Timestamp Expired"),
        ({"nonce": lambda: "always-the-same"}, "Nonce Used"),
    ],
)
def test_the_sandbox_refuses_what_the_gateway_would(
    mode: str, wrong: dict[str, Any], said: str, server: SpeedPixServer
):
    def twice(client: Any) -> Any:
        yield client.post("/scc/any", {})
        yield client.post("/scc/any", {})

    with pytest.raises(SpeedPixPermissionDeniedError, match=said) as caught:
        run(mode, twice, **{**keys(server), **wrong})

    assert caught.value.gateway_code == "A403IS"
    assert caught.value.request_id == "sandbox-1"


@pytest.mark.parametrize(
    ("app_key", "app_secret", "said"),
    [
        ("", "s", "app_key is missing"),
        ("k", "", "app_secret is missing"),
        (" k", "s", "app_key begins or ends with a space"),
        ("k", "s\n", "app_secret begins or ends with a space"),
        ("k", " s", "app_secret begins or ends with a space"),
        ("k", "s\x00s", "app_secret begins or ends with a space or line break"),
        ("k k", "s", "app_key holds a space"),
        ("键", "s", "app_key holds a space, or a character beyond ASCII"),
        (1, "s", "app_key must be a str, not int"),
        ("k", b"s", "app_secret must be a str, not bytes"),
    ],
)
def test_keys_that_cannot_work_are_refused_without_being_shown(app_key: Any, app_secret: Any, said: str):
    with pytest.raises(ValueError, match=said):
        Client(app_key, app_secret)
