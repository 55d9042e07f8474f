"""``wire="sockets"``: what goes over sockets of its own, what over httpx, and how connections are kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from faultserver import Connection, FaultServer, Script
from wireanswers import STREAM, answer, answering, chunked, text
from wirecalls import KEY, client_of

from simstudio import APIConnectionError, APITimeoutError
from simstudio.transport.upload import Upload

pytestmark = pytest.mark.only_httpx("these name their wire themselves")
Serve = Callable[..., FaultServer]


def sockets(url: str, **options: Any) -> Any:
    return client_of(url, wire="sockets", **options)


@pytest.fixture
def without_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request comes through httpx."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("a request went over httpx")

    monkeypatch.setattr("simstudio.transport.wire.ordinary.layered_wire", refuse)


# -- which way a request goes ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_httpx")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_ordinary_calls_need_no_httpx(serve: Serve, method: str) -> None:
    server = serve(answering(answer({"a": 1})))
    with sockets(server.url) as client:
        assert client.request(method, "/api/x?q=%20", json=None if method == "GET" else {"b": 2}) == {"a": 1}
    assert server.requests[0].target == "/api/x?q=%20"


@pytest.mark.usefixtures("without_httpx")
def test_large_bodies_need_none_either(serve: Serve) -> None:
    server = serve()
    with sockets(server.url) as client:
        client.workflows.execute("wf", {"text": "x" * 3_000_000})
    assert len(server.requests[0].body) > 3_000_000


def test_an_ordinary_call_imports_no_http_library(serve: Serve) -> None:
    server = serve()
    program = (
        "import sys\nfrom simstudio import SimStudioClient\n"
        f"print(SimStudioClient({KEY!r}, {server.url!r}, wire='sockets').workflows.execute('wf').success)\n"
        "print(sorted({'httpx', 'httpcore', 'asyncio', 'ssl', 'urllib.request'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n[]\n"


def test_streams_go_over_httpx(serve: Serve, over_httpx: list[str]) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hel")) + b"0\r\n\r\n")

    server = serve(script)
    with sockets(server.url) as client, client.workflows.stream("wf") as stream:
        next(stream)
    assert len(server.requests) == 1
    assert over_httpx == ["/api/workflows/wf/execute"]


def test_uploads_go_over_httpx(serve: Serve, over_httpx: list[str]) -> None:
    def carry(request: Any, call_next: Any) -> Any:
        request.content = Upload(b"piece", b"meal")
        return (yield from call_next(request))

    server = serve()
    with sockets(server.url, middleware=[carry]) as client:
        client.request("POST", "/api/x")
    assert over_httpx == ["/api/x"]
    assert server.requests[0].body == b"piecemeal"


def test_proxied_calls_go_over_httpx(serve: Serve, over_httpx: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(answering(answer({"by": "proxy"})))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with sockets("http://sim.example") as client:
        assert client.request("GET", "/api/x") == {"by": "proxy"}
    assert over_httpx == ["/api/x"]
    assert proxy.requests[0].target == "http://sim.example/api/x"


# -- keeping connections -----------------------------------------------------------------------------------------


async def _talkative(connection: Connection) -> None:
    await connection.request()
    await connection.send(answer() + b"HTTP/1.1 200 OK\r\n\r\nnobody asked")
    await connection.silence()


async def _old(connection: Connection) -> None:
    await connection.request()
    await connection.send(answer().replace(b"HTTP/1.1", b"HTTP/1.0"))
    await connection.silence()


@pytest.mark.parametrize("script", [_talkative, _old])
def test_a_connection_that_cannot_be_trusted_is_not_kept(serve: Serve, script: Script) -> None:
    server = serve(script, answering())
    with sockets(server.url) as client:
        assert client.workflows.execute("wf").success
        assert client.workflows.execute("wf").success
    assert [len(connection.requests) for connection in server.connections] == [1, 1]


@pytest.mark.short_keep_alive
def test_a_connection_is_dropped_before_the_server_drops_it(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sim's servers do after 5 s (NOTES 0)."""
    from simstudio.transport.wire import sockets as module

    assert module.KEEP_ALIVE_SECONDS == 4.0
    server = serve()
    with sockets(server.url) as client:
        client.workflows.execute("wf")
        monkeypatch.setattr(module, "KEEP_ALIVE_SECONDS", -1.0)  # over as soon as it is idle
        client.workflows.execute("wf")
        client.workflows.execute("wf")
    assert [len(connection.requests) for connection in server.connections] == [2, 1]
    assert server.saw_close()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_call_closes_its_connection(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    from simstudio.transport.wire.connection import Connection as Ours

    def interrupted(*_: Any) -> None:
        raise interruption

    server = serve()
    with sockets(server.url) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Ours, "receive", interrupted)
            with pytest.raises(interruption):
                client.workflows.execute("wf")
        assert server.saw_close()
        assert client.workflows.execute("wf").success
    assert len(server.connections) == 2


def test_a_broken_handshake_sends_nothing_and_leaves_no_socket(serve: Serve) -> None:
    """The server speaks plain http where TLS is expected."""

    async def plain(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await connection.silence()

    server = serve(plain)
    with (
        sockets(server.url.replace("http:", "https:"), max_retries=0) as client,
        pytest.raises(APIConnectionError) as caught,
    ):
        client.workflows.execute("wf")
    assert not caught.value.sent
    assert server.saw_close()


def test_a_silent_handshake_is_bounded_by_the_timeout(serve: Serve) -> None:
    async def silent(connection: Connection) -> None:
        await connection.silence()

    server = serve(silent)
    with (
        sockets(server.url.replace("http:", "https:"), timeout=0.2, max_retries=0) as client,
        pytest.raises(APITimeoutError, match="while connecting") as caught,
    ):
        client.workflows.execute("wf")
    assert not caught.value.sent
