"""Cancelling calls and streams: whenever it strikes, and however often, no connection is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from faultserver import Connection, FaultServer
from wireanswers import STREAM, answer, answering, chunked, text
from wirecalls import async_client_of

from simstudio import APITimeoutError, AsyncSimStudioClient

Serve = Callable[..., FaultServer]


async def first_then_silence(connection: Connection) -> None:
    await connection.request()
    await connection.send(STREAM + chunked(text("Hel")))
    await connection.silence()


async def never_answer(connection: Connection) -> None:
    await connection.request()
    await connection.silence()


async def closed(server: FaultServer, *numbers: int) -> bool:
    return await asyncio.to_thread(server.saw_close, *numbers)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def iterate(client: AsyncSimStudioClient, started: asyncio.Event | None = None) -> None:
    async for _ in client.workflows.stream("wf", idle_timeout=20):
        if started is not None:
            started.set()


async def execute(client: AsyncSimStudioClient, started: asyncio.Event | None = None) -> None:
    await client.workflows.execute("wf", timeout=20)


async def enter(client: AsyncSimStudioClient, started: asyncio.Event | None = None) -> None:
    async with client.workflows.stream("wf", idle_timeout=20) as stream:
        async for _ in stream.text():
            if started is not None:
                started.set()


async def result(client: AsyncSimStudioClient, started: asyncio.Event | None = None) -> None:
    stream = await client.workflows.stream("wf", idle_timeout=20)
    await stream.__anext__()
    if started is not None:
        started.set()
    await stream.result()


Use = Callable[..., Coroutine[Any, Any, None]]
streams = pytest.mark.parametrize("use", [iterate, enter, result])


@streams
async def test_cancelling_a_task_inside_a_stream_closes_the_connection(serve: Serve, use: Use) -> None:
    server = serve(first_then_silence)
    async with async_client_of(server.url) as client:
        started = asyncio.Event()
        task = asyncio.create_task(use(client, started))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await closed(server)


@streams
async def test_wait_for_closes_the_connection_of_a_stream_it_gives_up(serve: Serve, use: Use) -> None:
    server = serve(first_then_silence)
    async with async_client_of(server.url) as client:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(use(client), 0.03)
        assert await closed(server)


async def test_cancelling_a_call_closes_its_connection(serve: Serve) -> None:
    server = serve(never_answer)
    async with async_client_of(server.url) as client:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(execute(client), 0.03)
        assert await closed(server)


@streams
async def test_150_doubly_cancelled_streams_leave_no_connection_and_no_harm(serve: Serve, use: Use) -> None:
    server = serve(*[first_then_silence] * 150, answering())
    async with async_client_of(server.url) as client:
        started = [asyncio.Event() for _ in range(150)]
        tasks = [asyncio.create_task(use(client, event)) for event in started]
        await asyncio.gather(*(event.wait() for event in started))
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        results = await asyncio.gather(*(client.workflows.execute("wf") for _ in range(50)))
        assert all(result.success for result in results)
        assert await closed(server, *range(150))


@pytest.mark.parametrize("apart", [1, 2, 3], ids="turns={}".format)
@pytest.mark.parametrize("script", [never_answer, first_then_silence], ids=lambda script: script.__name__)
@pytest.mark.parametrize("use", [execute, iterate, enter])
async def test_two_cancellations_at_any_moment_leave_no_connection(
    serve: Serve, use: Use, script: Any, apart: int
) -> None:
    """From before the connection is made until it waits for the answer, one turn of the event loop later each time."""
    server = serve(script)
    client = async_client_of(server.url)
    for moment in range(60):
        task = asyncio.create_task(use(client))
        await turns(moment)
        task.cancel()
        await turns(apart)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await closed(server)
    await client.aclose()


@pytest.mark.parametrize("apart", [1, 2, 3], ids="turns={}".format)
async def test_two_cancellations_while_an_answer_is_taken_leave_no_connection(serve: Serve, apart: int) -> None:
    """Whether the call was over by then or not: its connection is closed, or kept and used again."""
    server = serve(answering())
    async with async_client_of(server.url) as client:
        for moment in range(60):
            task = asyncio.create_task(execute(client))
            await turns(moment)
            task.cancel()
            await turns(apart)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for _ in range(5):
            await execute(client)
        abandoned = [number for number, each in enumerate(server.connections) if each is not server.connections[-1]]
        assert not abandoned or await closed(server, *abandoned)
        (pool,) = client._context.session.async_wire.get()._loops.find()._pools.values()
        assert (len(pool.connections.busy), len(pool.connections)) == (0, 1)


async def test_a_cancelled_call_leaves_the_connections_of_others_alone(serve: Serve) -> None:
    async def answer_late(connection: Connection) -> None:
        await connection.request()
        await connection.hold()
        await connection.send(answer())
        await connection.silence()

    server = serve(answer_late, never_answer)
    async with async_client_of(server.url) as client:
        other = asyncio.create_task(client.workflows.execute("wf"))
        await asyncio.to_thread(server.saw_requests, 1)
        for moment in range(40):
            task = asyncio.create_task(execute(client))
            await turns(moment)
            task.cancel()
            await turns(1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        server.release()
        assert (await other).success


async def test_cancelling_the_close_of_a_stream_closes_it_all_the_same(serve: Serve) -> None:
    server = serve(first_then_silence)
    async with async_client_of(server.url) as client:
        stream = await client.workflows.stream("wf")
        task = asyncio.create_task(stream.aclose())
        await turns(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await closed(server)


async def begin(client: AsyncSimStudioClient) -> None:
    await client.workflows.execute("wf", timeout=0.05)


async def open_stream(client: AsyncSimStudioClient) -> None:
    async with client.workflows.stream("wf", idle_timeout=0.05):
        pass


@pytest.mark.parametrize("use", [begin, open_stream])
async def test_a_call_cancelled_before_its_answer_leaves_no_connection_beyond_its_time(serve: Serve, use: Use) -> None:
    server = serve(never_answer)
    async with async_client_of(server.url) as client:
        for _ in range(20):
            task = asyncio.create_task(use(client))
            await asyncio.to_thread(server.saw_requests, len(server.requests) + 1)
            task.cancel()
            await turns(1)
            task.cancel()
            with pytest.raises((asyncio.CancelledError, APITimeoutError)):  # a busy machine may be late to cancel it
                await task
        assert await closed(server)
