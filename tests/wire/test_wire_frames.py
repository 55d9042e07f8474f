"""No secret shows in the wire's frames of a failure: crash reporters send local variables along."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from faultserver import Connection, FaultServer, Script
from wireanswers import answer, answering, head
from wirecalls import KEY, Caller

from simstudio import APIConnectionError, SimStudioError

Serve = Callable[..., FaultServer]
PASSWORD = "geheim-42"


def execute(client: Any) -> Any:
    return client.workflows.execute("wf", timeout=5)


def send_much(client: Any) -> Any:
    return client.request("POST", "/api/x", json="x" * 10_000_000, timeout=0.2)


def frames(error: BaseException, seen: set[int]) -> Iterator[FrameType]:
    """The wire's frames of an error and of those that it came from."""
    seen.add(id(error))
    trace = error.__traceback__
    while trace is not None:
        if "/simstudio/transport/wire/" in trace.tb_frame.f_code.co_filename:
            yield trace.tb_frame
        trace = trace.tb_next
    for other in (error.__cause__, error.__context__):
        if other is not None and id(other) not in seen:
            yield from frames(other, seen)


def shown(value: object) -> Iterator[str]:
    """What a crash reporter shows of a local variable."""
    yield repr(value)
    if isinstance(value, (list, tuple, set)):
        yield from map(repr, value)
    elif isinstance(value, dict):
        yield from map(repr, value.items())


def secrets_in(error: BaseException) -> list[str]:
    of_wire = list(frames(error, set()))
    assert of_wire or not isinstance(error, APIConnectionError)
    return [
        f"{frame.f_code.co_qualname if hasattr(frame.f_code, 'co_qualname') else frame.f_code.co_name}: {name}"
        for frame in of_wire
        for name, value in frame.f_locals.items()
        if any(secret in text for text in shown(value) for secret in (KEY, PASSWORD))
    ]


async def drop(connection: Connection) -> None:
    await connection.request()


async def drop_at_once(connection: Connection) -> None:
    connection.reset()


async def ignore(connection: Connection) -> None:
    await connection.hold()


async def truncate(connection: Connection) -> None:
    await connection.request()
    await connection.send(head(Content_Length=40) + b"{")


async def flood(connection: Connection) -> None:
    await connection.request()
    while True:
        await connection.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


SCRIPTS: list[Script] = [
    drop, drop_at_once, truncate, flood, answering(answer({"error": "no"}, 500)), answering(answer(b"no JSON")),
]  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__qualname__)
def test_of_a_call_that_fails(serve: Serve, own: Caller, script: Script) -> None:
    with pytest.raises(SimStudioError) as caught:
        own(serve(script).url, execute, max_retries=0)
    assert secrets_in(caught.value) == []


def test_of_a_request_that_is_not_taken(serve: Serve, own: Caller) -> None:
    server = serve(ignore)
    with pytest.raises(SimStudioError) as caught:
        own(server.url, send_much, max_retries=0)
    server.release()
    assert secrets_in(caught.value) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://nowhere.invalid", "http://127.0.0.1:9/a\x00b"])
def test_of_a_server_that_cannot_be_reached(own: Caller, url: str) -> None:
    with pytest.raises(SimStudioError) as caught:
        own(url, execute, max_retries=0)
    assert secrets_in(caught.value) == []


def test_of_a_certificate_that_is_not_trusted(serve: Serve, own: Caller, server_context: ssl.SSLContext) -> None:
    with pytest.raises(SimStudioError) as caught:
        own(serve(context=server_context).url, execute, max_retries=0)
    assert secrets_in(caught.value) == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "proxy", ["http://ada:{}@127.0.0.1:9", "ftp://ada:{}@h:1", "http://ada:{}@h:p", "socks5://a:{}@h:1"]
)
def test_of_a_proxy_that_cannot_be_used(own: Caller, scheme: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy.format(PASSWORD))
    with pytest.raises(SimStudioError) as caught:
        own(f"{scheme}://sim.invalid", execute, max_retries=0)
    assert secrets_in(caught.value) == []
    assert PASSWORD not in str(caught.value)
