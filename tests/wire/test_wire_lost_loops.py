"""Event loops that are closed without ``shutdown_asyncgens``: their connections are closed by the next use."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Callable

import pytest
from faultserver import Connection, FaultServer
from wireanswers import STREAM, chunked, text
from wirecalls import async_client_of

from simstudio import AsyncSimStudioClient

Serve = Callable[..., FaultServer]


def run_and_lose(client: AsyncSimStudioClient) -> None:
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(client.workflows.execute("wf")).success
    loop.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_connections_of_loops_that_were_closed_in_haste_are_closed(
    serve: Serve, scheme: str, server_context: ssl.SSLContext, trusted: None
) -> None:
    server = serve(context=server_context if scheme == "https" else None)
    client = async_client_of(server.url)
    for _ in range(5):
        run_and_lose(client)
    gc.collect()  # nothing of them warns
    asyncio.run(client.aclose())
    assert len(server.connections) == 5
    assert server.saw_close()
    del client
    gc.collect()


def test_they_are_closed_by_the_next_call_already(serve: Serve) -> None:
    server = serve()
    client = async_client_of(server.url)
    for number in range(3):
        run_and_lose(client)
        assert number == 0 or server.saw_close(*range(number))
        assert len(client._context.session.async_wire.get()._loops._held) == 1
    asyncio.run(client.aclose())


def test_that_of_a_stream_that_never_ended_is_closed_too(serve: Serve) -> None:

    async def begun(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hel")))
        await connection.silence()

    server = serve(begun)
    client = async_client_of(server.url)
    streams = []

    async def begin() -> None:
        stream = await client.workflows.stream("wf")
        await stream.__anext__()
        streams.append(stream)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    asyncio.run(client.aclose())
    assert server.saw_close()
    streams.clear()
    gc.collect()


def test_those_of_proxied_calls_are_closed_too(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    client = async_client_of("http://sim.test")
    run_and_lose(client)
    asyncio.run(client.aclose())
    assert proxy.saw_close()
