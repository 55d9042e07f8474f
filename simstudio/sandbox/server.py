"""An ASGI application on a local port, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from simstudio.sandbox.faults import TRANSPORT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from starlette.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")

_BACKLOG = 2048
_KEEP_ALIVE = 5
"""Seconds an idle connection is kept, as Node does."""
_TICK = 1.0
_REACHABLE_AS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
_PATIENCE = 5.0
_TURNS = 5
"""Turns of the loop within which the server is told of a connection that was accepted; it took three."""


class LocalServer:
    """Serves an application until it is closed.

    Args:
        app: the application; its lifespan is run.
        listener: a bound socket; the server closes it.
        before_stop: awaited on the server's loop when it stops, after connections were dropped.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, before_stop: Callable[[], Awaitable[None]]) -> None:
        config = uvicorn.Config(
            _interruptible(app),
            http=_Protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            headers=[("keep-alive", f"timeout={_KEEP_ALIVE}")],
        )
        self._listener = listener
        self._server = _Server(config, before_stop)
        self._thread = threading.Thread(target=self._run, name="simstudio-sandbox", daemon=True)

    def start(self) -> None:
        """Start the server; return when it accepts requests.

        Raises:
            RuntimeError: the application did not start.
        """
        self._thread.start()
        try:
            self._server.ready.result()
        except BaseException:
            self._thread.join()
            self._listener.close()
            raise

    def close(self) -> None:
        """Drop connections, stop the application, end the thread."""
        self._server.stop()
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's event loop, and wait for its result; from another thread."""
        loop = self._server.loop
        assert loop is not None  # noqa: S101 - start() comes first
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    def _run(self) -> None:
        ready = self._server.ready
        try:
            asyncio.run(self._server.serve(sockets=[self._listener]))
        except BaseException as error:  # noqa: BLE001 - reported by start(), which waits for it
            if not ready.done():
                ready.set_exception(RuntimeError(f"the local server did not start: {error!r}"))
        if not ready.done():
            ready.set_exception(RuntimeError("the local server did not start"))


def _interruptible(app: ASGIApp) -> ASGIApp:
    """An application whose requests can be cancelled when the server stops, without a traceback in the log."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return call


class _Protocol(H11Protocol):
    """Gives an application the connection below a request, for faults that need it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


class _Server(uvicorn.Server):
    """uvicorn's server, without polling: it sets `ready` when it is ready, and stops at once."""

    def __init__(self, config: uvicorn.Config, before_stop: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self.ready: Future[None] = Future()
        self._before_stop = before_stop
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def stop(self) -> None:
        """Request the end of the server, from another thread."""
        if self.loop is not None and self._stopping is not None:
            self.loop.call_soon_threadsafe(self._stopping.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        if self.started:
            await self.on_tick(0)
            self.ready.set_result(None)

    async def main_loop(self) -> None:
        assert self._stopping is not None  # noqa: S101 - startup() comes first
        while not self._stopping.is_set():
            await self.on_tick(0)  # updates the Date header
            try:
                await asyncio.wait_for(self._stopping.wait(), _TICK)
            except asyncio.TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Listeners are closed last: a connection that a closed one accepted just before would stay open, see
        # https://github.com/python/cpython/issues/109564
        for listener in sockets or []:
            with suppress(NotImplementedError):  # the loop of Windows, which accepts at once
                asyncio.get_running_loop().remove_reader(listener)
        # A stopped server finishes no response: connections just end.
        for _ in range(_TURNS):
            connections: set[Any] = set(self.server_state.connections)
            for connection in connections:
                connection.transport.abort()
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        await self._before_stop()
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=_PATIENCE)
        await self.lifespan.shutdown()


def bind(host: str, port: int) -> socket.socket:
    """A listening TCP socket; connections wait in its backlog until a server takes them.

    Raises:
        OSError: the address is in use or not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off; a head and a body would else be 40 ms apart.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """The base URL by which this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    reachable = _REACHABLE_AS.get(host, str(host))
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
