"""One async client in several event loops: connections belong to the loop that runs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from faultserver import Connection, FaultServer
from wireanswers import STREAM, answer, chunked, text
from wirecalls import async_client_of

from simstudio import AsyncSimStudioClient, ConfigurationError

Serve = Callable[..., FaultServer]


async def execute(client: AsyncSimStudioClient) -> bool:
    return (await client.workflows.execute("wf")).success


def test_one_client_works_across_several_asyncio_run_calls(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    assert [asyncio.run(execute(client)) for _ in range(3)] == [True] * 3


def test_each_loop_has_its_own_connection_closed_when_it_ends(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    for number in range(3):
        asyncio.run(execute(client))
        assert len(server.connections) == number + 1
        assert server.saw_close()


def test_a_stream_left_open_is_closed_when_its_loop_ends(serve: Serve) -> None:
    async def endless(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hel")))
        await connection.silence()

    server = serve(endless)
    client = async_client_of(server.url)
    left = []

    async def leave() -> None:
        stream = await client.workflows.stream("wf")
        await stream.__anext__()
        left.append(stream)

    asyncio.run(leave())
    assert server.saw_close()


def test_a_loop_that_fails_closes_its_connections_too(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)

    async def fail() -> None:
        await execute(client)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fail())
    assert server.saw_close()


def test_one_client_in_two_loops_of_two_threads_at_once(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    together = threading.Barrier(2)
    fine: list[list[bool]] = []

    async def calls() -> list[bool]:
        first = await execute(client)
        together.wait(10)  # both loops run, and have a connection each
        return [first, *(await asyncio.gather(*(execute(client) for _ in range(20))))]

    threads = [threading.Thread(target=lambda: fine.append(asyncio.run(calls()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fine == [[True] * 21] * 2
    assert len(server.requests) == 42
    assert server.saw_close()


def test_closing_in_another_loop_ends_the_use_of_the_client(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    asyncio.run(execute(client))
    asyncio.run(client.aclose())
    with pytest.raises(ConfigurationError, match="closed"):
        asyncio.run(execute(client))
    assert server.saw_close()


def test_closing_in_one_loop_closes_the_idle_connections_of_a_loop_that_runs_elsewhere(serve: Serve) -> None:
    """In that loop, to which they belong."""
    server = serve()
    client = async_client_of(server.url)
    used, seen = threading.Event(), threading.Event()

    async def use() -> None:
        await execute(client)
        used.set()
        await asyncio.to_thread(seen.wait, 10)

    thread = threading.Thread(target=lambda: asyncio.run(use()))
    thread.start()
    assert used.wait(10)
    asyncio.run(client.aclose())
    try:
        assert server.saw_close()
    finally:
        seen.set()
        thread.join()


def test_closing_in_one_loop_leaves_a_call_that_runs_in_another_to_its_end(serve: Serve) -> None:
    async def late(connection: Connection) -> None:
        await connection.request()
        await connection.hold()
        await connection.send(answer())
        await connection.silence()

    server = serve(late)
    client = async_client_of(server.url)
    fine: list[bool] = []
    thread = threading.Thread(target=lambda: fine.append(asyncio.run(execute(client))))
    thread.start()
    server.saw_requests(1)
    asyncio.run(client.aclose())
    server.release()
    thread.join()
    assert fine == [True]
    assert server.saw_close()


async def test_closing_closes_the_connections_before_it_returns(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    await execute(client)
    await client.aclose()
    await client.aclose()
    assert await asyncio.to_thread(server.saw_close)


def test_a_client_that_was_never_used_closes_in_any_loop(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    asyncio.run(client.aclose())
    assert server.connections == []


PROGRAM = """
import asyncio, logging, threading
from simstudio import AsyncSimStudioClient
logging.getLogger("asyncio").setLevel(logging.ERROR)  # in dev mode it tells how slow a first call is

client = AsyncSimStudioClient("sk-sim-wire", {url!r})

async def execute():
    return (await client.workflows.execute("wf")).success

async def cancelled():
    task = asyncio.create_task(execute())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass

assert all(asyncio.run(execute()) for _ in range(3))
asyncio.run(cancelled())
thread = threading.Thread(target=lambda: asyncio.run(execute()))
thread.start()
thread.join()

loop = asyncio.new_event_loop()
assert loop.run_until_complete(execute())
loop.run_until_complete(client.aclose())
loop.close()
"""


def test_successive_loops_leave_no_resource_warning(serve: Serve) -> None:
    server = serve()
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM.format(url=server.url)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert server.saw_close()


def test_a_keyboard_interrupt_ends_the_loop_and_closes_the_connection(serve: Serve) -> None:
    async def interrupt(connection: Connection) -> None:
        await connection.request()
        os.kill(os.getpid(), signal.SIGINT)
        await connection.silence()

    async def late(connection: Connection) -> None:
        await connection.send(answer())

    server = serve(interrupt, late)
    client = async_client_of(server.url)
    # In the background of a shell this process ignores Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(execute(client))
    finally:
        signal.signal(signal.SIGINT, before)
    assert server.saw_close()


async def iterate(client: AsyncSimStudioClient) -> None:
    async with client.workflows.stream("wf"):
        pass


async def iterate_over_a_batch(client: AsyncSimStudioClient) -> None:
    async for _ in client.workflows.map("wf", [1]):
        pass


@pytest.mark.parametrize("use", [execute, iterate, iterate_over_a_batch])
def test_without_a_loop_of_asyncio_a_call_says_what_it_needs(use: Callable[[AsyncSimStudioClient], Any]) -> None:
    """A coroutine is driven here as another async library would drive it."""
    coroutine = use(async_client_of("http://127.0.0.1:9"))
    with pytest.raises(ConfigurationError, match="running event loop of asyncio"):
        coroutine.send(None)
