"""The default wire of calls that block: straight over httpcore until something imports httpx, then through it."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faultserver import Connection, FaultServer
from wireanswers import STREAM, answer, answering, chunked, text
from wirecalls import KEY, client_of

from simstudio import APIConnectionError, ConfigurationError, Request

pytestmark = pytest.mark.only_httpx("of it alone")
Serve = Callable[..., FaultServer]

START = f"""
import sys
from simstudio import SimStudioClient
client = SimStudioClient({KEY!r}, sys.argv[1])
"""
PATCH = """
import httpx
handle, seen = httpx.HTTPTransport.handle_request, []
def watched(self, request):
    seen.append(str(request.url.path))
    return handle(self, request)
httpx.HTTPTransport.handle_request = watched
"""


def printed(program: str, *arguments: str) -> str:
    """What a program prints that imports nothing else."""
    run = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Nobody has imported httpx, until something is put into the list."""
    imported: list[bool] = []
    monkeypatch.setattr("simstudio.transport.wire.httpcore.is_watched", lambda: bool(imported))
    return imported


def test_an_ordinary_call_imports_neither_httpx_nor_cattrs(serve: Serve) -> None:
    program = f"{START}print(client.workflows.execute('wf').success)\nprint({{'httpx', 'cattrs'}} & set(sys.modules))"
    assert printed(program, serve().url) == "True\nset()\n"


def test_who_patches_httpx_first_sees_every_call(serve: Serve) -> None:
    program = f"{PATCH}{START}client.workflows.execute('wf')\nprint(seen)"
    assert printed(program, serve().url) == "['/api/workflows/wf/execute']\n"


def test_who_patches_httpx_later_sees_every_call_from_then_on(serve: Serve) -> None:
    program = f"{START}client.workflows.execute('a')\n{PATCH}client.workflows.execute('b')\nprint(seen)"
    server = serve()
    assert printed(program, server.url) == "['/api/workflows/b/execute']\n"
    assert len(server.requests) == 2


def test_a_cassette_records_what_a_program_without_httpx_sends(serve: Serve, tmp_path: Path) -> None:
    tape = tmp_path / "tape.yaml"
    program = (
        f"{START}import vcr\n"
        f"with vcr.use_cassette({str(tape)!r}): print(client.workflows.execute('wf').output['greeting'])"
    )
    server = serve()
    assert printed(program, server.url) == "Hello\n"
    assert "/api/workflows/wf/execute" in tape.read_text()
    assert printed(program, server.url) == "Hello\n"
    assert len(server.requests) == 1


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_ordinary_calls_need_no_httpx(serve: Serve, over_httpx: list[str], method: str) -> None:
    server = serve(answering(answer({"a": 1})))
    with client_of(server.url) as client:
        assert client.request(method, "/api/x?q=%20", json=None if method == "GET" else {"b": 2}) == {"a": 1}
    assert server.requests[0].target == "/api/x?q=%20"
    assert over_httpx == []


@pytest.mark.usefixtures("unwatched")
def test_streams_do(serve: Serve, over_httpx: list[str]) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(STREAM + chunked(text("Hel")) + b"0\r\n\r\n")

    with client_of(serve(script).url) as client, client.workflows.stream("wf") as stream:
        next(stream)
    assert over_httpx == ["/api/workflows/wf/execute"]


def test_both_ways_send_the_same_bytes(serve: Serve, unwatched: list[bool], over_httpx: list[str]) -> None:
    server = serve()
    with client_of(server.url, headers={"X-Mine": "1"}) as client:
        for _ in range(2):
            client.workflows.execute("wf", {"name": "Ada"})
            unwatched.append(True)
    direct, through = server.requests
    assert over_httpx == ["/api/workflows/wf/execute"]
    assert (direct.target, direct.headers, direct.body) == (through.target, through.headers, through.body)
    assert len(server.connections) == 1


@pytest.mark.usefixtures("trusted")
def test_both_ways_share_connections_and_certificates(
    serve: Serve, server_context: ssl.SSLContext, unwatched: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    create = ssl.create_default_context

    def created(*args: Any, **options: Any) -> ssl.SSLContext:
        read.append("certificates")
        return create(*args, **options)

    monkeypatch.setattr(ssl, "create_default_context", created)
    server = serve(context=server_context)
    with client_of(server.url) as client:
        for _ in range(3):
            client.workflows.execute("wf")
            unwatched.append(True)
    assert len(server.requests) == 3
    assert len(server.connections) == 1
    assert read == ["certificates"]


def test_a_first_call_that_comes_after_the_closing_sends_nothing(serve: Serve, unwatched: list[bool]) -> None:
    server = serve()
    client = client_of(server.url)
    wire = client._wire.get()
    client.close()
    request = Request("GET", f"{server.url}/api/x")
    for watched in ([], [True]):
        unwatched[:] = watched
        with pytest.raises((APIConnectionError, ConfigurationError), match="closed"):
            wire.send(request)
    assert server.connections == []


@pytest.mark.usefixtures("unwatched")
def test_first_calls_of_many_threads_share_one_pool(serve: Serve) -> None:
    server = serve()
    with client_of(server.url) as client:
        threads = [threading.Thread(target=client.workflows.execute, args=("wf",)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pool = client._wire.get()._pools.of("http")  # type: ignore[attr-defined]
        assert len(pool.slots.busy) == 0
        assert len(server.requests) == 20
        assert len(server.connections) == len(pool.slots)
