"""Bytes that nobody asked for never become the answer to a later call."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest
import trustme
from faultserver import Connection, FaultServer, Script
from wireanswers import answer, head
from wirecalls import Caller

from simstudio.transport.deadline import Budget, Phases
from simstudio.transport.wire.async_network import AsyncNetwork

Serve = Callable[..., FaultServer]


def get(client: Any) -> Any:
    return client.request("GET", "/api/x")


def counting(first: bytes) -> Script:
    """Answer with the number of the request; the first time something else comes first, or behind."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            count = len(connection.server.requests)
            await connection.send(first if count == 1 else answer({"n": count}))

    return script


SURPLUS = {
    "another answer": answer({"n": 1}) + answer({"n": 999}),
    "a line end": answer({"n": 1}) + b"\r\n",
    "garbage": answer({"n": 1}) + b"GARBAGE",
    "a time-out": answer({"n": 1}) + answer({}, 408, Connection="close"),
    "the body of a 204": head(204) + b'{"success": true}',
}


@pytest.mark.parametrize("surplus", SURPLUS)
def test_what_comes_behind_an_answer_is_the_answer_to_nothing(serve: Serve, own: Caller, surplus: str) -> None:
    server = serve(counting(SURPLUS[surplus]))
    assert own(server.url, get, get, get, max_retries=0) == {"n": 3}
    assert len(server.requests) == 3


@pytest.mark.usefixtures("trusted")
def test_over_tls_too(serve: Serve, own: Caller, server_context: ssl.SSLContext) -> None:
    server = serve(counting(SURPLUS["another answer"]), context=server_context)
    assert own(server.url, get, get, get, max_retries=0) == {"n": 3}


async def test_what_tls_has_decrypted_is_there_to_be_read(
    serve: Serve, server_context: ssl.SSLContext, authority: trustme.CA
) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"x" * 100)
        await connection.hold()

    server = serve(script, context=server_context)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    plain = await AsyncNetwork().connect_tcp("127.0.0.1", server.port, 10)
    stream = await plain.start_tls(context, "127.0.0.1", 10)
    await stream.write(b"GET / HTTP/1.1\r\n\r\n", Phases(Budget(10.0))["write"])
    assert await stream.read(10, 10) == b"x" * 10
    assert stream.get_extra_info("is_readable")
    assert len(await stream.read(1000, 10)) == 90
    assert not stream.get_extra_info("is_readable")
    await stream.aclose()
    server.release()
