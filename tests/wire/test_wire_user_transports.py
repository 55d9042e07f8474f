"""``http_client=`` with transports of other libraries: aiohttp under httpx, and httpx2."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx_aiohttp
import pytest
from faultserver import Connection, FaultServer
from wireanswers import DONE, FINAL, STREAM, answer, answering, chunked, streaming, text
from wirecalls import async_client_of

from simstudio import APIConnectionError, APITimeoutError
from tests.tls import default_context

Serve = Callable[..., FaultServer]

CLIENTS: dict[str, Callable[..., Any]] = {"httpx over aiohttp": httpx_aiohttp.HttpxAiohttpClient}
if sys.version_info >= (3, 11):  # there is no httpx2 for less
    import httpx2
    import httpx_aiohttp.httpx2

    CLIENTS["httpx2"] = httpx2.AsyncClient
    CLIENTS["httpx2 over aiohttp"] = httpx_aiohttp.httpx2.Httpx2AiohttpClient


@pytest.fixture(params=CLIENTS.values(), ids=CLIENTS.keys())
def make(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return partial(request.param, verify=default_context())


async def first_then_silence(connection: Connection) -> None:
    await connection.request()
    await connection.send(STREAM + chunked(text("Hel")))
    await connection.silence()


async def test_a_call_is_answered(serve: Serve, make: Any) -> None:
    server = serve(answering(answer({"success": True, "output": "é"})))
    async with make() as http_client, async_client_of(server.url, http_client=http_client) as client:
        assert (await client.workflows.execute("wf", {"name": "Ada"})).output == "é"
    assert server.requests[0].body == b'{"name":"Ada"}'


async def test_a_stream_is_read(serve: Serve, make: Any) -> None:
    server = serve(answering(streaming(text("Hel"), text("lo"), FINAL, DONE)))
    async with make() as http_client, async_client_of(server.url, http_client=http_client) as client:
        assert (await client.execute_workflow("wf", stream=True)).output == {"agent": {"content": "Hello"}}


async def drop(connection: Connection) -> None:
    await connection.request()


async def reset(connection: Connection) -> None:
    await connection.request()
    connection.reset()


@pytest.mark.parametrize("script", [drop, reset], ids=["drop", "reset"])
async def test_a_broken_connection_may_have_been_sent_and_an_execution_is_not_repeated(
    serve: Serve, make: Any, script: Any
) -> None:
    """(httpx-aiohttp calls it a timeout while connecting.)"""
    server = serve(script)
    async with make() as http_client, async_client_of(server.url, http_client=http_client) as client:
        with pytest.raises(APIConnectionError) as caught:
            await client.workflows.execute("wf")
    assert caught.value.sent
    assert len(server.requests) == 1


async def test_a_refused_connection_had_nothing_sent(make: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with make() as http_client, async_client_of(url, http_client=http_client) as client:
            with pytest.raises(APIConnectionError, match="attempt 3") as caught:
                await client.workflows.execute("wf")
    assert not caught.value.sent


async def test_silence_is_out_of_time(serve: Serve, make: Any) -> None:
    async def never(connection: Connection) -> None:
        await connection.request()
        await connection.silence()

    server = serve(never)
    async with make() as http_client, async_client_of(server.url, http_client=http_client) as client:
        with pytest.raises(APITimeoutError):
            await client.workflows.execute("wf", timeout=0.05)


async def test_150_doubly_cancelled_streams_leave_no_harm(serve: Serve, make: Any) -> None:
    server = serve(*[first_then_silence] * 150, answering())
    async with make() as http_client, async_client_of(server.url, http_client=http_client) as client:

        async def read(started: asyncio.Event) -> None:
            async with client.workflows.stream("wf") as stream:
                async for _ in stream:
                    started.set()

        for _ in range(3):  # httpx's pools hold 100
            started = [asyncio.Event() for _ in range(50)]
            tasks = [asyncio.create_task(read(event)) for event in started]
            await asyncio.gather(*(event.wait() for event in started))
            for turn in range(2):
                for task in tasks:
                    task.cancel()
                await asyncio.sleep(0 if turn == 0 else 0.001)
            await asyncio.gather(*tasks, return_exceptions=True)
        results = await asyncio.gather(*(client.workflows.execute("wf") for _ in range(50)))
        assert all(result.success for result in results)
