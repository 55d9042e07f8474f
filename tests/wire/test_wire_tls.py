"""TLS over awaited streams: over a socket, and over TLS again, as through an https proxy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import httpcore
import pytest
import trustme
from faultserver import Connection, FaultServer
from wireanswers import answer, answering

from simstudio.transport.deadline import Budget, Phases
from simstudio.transport.wire.async_network import AsyncNetwork

Serve = Callable[..., FaultServer]
REQUEST = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    made = ssl.create_default_context()
    authority.configure_trust(made)
    return made


async def tunnel(connection: Connection) -> None:
    request = await connection.request()
    host, _, port = request.target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
        sink.close()

    await asyncio.gather(copy(connection.reader, writer), copy(reader, connection.writer))


async def read_answer(stream: httpcore.AsyncNetworkStream) -> bytes:
    whole = b""
    while not whole.endswith(answer()):
        piece = await stream.read(65536, 10)
        assert piece, whole
        whole += piece
    return whole


@pytest.mark.parametrize("size", [0, 1_000_000])
async def test_tls_over_tls(serve: Serve, server_context: ssl.SSLContext, context: ssl.SSLContext, size: int) -> None:
    server, proxy = serve(answering(), context=server_context), serve(tunnel, context=server_context)
    plain = await AsyncNetwork().connect_tcp("127.0.0.1", proxy.port, 10)
    outer = await plain.start_tls(context, "127.0.0.1", 10)
    await outer.write(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % server.port, 10)
    assert (await outer.read(65536, 10)).startswith(b"HTTP/1.1 200")
    inner = await outer.start_tls(context, "127.0.0.1", 10)
    await inner.write(REQUEST % size, 10)
    await inner.write(b"x" * size, 10)
    assert await read_answer(inner)
    assert server.requests[0].body == b"x" * size
    assert inner.get_extra_info("ssl_object").version().startswith("TLS")
    await inner.aclose()
    assert await asyncio.to_thread(server.saw_close)


async def test_a_handshake_that_is_cancelled_closes_the_socket(serve: Serve, context: ssl.SSLContext) -> None:
    async def silent(connection: Connection) -> None:
        await connection.silence()

    server = serve(silent)
    plain = await AsyncNetwork().connect_tcp("127.0.0.1", server.port, 10)
    shaking = asyncio.create_task(plain.start_tls(context, "127.0.0.1", 10))
    await asyncio.sleep(0.01)
    shaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await shaking
    assert await asyncio.to_thread(server.saw_close)


async def test_an_idle_stream_tells_that_the_peer_has_closed_it(
    serve: Serve, server_context: ssl.SSLContext, context: ssl.SSLContext
) -> None:
    async def close_later(connection: Connection) -> None:
        await connection.request()
        await connection.send(answer())
        await connection.hold()

    server = serve(close_later, context=server_context)
    plain = await AsyncNetwork().connect_tcp("127.0.0.1", server.port, 10)
    stream = await plain.start_tls(context, "127.0.0.1", 10)
    await stream.write(REQUEST % 0, 10)
    await read_answer(stream)
    assert not stream.get_extra_info("is_readable")
    server.release()
    while not stream.get_extra_info("is_readable"):  # noqa: ASYNC110 - the server's thread closes it, at some time
        await asyncio.sleep(0.001)
    assert await stream.read(1, 10) == b""
    await stream.aclose()


async def test_a_peer_that_is_not_read_from_is_stopped_and_goes_on_when_it_is(serve: Serve) -> None:
    async def flood(connection: Connection) -> None:
        await connection.request()
        for _ in range(200):
            await connection.send(b"x" * 100_000)

    server = serve(flood)
    stream = await AsyncNetwork().connect_tcp("127.0.0.1", server.port, 10)
    await stream.write(REQUEST % 0, Phases(Budget(10.0))["write"])
    total = len(await stream.read(1000, 10))
    await asyncio.sleep(0.02)
    while piece := await stream.read(65536, 10):
        assert len(piece) <= 65536
        total += len(piece)
    assert total == 20_000_000
    await stream.aclose()
