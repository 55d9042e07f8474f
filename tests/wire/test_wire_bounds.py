"""What a server may send before and in a body that is held in memory: beyond a bound it is an error that names it."""

from __future__ import annotations

import asyncio
import gzip
import pickle
import socket
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import httpcore
import pytest
from faultserver import Connection, FaultServer, Script
from wireanswers import DONE, FINAL, answer, answering, chunked, head, streaming, text
from wirecalls import Caller, async_client_of, client_of

from simstudio import (
    APIConnectionError,
    ConfigurationError,
    InvalidResponseError,
    SimStudioClient,
)
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


# -- bodies ------------------------------------------------------------------------------------------------------

BOUND = 100_000


@cache
def packed(coding: str, size: int) -> bytes:
    """So many bytes of JSON, compressed, as a whole response."""
    data = b'"' + b"x" * (size - 2) + b'"'
    content = gzip.compress(data) if coding == "gzip" else zlib.compress(data) if coding == "deflate" else data
    encoded = {} if coding == "identity" else {"Content_Encoding": coding}
    return answer(content, Content_Type="application/json", **encoded)


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate"])
def test_a_body_is_taken_up_to_the_bound_of_its_decoded_size(serve: Serve, caller: Caller, coding: str) -> None:
    server = serve(answering(packed(coding, BOUND), packed(coding, BOUND + 1)))
    assert len(caller(server.url, get, max_response_size=BOUND)) == BOUND - 2
    with pytest.raises(InvalidResponseError, match=f"more than {BOUND} bytes.+max_response_size") as caught:
        caller(serve(answering(packed(coding, BOUND + 1))).url, get, max_response_size=BOUND)
    assert caught.value.status == 200
    assert "GET /api/x answered 200" in str(caught.value)


def test_a_body_without_an_end_is_given_up_and_its_call_not_repeated(serve: Serve, caller: Caller) -> None:
    server = serve(sending(chunked(b" " * 10_000), head(Transfer_Encoding="chunked")))
    with pytest.raises(InvalidResponseError, match="max_response_size"):
        caller(server.url, get, max_response_size=BOUND)
    assert server.saw_close()
    assert len(server.requests) == 1


def test_little_that_inflates_to_much_is_given_up(serve: Serve, own: Caller) -> None:
    server = serve(answering(packed("gzip", 70 * 1024 * 1024)))
    with pytest.raises(InvalidResponseError, match="more than 67108864 bytes"):
        own(server.url, get)


def test_an_error_status_with_such_a_body_is_given_up_too(serve: Serve, own: Caller) -> None:
    server = serve(sending(chunked(b" " * 10_000), head(500, Transfer_Encoding="chunked")))
    with pytest.raises(InvalidResponseError, match="answered 500 with a body of more than") as caught:
        own(server.url, get, max_response_size=BOUND, max_retries=0)
    assert caught.value.status == 500


def test_json_that_answers_a_stream_has_the_bound(serve: Serve, caller: Caller) -> None:
    server = serve(answering(packed("identity", BOUND + 1)))
    with pytest.raises(InvalidResponseError, match="max_response_size"):
        caller(server.url, lambda client: client.execute_workflow("wf", stream=True), max_response_size=BOUND)
    assert server.saw_close()


def test_a_stream_has_none(serve: Serve, caller: Caller) -> None:
    pieces = [text("x" * 10_000)] * 30
    server = serve(answering(streaming(*pieces, FINAL, DONE)))
    result = caller(server.url, lambda client: client.execute_workflow("wf", stream=True), max_response_size=BOUND)
    assert len(result.output["agent"]["content"]) == 300_000


def test_none_is_no_bound(serve: Serve) -> None:
    server = serve(answering(packed("gzip", 70 * 1024 * 1024)))
    with client_of(server.url, max_response_size=None) as client:
        assert len(get(client)) > 64 * 1024 * 1024


def test_clones_and_pickles_keep_the_bound(serve: Serve) -> None:
    server = serve(answering(packed("identity", BOUND + 1)))
    with SimStudioClient("key", server.url, max_response_size=BOUND) as client:
        for made in (client.with_options(timeout=20), pickle.loads(pickle.dumps(client))):
            with made, pytest.raises(InvalidResponseError, match="max_response_size"):
                get(made)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "64"])
def test_a_bound_that_is_none_is_a_configuration_error(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_response_size must be"):
        SimStudioClient("key", max_response_size=value)
