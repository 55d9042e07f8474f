"""The default wire of async clients; see :mod:`simstudio.transport.wire.httpx`.

What an event loop is needed for lives in modules of its own: a sync client does not wait for the import of asyncio.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import httpx

from simstudio.transport.errors import SimStudioError
from simstudio.transport.fork import abandoned, renew_after_fork
from simstudio.transport.message import Request, Response
from simstudio.transport.wire.async_pool import AsyncSlotPool, socket_of
from simstudio.transport.wire.body import HTTPXBody
from simstudio.transport.wire.decoding import decode
from simstudio.transport.wire.failures import CLOSED_HERE, refused, timed_out, translate
from simstudio.transport.wire.httpx import Way, open_transport, prepare, respond
from simstudio.transport.wire.loops import PerLoop
from simstudio.transport.wire.proxies import environment_proxy
from simstudio.transport.wire.slots import KEEP_ALIVE_SECONDS
from simstudio.transport.wire.tasks import shielded
from simstudio.transport.wire.trust import Trust


class AsyncHTTPXWire:
    """Connections of one async client: a set for each event loop that uses it, closed when that loop ends."""

    def __init__(self) -> None:
        self._trust = Trust()
        self._loops = self._none()
        self._closed = False
        renew_after_fork(self)

    async def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        if self._closed:
            raise refused(request, CLOSED_HERE)
        started = time.monotonic()
        try:
            prepared = prepare(request)
            connections = await self._loops.get()
            reply = await connections.transport(prepared.url).handle_async_request(prepared)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._failure(error, request) from error
        response = respond(reply, request)
        if request.streamed and response.ok:
            response.body = HTTPXBody(reply, request, response, httpx, bounded=True, wire=self)
        else:
            await self._read(reply, request, response)
        response.elapsed = time.monotonic() - started
        return response

    async def aclose(self) -> None:
        """Send nothing more, and close the connections of the running loop.

        Those of loops that are over are closed already, and those of others with their loops, whose calls that are
        under way end by themselves.
        """
        self._closed = True
        await self._loops.aclose()

    async def _read(self, reply: httpx.Response, request: Request, response: Response) -> None:
        pieces: list[bytes] = []
        budget = request.budget
        stream: Any = reply.stream
        try:
            async for piece in stream:
                pieces.append(piece)
                if budget is not None and budget.expired():
                    raise timed_out(request, "Read")
            await reply.aclose()
        except httpx.TransportError as error:
            await shielded(reply.aclose())
            raise self._failure(error, request, sum(map(len, pieces))) from error
        except BaseException:
            await shielded(reply.aclose())
            raise
        response.content = b"".join(pieces)
        decode(response, request)

    def _failure(self, error: Exception, request: Request, received: int = 0) -> SimStudioError:
        return translate(error, request, httpx, received, closed=self._closed)

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        abandoned.append(self._loops)
        self._loops = self._none()

    def _none(self) -> PerLoop[_Connections]:
        trust = self._trust
        return PerLoop(lambda: _Connections(trust))


class _Connections:
    """The transports that belong to one event loop."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._open: dict[Way, httpx.AsyncHTTPTransport] = {}
        self._routes: dict[str, httpx.AsyncHTTPTransport] = {}

    def transport(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        transport = self._routes.get(origin)
        if transport is None:
            way = url.scheme, environment_proxy(origin)
            transport = self._open.get(way)
            if transport is None:
                transport = self._open[way] = open_transport(httpx.AsyncHTTPTransport, way, self._trust)
                transport._pool = AsyncSlotPool(transport._pool, KEEP_ALIVE_SECONDS)
            self._routes[origin] = transport
        return transport

    async def aclose(self) -> None:
        """Close them all."""
        for transport in list(self._open.values()):
            await transport.aclose()

    def drop(self) -> None:
        """Close the sockets, where their loop is closed and can do nothing."""
        for transport in self._open.values():
            pool: Any = transport._pool
            for connection in pool.slots.close():
                _close_socket(connection)


def _close_socket(connection: Any) -> None:
    """Close what a connection of a closed loop stands on, as that loop would have done a turn later."""
    stream = socket_of(connection)
    transport = None if stream is None else stream._transport
    finish = getattr(transport, "_call_connection_lost", None)  # of asyncio; other loops close theirs themselves
    if transport is not None and finish is not None and transport.get_extra_info("socket").fileno() >= 0:
        with suppress(RuntimeError):
            transport.abort()
        with suppress(RuntimeError):  # somebody waits for it in that loop
            finish(None)
