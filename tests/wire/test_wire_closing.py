"""Closing a client while something is under way: it ends, it is told why, and nothing more is sent."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import httpcore
import httpx
import pytest
from faultserver import PATIENCE, Connection, FaultServer, Script
from wireanswers import STREAM, answer, answering, chunked, text
from wirecalls import async_client_of, client_of, trust_of

import simstudio.core.session as session
from simstudio import APIConnectionError, ConfigurationError, SimStudioError, StreamError
from simstudio.core.session import LazyWire
from simstudio.transport.deadline import SLICE
from simstudio.transport.retry import Backoff, Retry, RetryPolicy
from simstudio.transport.wire.async_network import AsyncStream
from simstudio.transport.wire.network import ConnectionState

Serve = Callable[..., FaultServer]

CLOSED = "the client was closed while this call was under way"
DATA = answer({"data": {"success": True, "output": {}, "executionId": "e", "metadata": {}}})


async def silent(connection: Connection) -> None:
    await connection.request()
    await connection.silence()


async def begun(connection: Connection) -> None:
    """A stream of which one event comes."""
    await connection.request()
    await connection.send(STREAM + chunked(text("Hel")))
    await connection.silence()


def busy_once() -> Script:
    return answering(answer({"error": "busy"}, 503), answer())


async def test_an_upload_that_is_closed_leaves_the_next_socket_of_its_number_alone() -> None:
    loop = asyncio.get_running_loop()
    ours, peer = socket.socketpair()
    other, far = socket.socketpair()
    number = ours.fileno()
    with peer, other, far:
        ours.settimeout(0.0)
        stream = AsyncStream(ours, ConnectionState())
        upload = asyncio.ensure_future(stream.write(bytes(64 * SLICE)))
        await asyncio.sleep(0)
        stream.close()
        os.dup2(other.fileno(), number)
        try:
            loop.add_writer(number, lambda: None)
            with pytest.raises(httpcore.WriteError):
                await upload
            assert loop.remove_writer(number)
        finally:
            os.close(number)


# -- calls under way ---------------------------------------------------------------------------------------------


def test_a_call_under_way_when_the_client_is_closed_is_not_sent_again(serve: Serve) -> None:
    server = serve(silent, answering(DATA))
    client = client_of(server.url, api_version="v2")
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.workflows.execute, "wf")
        server.saw_requests(1)
        client.close()
        with pytest.raises(APIConnectionError, match=CLOSED) as caught:
            call.result()
    assert (caught.value.sent, caught.value.lasting, caught.value.history) == (True, True, ())
    assert len(server.requests) == 1


async def test_a_call_under_way_when_the_client_is_closed_is_not_sent_again_async(serve: Serve) -> None:
    server = serve(silent, answering(DATA))
    client = async_client_of(server.url, api_version="v2")
    call = asyncio.ensure_future(client.workflows.execute("wf"))
    await asyncio.to_thread(server.saw_requests, 1)
    await client.aclose()
    with pytest.raises(APIConnectionError, match=CLOSED) as caught:
        await call
    assert (caught.value.sent, caught.value.lasting, caught.value.history) == (True, True, ())
    assert len(server.requests) == 1


@pytest.mark.parametrize("proxied", [False, True])
def test_closing_in_the_pause_between_two_attempts_is_the_end_of_the_call(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    server = serve(busy_once())
    url = server.url
    if proxied:
        monkeypatch.setenv("HTTP_PROXY", server.url)
        url = "http://sim.test"

    def closing() -> float:  # the retry asks for its jitter before it waits
        client.close()
        return 0.0

    client = client_of(url, middleware=_retry_with(closing))
    with pytest.raises(APIConnectionError, match=CLOSED) as caught:
        client.request("GET", "/api/x")
    _assert_second_was_refused(caught.value, server)
    with pytest.raises(ConfigurationError, match="closed"):
        client.request("GET", "/api/x")


@pytest.mark.parametrize("proxied", [False, True])
async def test_closing_in_the_pause_between_two_attempts_is_the_end_of_the_call_async(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    server = serve(busy_once())
    url = server.url
    if proxied:
        monkeypatch.setenv("HTTP_PROXY", server.url)
        url = "http://sim.test"
    tasks = []

    def closing() -> float:  # its first step comes before the pause is over: it was there first
        tasks.append(asyncio.ensure_future(client.aclose()))
        return 0.0

    client = async_client_of(url, middleware=_retry_with(closing))
    with pytest.raises(APIConnectionError, match=CLOSED) as caught:
        await client.request("GET", "/api/x")
    _assert_second_was_refused(caught.value, server)
    await asyncio.gather(*tasks)
    with pytest.raises(ConfigurationError, match="closed"):
        await client.request("GET", "/api/x")


def _retry_with(jitter: Callable[[], float]) -> Callable[[list[Any]], list[Any]]:
    retry = Retry(RetryPolicy(backoff=Backoff(initial=0.001, maximum=0.002)), random=jitter)
    return lambda stack: [retry if isinstance(middleware, Retry) else middleware for middleware in stack]


def _assert_second_was_refused(error: APIConnectionError, server: FaultServer) -> None:
    assert (error.sent, error.lasting) == (False, True)
    assert [attempt.status for attempt in error.history] == [503]
    assert len(server.requests) == 1


def test_a_call_in_another_loop_is_left_to_its_end_but_not_sent_again(serve: Serve) -> None:
    async def late(connection: Connection) -> None:
        await connection.request()
        await connection.hold()
        await connection.send(answer({"error": "busy"}, 503))
        await connection.silence()

    server = serve(late, answering())
    client = async_client_of(server.url)

    async def get() -> Any:
        return await client.request("GET", "/api/x")

    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(asyncio.run, get())
        server.saw_requests(1)
        asyncio.run(client.aclose())
        server.release()
        with pytest.raises(APIConnectionError, match=CLOSED):
            call.result()
    assert len(server.requests) == 1


# -- streams -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [silent, begun], ids=["before-the-answer", "within-the-answer"])
def test_threads_that_read_streams_are_told_when_the_client_is_closed(serve: Serve, script: Script) -> None:
    server = serve(script)
    client = client_of(server.url, timeout=None)
    reading = [threading.Event() for _ in range(5)]
    told: list[Exception] = []

    def read(begins: threading.Event) -> None:
        try:
            for _ in client.workflows.stream("wf", idle_timeout=60):
                begins.set()
        except SimStudioError as error:
            told.append(error)

    threads = [threading.Thread(target=read, args=(begins,), daemon=True) for begins in reading]
    for thread in threads:
        thread.start()
    server.saw_requests(5)
    if script is begun:
        assert all(begins.wait(PATIENCE) for begins in reading)
    client.close()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    assert len(told) == 5
    assert len(server.requests) == 5
    assert server.saw_close()


@pytest.mark.parametrize("script", [silent, begun], ids=["before-the-answer", "within-the-answer"])
async def test_tasks_that_read_streams_are_told_when_the_client_is_closed(serve: Serve, script: Script) -> None:
    server = serve(script)
    client = async_client_of(server.url, timeout=None)
    reading = [asyncio.Event() for _ in range(5)]

    async def read(begins: asyncio.Event) -> None:
        async for _ in await client.workflows.stream("wf", idle_timeout=60):
            begins.set()

    tasks = [asyncio.create_task(read(begins)) for begins in reading]
    await asyncio.to_thread(server.saw_requests, 5)
    if script is begun:
        await asyncio.gather(*(begins.wait() for begins in reading))
    await client.aclose()
    told = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE)
    assert all(isinstance(error, SimStudioError) for error in told), told
    assert len(server.requests) == 5
    assert await asyncio.to_thread(server.saw_close)


STREAM_CLOSED = (
    "The stream of POST /api/workflows/wf/execute was closed before its end, so it has no result. What it delivered is "
    "in error.partial; the run may have gone on, so look before running it again."
)


@pytest.fixture(params=["http", "https"])
def address(request: pytest.FixtureRequest, serve: Serve, server_context: ssl.SSLContext, trusted: None) -> str:
    return serve(begun, context=server_context if request.param == "https" else None).url


@pytest.mark.parametrize("owned", [True, False], ids=["own-connections", "user-s-client"])
def test_a_thread_that_reads_a_stream_is_told_that_another_has_closed_it(address: str, owned: bool) -> None:
    http_client = None if owned else httpx.Client(verify=trust_of(address))
    with client_of(address, timeout=None, http_client=http_client) as client, ThreadPoolExecutor(1) as threads:
        stream, begins = client.workflows.stream("wf", idle_timeout=60), threading.Event()

        def read() -> None:
            for _ in stream:
                begins.set()

        reading = threads.submit(read)
        assert begins.wait(PATIENCE)
        stream.close()
        with pytest.raises(StreamError) as caught:
            reading.result(PATIENCE)
    assert (str(caught.value), caught.value.partial) == (STREAM_CLOSED, "Hel")


def test_a_stream_over_http_2_or_another_transport_is_closed_by_the_thread_that_closes_it() -> None:
    """The connection of HTTP/2 is shared, and another transport may have no socket."""
    closed: list[str] = []

    class Rest(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield text("Hel")
            stream.close()
            yield text("lo")

        def close(self) -> None:
            closed.append("closed")

    shared, peer = socket.socketpair()
    extensions: list[dict[str, Any]] = [{}, {"http_version": b"HTTP/2", "network_stream": Extras(shared)}]
    with shared, peer:
        for given in extensions:
            headers = {"content-type": "text/event-stream"}
            reply = httpx.Response(200, headers=headers, stream=Rest(), extensions=given)
            answers = httpx.MockTransport(lambda _, reply=reply: reply)
            with (
                httpx.Client(transport=answers) as http_client,
                client_of("http://sim.test", http_client=http_client) as client,
            ):
                stream = client.workflows.stream("wf")
                with pytest.raises(StreamError):
                    list(stream)
        peer.sendall(b"still open")
        assert shared.recv(16) == b"still open"
    assert closed == ["closed"] * 2


@attrs.frozen
class Extras:
    socket: socket.socket

    def get_extra_info(self, name: str) -> Any:
        return getattr(self, name)


@pytest.mark.parametrize("owned", [True, False], ids=["own-connections", "user-s-client"])
async def test_a_task_that_reads_a_stream_is_told_that_another_has_closed_it(serve: Serve, owned: bool) -> None:
    server = serve(begun)
    http_client = None if owned else httpx.AsyncClient(verify=trust_of(server.url))
    async with async_client_of(server.url, timeout=None, http_client=http_client) as client:
        stream, begins = await client.workflows.stream("wf", idle_timeout=60), asyncio.Event()

        async def read() -> None:
            async for _ in stream:
                begins.set()

        reading = asyncio.create_task(read())
        await asyncio.wait_for(begins.wait(), PATIENCE)
        await stream.aclose()
        with pytest.raises(StreamError) as caught:
            await asyncio.wait_for(reading, PATIENCE)
        assert await asyncio.to_thread(server.saw_close)
    assert (str(caught.value), caught.value.partial) == (STREAM_CLOSED, "Hel")


# -- closing while the first call is on its way to the wire ------------------------------------------------------


def test_closing_while_the_first_call_makes_its_wire_sends_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    making, closed = threading.Event(), threading.Event()
    make = session._make_sync_wire

    def slowly(*args: Any) -> Any:
        making.set()
        assert closed.wait(PATIENCE)
        return make(*args)

    monkeypatch.setattr(session, "_make_sync_wire", slowly)
    client = client_of(server.url)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.request, "GET", "/api/x")
        assert making.wait(PATIENCE)
        client.close()
        closed.set()
        with pytest.raises(ConfigurationError, match="closed"):
            call.result()
    assert server.connections == []


async def test_closing_while_the_first_call_makes_its_wire_sends_nothing_async(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another thread, whose loop makes the wire."""
    server = serve()
    making, closed = threading.Event(), threading.Event()
    make = session._make_async_wire

    def slowly(*args: Any) -> Any:
        making.set()
        assert closed.wait(PATIENCE)
        return make(*args)

    async def get() -> Any:
        return await client.request("GET", "/api/x")

    monkeypatch.setattr(session, "_make_async_wire", slowly)
    client = async_client_of(server.url)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(asyncio.run, get())
        assert await asyncio.to_thread(making.wait, PATIENCE)
        await client.aclose()
        closed.set()
        with pytest.raises(ConfigurationError, match="closed"):
            await asyncio.wrap_future(call)
    assert server.connections == []


def test_a_wire_may_be_retired_by_what_makes_it() -> None:
    """The garbage collector, or a signal, strikes anywhere: also in the thread that holds the lock."""
    retired = []

    def make() -> Any:
        retired.append(lazy.retire())
        return object()

    lazy: LazyWire[Any] = LazyWire(make)
    with pytest.raises(ConfigurationError, match="closed"):
        lazy.get()
    assert retired == [None]
