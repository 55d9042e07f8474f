"""Faults on demand, down to the socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simstudio.sandbox import Context, Sandbox

from .calls import KEY, Caller, Serve


def test_latency_comes_before_the_real_answer(call: Caller) -> None:
    call.sandbox.faults.add(latency=0.03)
    began = time.perf_counter()
    assert call.execute("hello").status_code == 200
    assert time.perf_counter() - began >= 0.03


def test_closing_does_not_wait_for_latency() -> None:
    sandbox = Sandbox()
    sandbox.faults.add(latency=60)
    with httpx.Client() as http, sandbox.serve() as server:
        url = f"{server.base_url}/api/workflows/hello/execute"
        with pytest.raises(httpx.ReadTimeout):
            http.post(url, headers={"X-API-Key": KEY}, timeout=httpx.Timeout(5, read=0.02))
        began = time.perf_counter()
    assert time.perf_counter() - began < 30  # and not 60 s


def test_a_status_is_answered_instead_and_nothing_runs(call: Caller) -> None:
    ran: list[object] = []
    call.sandbox.workflow("note")(ran.append)
    call.sandbox.faults.add(status=503, headers={"Retry-After": "1"}, body={"error": "busy"})
    answer = call.execute("note")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()) == (503, "1", {"error": "busy"})
    assert not ran


@pytest.mark.parametrize(
    ("body", "content"), [(b"\xff\x00", b"\xff\x00"), ("<html>", b"<html>"), (None, b'{"error":"Fault 502"}')]
)
def test_the_body_of_a_status_may_be_anything(call: Caller, body: object, content: bytes) -> None:
    call.sandbox.faults.add(status=502, body=body)
    assert call.execute("hello").content == content


def test_a_fault_is_used_up(call: Caller) -> None:
    call.sandbox.faults.add(status=500, times=2)
    assert [call.execute("hello").status_code for _ in range(3)] == [500, 500, 200]
    assert len(call.sandbox.faults) == 0


def test_a_fault_for_ever_lasts_until_it_is_cleared(call: Caller) -> None:
    call.sandbox.faults.add(status=500, times=None)
    assert {call.execute("hello").status_code for _ in range(5)} == {500}
    call.sandbox.faults.clear()
    assert call.execute("hello").status_code == 200


def test_a_fault_waits_for_a_request_that_matches(call: Caller) -> None:
    call.sandbox.faults.add(status=500, workflow="count")
    call.sandbox.faults.add(status=501, path="/api/jobs/*")
    call.sandbox.faults.add(status=502, method="post", path="*/hello/*")
    assert call.http.get("/api/workflows/hello/status").status_code == 200
    assert call.execute("hello").status_code == 502
    assert call.http.get("/api/jobs/x").status_code == 501
    assert call.http.get("/api/workflows/count/status").status_code == 500


def test_faults_come_in_the_order_they_were_added(call: Caller) -> None:
    call.sandbox.faults.add(status=500)
    call.sandbox.faults.add(drop="request")
    assert call.execute("hello").status_code == 500
    with pytest.raises(httpx.RemoteProtocolError):
        call.execute("hello")


def test_a_fault_must_do_something() -> None:
    with pytest.raises(ValueError, match="a fault needs"):
        Sandbox().faults.add(workflow="hello")


@pytest.mark.parametrize(("drop", "runs"), [("request", 0), ("response", 1)])
def test_a_connection_dropped_before_the_head(call: Caller, drop: str, runs: int) -> None:
    ran: list[object] = []
    call.sandbox.workflow("note")(ran.append)
    call.sandbox.faults.add(drop=drop)
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending a response"):
        call.execute("note")
    assert len(ran) == runs


def test_a_connection_dropped_while_the_request_arrives(call: Caller) -> None:
    ran: list[object] = []
    call.sandbox.workflow("note")(ran.append)
    call.sandbox.faults.add(drop="body")
    with pytest.raises(httpx.TransportError):
        call.execute("note", {"text": "x" * (4 << 20)})
    assert (ran, call.sandbox.requests) == ([], [])
    assert call.execute("note").status_code == 200


def test_a_connection_dropped_after_the_head(call: Caller) -> None:
    call.sandbox.faults.add(drop="head")
    with call.http.stream("POST", "/api/workflows/hello/execute") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()


@pytest.mark.parametrize("rule", ["drop reset", "drop=response reset", "reset"])
def test_a_reset_is_a_read_error(call: Caller, rule: str) -> None:
    call.sandbox.fault(rule)
    with pytest.raises(httpx.ReadError):
        call.execute("hello")


@pytest.mark.parametrize("fault", [{"drop": "response"}, {"drop": "head"}, {"after_bytes": 3}], ids=str)
@pytest.mark.parametrize("reset", [False, True])
def test_a_caller_that_has_gone_leaves_nothing_to_break(
    *, fault: dict[str, Any], reset: bool, caplog: pytest.LogCaptureFixture
) -> None:
    gone = threading.Event()
    sandbox = Sandbox()
    sandbox.workflow("note")(lambda _: gone.wait(10))
    sandbox.faults.add(**fault, reset=reset)
    with sandbox.serve() as server:
        with httpx.Client(headers={"X-API-Key": KEY}) as http, pytest.raises(httpx.ReadTimeout):
            http.post(f"{server.base_url}/api/workflows/note/execute", timeout=httpx.Timeout(5, read=0.02))
        gone.set()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("events", [0, 1, 2])
def test_a_stream_cut_after_some_events(call: Caller, events: int) -> None:
    call.sandbox.faults.add(after_events=events)
    assert _until_it_breaks(call).count(b"data: ") == events


@pytest.mark.parametrize("size", [0, 1, 20, 100])
def test_a_stream_cut_within_an_event(call: Caller, size: int) -> None:
    call.sandbox.faults.add(after_bytes=size)
    assert len(_until_it_breaks(call)) == size


def _until_it_breaks(call: Caller) -> bytes:
    body = {"stream": True, "selectedOutputs": ["count.content"]}
    received = bytearray()
    with call.http.stream("POST", "/api/workflows/count/execute", json=body) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            _collect(answer.iter_raw(), received)
    return bytes(received)


def _collect(parts: Iterator[bytes], received: bytearray) -> None:
    for part in parts:
        received += part


def test_an_ordinary_answer_can_be_cut_too(call: Caller) -> None:
    call.sandbox.faults.add(after_bytes=5)
    with pytest.raises(httpx.RemoteProtocolError):
        call.execute("hello")


def test_garbage_instead_of_an_answer(call: Caller) -> None:
    call.sandbox.faults.add(garbage=b"\x00\xff not http\r\n\r\n")
    with pytest.raises(httpx.RemoteProtocolError):
        call.execute("hello")


def test_garbage_in_the_middle_of_a_stream_that_goes_on(call: Caller) -> None:
    call.sandbox.faults.add(after_events=1, garbage=b"data: {nonsense\n\n")
    frames = call.frames("count", {"to": 2, "selectedOutputs": ["count.content"]})
    assert frames[1] == "{nonsense"
    assert frames[-1] == '"[DONE]"'


def test_a_cut_stream_cancels_its_run(call: Caller) -> None:
    ended = threading.Event()

    @call.sandbox.workflow("forever")
    def forever(input: dict, context: Context):
        try:
            yield "first"
            context.cancelled.wait(60)
        finally:
            ended.set()

    call.sandbox.faults.add(after_events=1)
    body = {"stream": True, "selectedOutputs": ["forever.content"]}
    with pytest.raises(httpx.RemoteProtocolError):
        call.http.post("/api/workflows/forever/execute", json=body)
    assert ended.wait(5)


def test_the_server_is_well_after_every_kind_of_fault(serve: Serve) -> None:
    call = serve()
    kinds: tuple[dict, ...] = (
        {"drop": "request"},
        {"drop": "response"},
        {"drop": "head"},
        {"after_bytes": 1},
        {"garbage": b"x"},
    )
    for kind in kinds:
        call.sandbox.faults.add(**kind)
        with pytest.raises(httpx.TransportError):
            call.execute("hello")
        assert call.execute("hello").status_code == 200
