"""What a server may send before and in a body that is held in memory: beyond a bound it is an error that names it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import httpcore
import pytest
from faultserver import Connection, FaultServer, Script
from wireanswers import answer, answering, chunked, head
from wirecalls import Caller, async_client_of

from simstudio import APIConnectionError, InvalidResponseError
from simstudio.transport.deadline import Budget, Phases
from simstudio.transport.wire.async_network import AsyncStream
from simstudio.transport.wire.network import MAX_HEAD_SIZE, ConnectionState
from simstudio.transport.wire.sync_network import SyncNetwork, SyncStream

Serve = Callable[..., FaultServer]


def get(client: Any) -> Any:
    return client.request("GET", "/api/x")


def execute(client: Any) -> Any:
    return client.workflows.execute("wf")


def sending(piece: bytes, first: bytes = b"") -> Script:
    """Answer with something that has no end."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(first)
        while True:
            await connection.send(piece)

    return script


ENDLESS = {
    "headers": sending(b"X-Name: " + b"v" * 1000 + b"\r\n", b"HTTP/1.1 200 OK\r\n"),
    "a header": sending(b"v" * 10_000, b"HTTP/1.1 200 OK\r\nX: "),
    "a status line": sending(b"O" * 10_000, b"HTTP/1.1 200 "),
    "100 Continue": sending(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "103 Early Hints": sending(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 100),
}


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS.keys())
def test_what_precedes_a_body_is_bounded_whatever_the_timeout(serve: Serve, own: Caller, script: Script) -> None:
    server = serve(script)
    with pytest.raises(APIConnectionError, match="more than 64 KiB of headers") as caught:
        own(server.url, execute, timeout=None)
    assert caught.value.sent
    assert server.saw_close()
    assert len(server.requests) == 1


@pytest.mark.usefixtures("trusted")
def test_over_tls_too(serve: Serve, own: Caller, server_context: Any) -> None:
    server = serve(ENDLESS["100 Continue"], context=server_context)
    with pytest.raises(APIConnectionError, match="more than 64 KiB of headers"):
        own(server.url, execute, timeout=None)


@pytest.mark.parametrize(("size", "fine"), [(MAX_HEAD_SIZE - 1000, True), (MAX_HEAD_SIZE, False)])
def test_headers_are_taken_up_to_the_bound(serve: Serve, own: Caller, size: int, fine: bool) -> None:
    server = serve(answering(answer({"a": 1}, X_Long="x" * size)))
    if fine:
        assert own(server.url, get, get) == {"a": 1}
        assert len(server.connections) == 1
    else:
        with pytest.raises(APIConnectionError, match="more than 64 KiB of headers"):
            own(server.url, get, max_retries=0)
        assert server.saw_close()


def test_each_response_of_a_connection_has_a_bound_of_its_own(serve: Serve, own: Caller) -> None:
    server = serve(answering(answer({"a": 1}, X_Long="x" * (MAX_HEAD_SIZE // 2))))
    assert own(server.url, get, get, get) == {"a": 1}
    assert len(server.connections) == 1


def test_a_large_body_that_comes_with_its_headers_does_not_count_as_headers(serve: Serve, own: Caller) -> None:
    server = serve(answering(answer({"a": "x" * 10 * MAX_HEAD_SIZE})))
    assert len(own(server.url, get, get)["a"]) == 10 * MAX_HEAD_SIZE


class Flood(httpcore.NetworkStream):
    """A stream that always has an informational response to read."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return b"HTTP/1.1 103 Early Hints\r\n\r\n"

    def close(self) -> None: ...


def test_a_read_after_the_deadline_is_out_of_time_though_something_has_come() -> None:
    now = [0.0]
    timeout = Phases(Budget(1.0, clock=lambda: now[0]))["read"]
    stream = SyncStream(Flood(), SyncNetwork())
    assert stream.read(100, timeout)
    now[0] = 1.0
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(100, timeout)


async def test_a_read_after_the_deadline_is_out_of_time_though_something_has_come_async() -> None:
    now = [0.0]
    timeout = Phases(Budget(1.0, clock=lambda: now[0]))["read"]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.0)
        stream = AsyncStream(ours, ConnectionState())
        theirs.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        assert await stream.read(10, timeout)
        now[0] = 1.0
        with pytest.raises(httpcore.ReadTimeout):
            await stream.read(10, timeout)
        stream.close()


async def test_other_tasks_go_on_while_a_server_floods_a_call(serve: Serve) -> None:
    """Counted in turns of the event loop: what has come may keep it busy, but not what comes meanwhile."""
    server = serve(sending(chunked(b" " * 65_000), head(Transfer_Encoding="chunked")))
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with async_client_of(server.url) as client:
        ticking = asyncio.create_task(turn())
        with pytest.raises(InvalidResponseError, match="max_response_size"):
            await client.request("GET", "/api/x")
        ticking.cancel()
    assert turns > 64 * 1024 * 1024 // 65_000 // 2
