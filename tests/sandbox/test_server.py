"""Serving a sandbox: starting, stopping, and what is left behind (nothing)."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest

from simstudio.errors import ConfigurationError
from simstudio.sandbox import Context, Sandbox
from simstudio.sandbox.faults import TRANSPORT
from simstudio.sandbox.server import LocalServer, bind, url_of

from .calls import KEY, Caller, Serve


def workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("simstudio-sandbox")}


def test_it_answers_as_soon_as_the_block_is_entered_and_no_longer() -> None:
    with Sandbox().serve() as server:
        url = server.base_url
        assert httpx.get(f"{url}/api/jobs/x").status_code == 401
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/api/jobs/x")


def test_it_can_be_started_and_closed_by_hand_and_closed_again() -> None:
    server = Sandbox().serve().start()
    assert httpx.get(f"{server.base_url}/api/jobs/x").status_code == 401
    server.close()
    server.close()


def test_it_has_no_address_before_it_starts() -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        _ = Sandbox().serve().base_url


def test_a_port_that_is_taken_is_a_configuration_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            Sandbox().serve(port=port).start()


def test_a_sandbox_is_served_once_at_a_time() -> None:
    sandbox = Sandbox()
    with sandbox.serve(), pytest.raises(ConfigurationError, match="already being served"):
        sandbox.serve().start()


def test_two_sandboxes_do_not_know_of_each_other(serve: Serve) -> None:
    one, other = serve(Sandbox("sk-one")), serve(Sandbox("sk-other"))
    assert one.execute("hello").status_code == 200
    assert httpx.get(f"{other.server.base_url}/api/jobs/x", headers={"X-API-Key": "sk-one"}).status_code == 401


def test_an_unknown_generation_is_a_configuration_error() -> None:
    with pytest.raises(
        ConfigurationError, match=r"unknown generation 'v9': choose one of v0\.8, v0\.6, v0\.4, documents"
    ):
        Sandbox(generation="v9")  # type: ignore[arg-type]


def test_closing_leaves_no_thread() -> None:
    before = workers()
    with Sandbox().serve() as server:
        headers = {"X-API-Key": KEY}
        httpx.post(f"{server.base_url}/api/workflows/count/execute", json={}, headers=headers)
        assert workers() - before
    for thread in workers() - before:
        thread.join(30)
        assert not thread.is_alive()


def test_closing_ends_open_streams_and_running_jobs_at_once() -> None:
    sandbox = Sandbox()
    told = threading.Barrier(3)

    @sandbox.workflow("forever")
    def forever(input: dict, context: Context):
        try:
            yield "first"
            context.cancelled.wait(60)
        finally:
            told.wait(5)

    server = sandbox.serve().start()
    body = {"stream": True, "selectedOutputs": ["forever.content"]}
    with httpx.Client(base_url=server.base_url, headers={"X-API-Key": KEY}) as http:
        http.post("/api/workflows/forever/execute", json={}, headers={"X-Execution-Mode": "async"})
        with http.stream("POST", "/api/workflows/forever/execute", json=body) as answer:
            lines = answer.iter_lines()
            next(lines)
            closing = threading.Thread(target=server.close)
            closing.start()
            told.wait(5)
            with pytest.raises(httpx.RemoteProtocolError):
                list(lines)
            closing.join(5)
            assert not closing.is_alive()


def test_a_function_that_does_not_listen_delays_closing_only_a_little() -> None:
    sandbox = Sandbox()
    entered, free = threading.Event(), threading.Event()

    @sandbox.workflow("deaf")
    def deaf(input: dict) -> None:
        entered.set()
        free.wait(30)

    server = sandbox.serve().start()
    headers = {"X-API-Key": KEY, "X-Execution-Mode": "async"}
    httpx.post(f"{server.base_url}/api/workflows/deaf/execute", json={}, headers=headers)
    assert entered.wait(5)
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 20  # and not the 30 s that the workflow waits
    free.set()
    for thread in threading.enumerate():
        if thread.name == "simstudio-sandbox-workflow":
            thread.join(5)


def test_an_idle_connection_does_not_delay_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simstudio.sandbox.server._KEEP_ALIVE", 60)
    server = Sandbox().serve().start()
    with httpx.Client(base_url=server.base_url) as http:
        http.get("/api/jobs/x")
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 30  # and not until the connection's minute is over


@pytest.mark.parametrize("turns", range(6))
def test_a_connection_that_comes_while_the_server_closes_is_dropped_too(turns: int) -> None:
    """The server is told of a connection a few turns of the loop after it was accepted."""
    late: list[socket.socket] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        server._server.stop()
        with suppress(ConnectionRefusedError):  # it was quicker
            for _ in range(turns):
                await asyncio.sleep(0)
            late.append(socket.create_connection(address))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def before_stop() -> None:
        """Nothing to do."""

    listener = bind("127.0.0.1", 0)
    address = listener.getsockname()
    others = workers()
    server = LocalServer(app, listener, before_stop)
    server.start()
    with suppress(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{address[1]}")
    for thread in workers() - others:
        thread.join()
    for connection in late:
        with connection, suppress(ConnectionResetError):
            connection.settimeout(5)
            assert connection.recv(1) == b""


def test_starting_and_closing_can_be_done_again_and_again() -> None:
    before = workers()  # of other tests, which may take a moment to end
    for _ in range(10):
        with Sandbox().serve() as server:
            assert httpx.get(server.base_url).status_code == 404
    assert not workers() - before


def test_the_requests_received_are_kept_without_the_key(call: Caller) -> None:
    call.http.post("/api/workflows/a%20b/execute?x=1", json={"a": 1}, headers={"Cookie": "c", "X-Note": "yes"})
    (received,) = call.server.requests
    assert (received.method, received.path, received.query) == ("POST", "/api/workflows/a b/execute", "x=1")
    assert received.json == {"a": 1}
    assert received.headers["x-note"] == "yes"
    assert not {"x-api-key", "cookie", "authorization"} & set(received.headers)


def test_nothing_of_the_workflow_is_buffered_by_nagle() -> None:
    """A head and a body in two packets must not wait 40 ms for each other's acknowledgement."""
    options: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        connection = scope["state"][TRANSPORT].get_extra_info("socket")
        options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def before_stop() -> None:
        """Nothing to do."""

    listener = bind("127.0.0.1", 0)
    server = LocalServer(app, listener, before_stop)
    server.start()
    try:
        assert httpx.get(url_of(listener)).status_code == 200
    finally:
        server.close()
    assert options == [1]


async def test_the_app_is_an_ordinary_asgi_application() -> None:
    sandbox = Sandbox()
    transport = httpx.ASGITransport(app=sandbox.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sim.test") as http:
        headers = {"X-API-Key": KEY}
        answer = await http.post("/api/workflows/hello/execute", json={}, headers=headers)
        accepted = await http.post("/api/workflows/hello/execute", headers={**headers, "X-Execution-Mode": "async"})
    assert answer.json()["output"] == {"message": "Hello, world!"}
    assert accepted.json()["statusUrl"].startswith("http://sim.test/api/jobs/workflow-execution:")


def test_the_server_makes_clients_of_its_own() -> None:
    pytest.importorskip("simstudio.client")
    with Sandbox("sk-mine").serve() as server, server.client(timeout=5) as client:
        assert client.api_key == "sk-mine"
        assert client.base_url == server.base_url
        assert client.execute_workflow("hello", {"name": "Ada"}).output == {"message": "Hello, Ada!"}


async def test_async_ones_too() -> None:
    pytest.importorskip("simstudio.client")
    with Sandbox().serve() as server:
        async with server.async_client() as client:
            result = await client.execute_workflow("hello")
            assert result.output == {"message": "Hello, world!"}


def test_listening_on_every_address_is_reached_on_this_machine() -> None:
    with pytest.warns(UserWarning, match="listens on"):
        server = Sandbox().serve(host="0.0.0.0").start()
    with closing(server):
        assert server.base_url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{server.base_url}/api/jobs/x").status_code == 401


def test_without_the_extra_the_error_says_what_to_install() -> None:
    script = """
        import sys
        sys.modules["starlette"] = sys.modules["uvicorn"] = None
        from simstudio.errors import ConfigurationError
        from simstudio.sandbox import Sandbox
        try:
            Sandbox().serve().start()
        except ConfigurationError as error:
            print(error)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "pip install starlette uvicorn" in ran.stdout


def test_a_process_that_forgets_to_close_ends_all_the_same() -> None:
    script = "from simstudio.sandbox import Sandbox; Sandbox().serve().start(); print('end')"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert (ran.stdout, ran.stderr) == ("end\n", "")
