"""The wire of async clients; see :mod:`simstudio.transport.wire.sync_wire`."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from simstudio.transport.fork import abandoned, renew_after_fork
from simstudio.transport.message import Request, Response
from simstudio.transport.wire import WireOptions
from simstudio.transport.wire.async_connection import AsyncDirect
from simstudio.transport.wire.async_network import AsyncNetwork
from simstudio.transport.wire.async_pool import AsyncPool
from simstudio.transport.wire.body import Collector, HTTPXBody
from simstudio.transport.wire.failures import CLOSED_HERE, refused_error, translate
from simstudio.transport.wire.internals import AsyncTransport, import_locks
from simstudio.transport.wire.loops import PerLoop
from simstudio.transport.wire.messages import parse_address, prepare, respond
from simstudio.transport.wire.routes import Route, environment_proxy
from simstudio.transport.wire.tasks import shield
from simstudio.transport.wire.trust import Trust

if TYPE_CHECKING:
    from simstudio.transport.errors import SimStudioError

_MAKERS = (AsyncDirect, httpcore.AsyncHTTPProxy, httpcore.AsyncSOCKSProxy)
Opened = tuple[httpx.AsyncHTTPTransport, Route]


class AsyncHTTPXWire:
    """The connections of one async client: a set for each event loop that uses it, closed when that loop ends.

    Attributes:
        closed: Whether nothing is sent any more.
    """

    def __init__(self, options: WireOptions | None = None) -> None:
        self.closed = False
        self._options = options or WireOptions()
        self._trust = Trust()
        self._begin()
        renew_after_fork(self)

    def _begin(self) -> None:
        trust, options = self._trust, self._options  # no reference back to this wire
        self._loops: PerLoop[_Transports] = PerLoop(lambda: _Transports(trust, options))

    async def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        if self.closed:
            raise refused_error(request, CLOSED_HERE)
        started = time.monotonic()
        route: Route | None = None
        try:
            address = parse_address(request.url)
            prepared = prepare(request, address)
            transports = self._loops.find() or await self._loops.make()
            transport, route = transports.find(address.origin) or await transports.open(address.origin)
            reply = await transport.handle_async_request(prepared)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._failure(error, request, route) from error
        response = respond(reply, request)
        if request.streamed and response.ok:
            limit = self._options.max_response_size
            response.body = HTTPXBody(reply, request, response, httpx, limit, timed=True, wire=self)
        else:
            await self._read(reply, request, response)
        response.elapsed = time.monotonic() - started
        return response

    async def aclose(self) -> None:
        """Send nothing more, and close the connections of the running loop.

        The connections of other loops are closed with them; what is under way there ends by itself.
        """
        self.closed = True
        await self._loops.aclose()

    async def _read(self, reply: httpx.Response, request: Request, response: Response) -> None:
        collector = Collector(request, response, self._options.max_response_size)
        stream: Any = reply.stream
        try:
            async for piece in stream:
                collector.add(piece)
            await stream.aclose()
        except httpx.TransportError as error:
            await shield(reply.aclose())
            raise self._failure(error, request, received=collector.received) from error
        except BaseException:
            await shield(reply.aclose())
            raise
        collector.finish(encoded=True)

    def _failure(
        self, error: Exception, request: Request, route: Route | None = None, received: int = 0
    ) -> SimStudioError:
        proxy = None if route is None else route.shown_proxy
        return translate(error, request, httpx, received, closed=self.closed, proxy=proxy)

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        abandoned.append(self._loops)
        self._begin()


class _Transports:
    """The transports that belong to one event loop."""

    def __init__(self, trust: Trust, options: WireOptions) -> None:
        self._trust = trust
        self._options = options
        self._pools: dict[Route, AsyncPool] = {}
        self._transports: dict[str, Opened] = {}
        self._closed = False

    def find(self, origin: str) -> Opened | None:
        return self._transports.get(origin)

    async def open(self, origin: str) -> Opened:
        route = Route(origin.partition(":")[0], environment_proxy(origin) if self._options.proxies else None)
        if route.proxy is not None:
            await asyncio.to_thread(import_locks)
        # Reading the certificates takes longer than many a call: other tasks go on meanwhile.
        context = await asyncio.to_thread(self._trust.context) if route.scheme == "https" else None
        transport = AsyncTransport(self._pools.get(route) or self._make_pool(route, context))
        opened = self._transports[origin] = transport, route
        return opened

    def _make_pool(self, route: Route, context: ssl.SSLContext | None) -> AsyncPool:
        keep_alive = self._options.keep_alive
        pool = self._pools[route] = AsyncPool(AsyncNetwork, route.maker(_MAKERS, context, keep_alive), keep_alive)
        if self._closed:  # by another task, while this call was on its way here
            pool.close()
        return pool

    def close(self) -> None:
        """Close every connection, without waiting: the event loop may be closed."""
        self._closed = True
        for pool in self._pools.values():
            pool.close()
