"""The wire of async clients; see :mod:`simstudio.transport.wire.sync_wire`."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, TypeAlias

import httpcore
import httpx

from simstudio.transport.deadline import Allowance
from simstudio.transport.fork import abandoned, renew_after_fork
from simstudio.transport.message import Request, Response
from simstudio.transport.wire import WireOptions
from simstudio.transport.wire.async_connection import AsyncDirect
from simstudio.transport.wire.async_network import AsyncNetwork
from simstudio.transport.wire.body import Collector, HTTPXBody
from simstudio.transport.wire.failures import CLOSED_HERE, refused_error, translate
from simstudio.transport.wire.internals import AsyncTransport, import_locks
from simstudio.transport.wire.loops import PerLoop
from simstudio.transport.wire.messages import parse_address, prepare, respond
from simstudio.transport.wire.network import lacks_descriptors
from simstudio.transport.wire.pool import BasePool, Line, as_unsent
from simstudio.transport.wire.routes import Route, Trust, environment_proxy
from simstudio.transport.wire.tasks import shield

if TYPE_CHECKING:
    from simstudio.transport.errors import SimStudioError

_MAKERS = (AsyncDirect, httpcore.AsyncHTTPProxy, httpcore.AsyncSOCKSProxy)
Opened = tuple[httpx.AsyncHTTPTransport, Route]
AsyncLine: TypeAlias = Line[httpcore.AsyncConnectionInterface, AsyncNetwork]


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


class AsyncPool(BasePool[httpcore.AsyncConnectionInterface, AsyncNetwork]):
    """The pool of an ``httpx.AsyncHTTPTransport``.

    A connection is closed without waiting, so that no cancellation, however often it comes, leaves one open.
    """

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request on a connection of its own, which is given back when the response is closed."""
        while True:
            line: AsyncLine | None = None
            try:
                line = self._take(request.url.origin) or self._open(request.url.origin)
                line.network.state.begin()
                response = await line.connection.handle_async_request(request)
                line.network.state.end_head()
                response.stream = _Body(response.stream, self, line)
            except BaseException as error:
                if line is not None:
                    self._release(line, usable=False)
                if lacks_descriptors(error) and await self._make_room(request):
                    continue
                explained = as_unsent(error, request)
                if explained is not error:
                    raise explained from error
                raise
            return response

    async def _make_room(self, request: httpcore.Request) -> bool:
        """Wait until a file descriptor is free; False where no connection of this pool holds one."""
        loop = asyncio.get_running_loop()
        returned: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            loop.call_soon_threadsafe(_resolve, returned)

        room = self.connections.make_room(wake)
        if isinstance(room, Line):
            room.network.close()
            return True
        if room:
            try:
                seconds = Allowance.remaining(request.extensions["timeout"].get("pool"), httpcore.PoolTimeout)
                await asyncio.wait_for(returned, seconds)
            except BaseException as error:
                self.connections.withdraw(wake)
                if isinstance(error, asyncio.TimeoutError):
                    raise httpcore.PoolTimeout from error
                raise
        return room

    async def aclose(self) -> None:
        """Close every connection, as a transport does that is closed."""
        self.close()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _Body:
    """The stream of a response, which gives the connection back when it is closed."""

    _pool: AsyncPool | None = None

    def __init__(self, stream: Any, pool: AsyncPool, line: AsyncLine) -> None:
        self._stream = stream
        self._line = line
        self._pool = pool

    def __aiter__(self) -> AsyncIterator[bytes]:
        iterator: AsyncIterator[bytes] = self._stream.__aiter__()
        return iterator

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            ended = False
            try:
                await self._stream.aclose()
                ended = True
            finally:
                pool._release(self._line, usable=ended)

    def __del__(self) -> None:
        if self._pool is not None:  # dropped before its end
            self._pool.connections.forget(self._line)
            self._line.network.close_soon()
            self._pool.connections.wake_next()
