"""Connections are reused, dropped before the server drops them, shared by threads, and never left open."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from faultserver import Connection, FaultServer
from wireanswers import STREAM, answer, answering, chunked, text
from wirecalls import Caller, async_client_of, client_of

from simstudio import APIConnectionError, ConfigurationError, SimStudioError
from simstudio.sandbox import Sandbox
from simstudio.transport.wire.pool import Connections

Serve = Callable[..., FaultServer]


def execute(client: Any) -> Any:
    return client.workflows.execute("wf")


def test_calls_after_one_another_share_one_connection(serve: Serve, own: Caller) -> None:
    server = serve()
    own(server.url, execute, execute, lambda client: client.request("GET", "/api/x"))
    assert [len(connection.requests) for connection in server.connections] == [3]


def test_an_error_status_gives_the_connection_back(serve: Serve, own: Caller) -> None:
    server = serve(answering(answer({"error": "no"}, 404)))

    def fail(client: Any) -> Any:
        return client.validate_workflow("wf")

    own(server.url, fail, fail, fail)
    assert len(server.connections) == 1


def test_clones_and_raw_twins_share_the_connections(serve: Serve, own: Caller) -> None:
    server = serve()
    own(
        server.url,
        execute,
        lambda client: execute(client.with_options(timeout=5)),
        lambda client: execute(client.with_raw_response),
    )
    assert len(server.connections) == 1


def test_closing_a_clone_leaves_the_connection_open(serve: Serve) -> None:
    server = serve()
    with client_of(server.url) as client:
        with client.with_options(timeout=5) as clone:
            execute(clone)
        execute(client)
    assert len(server.connections) == 1


async def test_closing_a_clone_leaves_the_connection_open_async(serve: Serve) -> None:
    server = serve()
    async with async_client_of(server.url) as client:
        async with client.with_options(timeout=5) as clone:
            await execute(clone)
        await execute(client)
    assert len(server.connections) == 1


# -- idle connections --------------------------------------------------------------------------------------------


@pytest.mark.short_keep_alive
def test_idle_connections_are_dropped_before_sims_keep_alive_of_5_s_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[float] = []
    real = Connections.__init__

    def note(self: Any, keep_alive: float, *args: Any) -> None:
        kept.append(keep_alive)
        real(self, keep_alive, *args)

    monkeypatch.setattr(Connections, "__init__", note)
    with FaultServer() as server:
        Caller(False, None)(server.url, execute)
        Caller(True, None)(server.url, execute)
    assert kept == [4.0, 4.0]


def test_there_is_no_limit_that_calls_could_wait_for(serve: Serve) -> None:
    """More streams at once than httpx would have connections."""
    server = serve(_hold)
    with client_of(server.url) as client, ThreadPoolExecutor(120) as threads:
        calls = [threads.submit(execute, client) for _ in range(120)]
        server.saw_requests(120)
        server.release()
        assert all(call.result().success for call in calls)


async def test_there_is_no_limit_that_calls_could_wait_for_async(serve: Serve) -> None:
    server = serve(_hold)
    async with async_client_of(server.url) as client:
        calls = [asyncio.create_task(execute(client)) for _ in range(120)]
        await asyncio.to_thread(server.saw_requests, 120)
        server.release()
        assert all(result.success for result in await asyncio.gather(*calls))


async def _hold(connection: Connection) -> None:
    await connection.request()
    await connection.hold()
    await connection.send(answer())


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_connection_that_the_server_closed_while_it_was_idle_is_not_used_again(
    serve: Serve, own: Caller, how: str
) -> None:
    """So that a POST, which may never be sent twice, does not meet it."""
    gone = threading.Event()

    async def close_when_idle(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer())
        await connection.hold()
        if how == "reset":
            connection.reset()
        else:
            connection.writer.close()
        with suppress(ConnectionError):
            await connection.writer.wait_closed()
        gone.set()

    server = serve(close_when_idle, answering())

    def wait_until_it_is_closed(client: Any) -> Any:
        server.release()
        gone.wait()
        return client.request("GET", "/api/x") if not own.asynchronous else asyncio.sleep(0)

    own(server.url, execute, wait_until_it_is_closed, execute)
    assert len(server.connections) == 2
    assert [request.method for request in server.connections[0].requests] == ["POST"]


def test_a_server_that_keeps_no_connection_gets_a_new_one_for_each_call(serve: Serve, own: Caller) -> None:
    async def once(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer(Connection="close"))
        await connection.silence()

    server = serve(once)
    own(server.url, execute, execute)
    assert [len(connection.requests) for connection in server.connections] == [1, 1]
    assert server.saw_close()


# -- threads and tasks -------------------------------------------------------------------------------------------


def test_many_threads_share_one_client() -> None:
    with Sandbox().serve() as server, server.client() as client, ThreadPoolExecutor(16) as threads:

        def call_often(thread: int) -> list[object]:
            return [client.workflows.execute("hello", {"name": f"{thread}/{n}"}).output for n in range(20)]

        outputs = list(threads.map(call_often, range(16)))
    assert len(outputs) == 16
    for thread, answers in enumerate(outputs):
        assert all(f"{thread}/{n}" in str(output) for n, output in enumerate(answers))
        assert len(answers) == 20


async def test_many_tasks_share_one_client() -> None:
    with Sandbox().serve() as server:
        async with server.async_client() as client:

            async def call_often(task: int) -> list[object]:
                return [(await client.workflows.execute("hello", {"name": f"{task}/{n}"})).output for n in range(20)]

            outputs = await asyncio.gather(*map(call_often, range(16)))
    for task, answers in enumerate(outputs):
        assert all(f"{task}/{n}" in str(output) for n, output in enumerate(answers))
        assert len(answers) == 20


# -- closing -----------------------------------------------------------------------------------------------------


def test_closing_the_client_closes_its_connections(serve: Serve, own: Caller) -> None:
    server = serve()
    own(server.url, execute)
    assert server.saw_close()


def test_a_call_after_closing_is_a_configuration_error(serve: Serve) -> None:
    server = serve()
    with client_of(server.url) as client:
        execute(client)
    client.close()
    with pytest.raises(ConfigurationError, match="closed"):
        execute(client)
    with pytest.raises(ConfigurationError, match="closed"):
        client.workflows.stream("wf")
    assert len(server.requests) == 1


async def test_a_call_after_closing_is_a_configuration_error_async(serve: Serve) -> None:
    server = serve()
    async with async_client_of(server.url) as client:
        await execute(client)
    await client.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await execute(client)
    with pytest.raises(ConfigurationError, match="closed"):
        await client.workflows.stream("wf")
    assert len(server.requests) == 1


def test_closing_the_client_ends_the_calls_that_other_threads_are_waiting_for(serve: Serve) -> None:
    server = serve(_hold)
    client = client_of(server.url, timeout=None)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(execute, client)
        server.saw_requests(1)
        client.close()
        with pytest.raises(APIConnectionError, match="the client was closed while this call was under way"):
            call.result()
    server.release()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_still_connecting_when_the_client_is_closed_sends_nothing(
    serve: Serve, scheme: str, server_context: ssl.SSLContext, trusted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(context=server_context if scheme == "https" else None)
    client = client_of(server.url)
    connecting, closed = threading.Event(), threading.Event()
    connect = socket.create_connection

    def slowly(*args: Any, **options: Any) -> socket.socket:
        connected = connect(*args, **options)
        connecting.set()
        assert closed.wait(10)
        return connected

    monkeypatch.setattr(socket, "create_connection", slowly)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(execute, client)
        assert connecting.wait(10)
        client.close()
        closed.set()
        with pytest.raises(APIConnectionError, match="the client was closed while this call was under way") as caught:
            call.result()
    assert (caught.value.sent, caught.value.lasting, server.requests) == (False, True, [])


async def test_what_is_still_connecting_when_the_client_is_closed_sends_nothing_async(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    client = async_client_of(server.url)
    connecting, closed = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def slowly(*args: Any, **options: Any) -> Any:
        await connect(*args, **options)
        connecting.set()
        await closed.wait()

    monkeypatch.setattr(loop, "sock_connect", slowly)
    call = asyncio.create_task(execute(client))
    await connecting.wait()
    await client.aclose()
    closed.set()
    with pytest.raises(APIConnectionError, match="the client was closed while this call was under way") as caught:
        await call
    assert (caught.value.sent, caught.value.lasting, server.requests) == (False, True, [])


async def test_closing_the_client_ends_the_calls_that_other_tasks_are_waiting_for(serve: Serve) -> None:
    server = serve(_hold)
    client = async_client_of(server.url, timeout=None)
    call = asyncio.create_task(execute(client))
    await asyncio.to_thread(server.saw_requests, 1)
    await client.aclose()
    with pytest.raises(APIConnectionError):
        await call
    server.release()


def test_a_stream_outlives_no_client(serve: Serve) -> None:
    async def endless(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hel")))
        await connection.silence()

    server = serve(endless)
    with client_of(server.url) as client:
        stream = client.workflows.stream("wf")
        next(stream)
    with pytest.raises(SimStudioError) as caught:
        next(stream)
    assert caught.value.partial == "Hel"
    assert server.saw_close()


def test_a_forgotten_client_closes_its_connections(serve: Serve) -> None:
    server = serve()
    client = client_of(server.url)
    execute(client)
    del client
    gc.collect()
    assert server.saw_close()


async def test_a_forgotten_client_closes_its_connections_async(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    await execute(client)
    del client
    gc.collect()
    assert await asyncio.to_thread(server.saw_close)


PROGRAMS = {
    "exit": "client = SimStudioClient(KEY, URL); client.workflows.execute('wf')",
    "exit in a function": "def main():\n    SimStudioClient(KEY, URL).workflows.execute('wf')\nmain()",
    "collected": "SimStudioClient(KEY, URL).workflows.execute('wf'); gc.collect()",
    "thread": """
thread = threading.Thread(target=lambda: SimStudioClient(KEY, URL).workflows.execute('wf'))
thread.start()
thread.join()""",
    "stream left open": "s = SimStudioClient(KEY, URL).workflows.stream('wf'); next(s)",
    "exception": "client = SimStudioClient(KEY, URL); client.workflows.execute('wf'); sys.exit('as it should')",
    "never used": "client = SimStudioClient(KEY, URL)",
    "asyncio": "client = AsyncSimStudioClient(KEY, URL); asyncio.run(go(client))",
    "async collected": """
async def main():
    await go(AsyncSimStudioClient(KEY, URL))
    gc.collect()
asyncio.run(main())""",
    "async stream left open": """
async def main():
    s = await AsyncSimStudioClient(KEY, URL).workflows.stream('wf')
    await s.__anext__()
asyncio.run(main())""",
    "async stream broken off": """
async def main():
    async for _ in AsyncSimStudioClient(KEY, URL).workflows.stream('wf'):
        break
asyncio.run(main())""",
    "async stream never used": """
async def main():
    AsyncSimStudioClient(KEY, URL).workflows.stream('wf')
asyncio.run(main())""",
    "async never used": "client = AsyncSimStudioClient(KEY, URL)",
    "async task left alone": """
async def main():
    task = asyncio.create_task(go(AsyncSimStudioClient(KEY, URL)))
    await asyncio.sleep(0.01)
asyncio.run(main())""",
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_that_closes_nothing_ends_without_a_warning(serve: Serve, program: str) -> None:
    async def either(connection: Connection) -> None:
        while True:
            request = await connection.request()
            if b'"stream":true' in request.body:
                await connection.send(STREAM + chunked(text("Hel")))
                await connection.silence()
                return
            await connection.send(answer())

    server = serve(either)
    source = (
        "from __future__ import annotations\n"
        "import asyncio, gc, logging, sys, threading\n"
        "logging.getLogger('asyncio').setLevel(logging.ERROR)\n"  # in dev mode it tells how slow a first call is
        "from simstudio import AsyncSimStudioClient, SimStudioClient\n"
        f"KEY, URL = 'sk-sim-wire', {server.url!r}\n"
        "async def go(client):\n    await client.workflows.execute('wf')\n"
        f"{program}\n"
    )
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", source],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stderr == ("as it should\n" if "as it should" in program else "")
    assert run.returncode == (1 if "as it should" in program else 0)
    assert server.saw_close() or not server.connections
