"""The wire of clients that block: httpx's transports, used directly with prepared requests, over a pool of our own.

Without ``httpx.Client`` around it a call costs about three quarters of the CPU (the benchmark's first row). Every call
goes through ``HTTPTransport.handle_request``, looked up anew for each call: mocks, cassettes and instrumentation that
replace that method see whatever is sent from then on.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import httpcore
import httpx

from simstudio.transport.deadline import Allowance
from simstudio.transport.fork import abandoned, no_fork, renew_after_fork
from simstudio.transport.message import Request, Response
from simstudio.transport.wire import WireOptions
from simstudio.transport.wire.body import Collector, HTTPXBody
from simstudio.transport.wire.failures import translate
from simstudio.transport.wire.internals import Transport
from simstudio.transport.wire.messages import parse_address, prepare, respond
from simstudio.transport.wire.network import lacks_descriptors
from simstudio.transport.wire.pool import BasePool, Line, as_unsent
from simstudio.transport.wire.routes import Route, Trust, environment_proxy
from simstudio.transport.wire.sync_network import SyncNetwork

if TYPE_CHECKING:
    from simstudio.transport.errors import SimStudioError

_MAKERS = (httpcore.ConnectionPool, httpcore.HTTPProxy, httpcore.SOCKSProxy)
Opened = tuple[httpx.HTTPTransport, Route]
SyncLine: TypeAlias = Line[httpcore.ConnectionInterface, SyncNetwork]


class HTTPXWire:
    """The connections of one sync client, shared by its threads.

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
        self._pools: dict[Route, SyncPool] = {}
        self._transports: dict[str, Opened] = {}
        self._lock = Lock()
        self._finalizer = weakref.finalize(self, _close_all, self._pools)

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        started = time.monotonic()
        route: Route | None = None
        try:
            address = parse_address(request.url)
            prepared = prepare(request, address)
            transport, route = self._transports.get(address.origin) or self._open(address.origin)
            reply = transport.handle_request(prepared)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._failure(error, request, route) from error
        response = respond(reply, request)
        if request.streamed and response.ok:
            limit = self._options.max_response_size
            response.body = HTTPXBody(reply, request, response, httpx, limit, timed=True, wire=self)
        else:
            self._read(reply, request, response)
        response.elapsed = time.monotonic() - started
        return response

    def close(self) -> None:
        """Close every connection, those in use too, which ends the calls of other threads."""
        self.closed = True
        _close_all(self._pools)

    def _read(self, reply: httpx.Response, request: Request, response: Response) -> None:
        collector = Collector(request, response, self._options.max_response_size)
        stream: Any = reply.stream
        try:
            for piece in stream:
                collector.add(piece)
        except httpx.TransportError as error:
            raise self._failure(error, request, received=collector.received) from error
        finally:
            reply.close()
        collector.finish(encoded=True)

    def _failure(
        self, error: Exception, request: Request, route: Route | None = None, received: int = 0
    ) -> SimStudioError:
        proxy = None if route is None else route.shown_proxy
        return translate(error, request, httpx, received, closed=self.closed, proxy=proxy)

    def _open(self, origin: str) -> Opened:
        with self._lock, no_fork:
            route = Route(origin.partition(":")[0], environment_proxy(origin) if self._options.proxies else None)
            opened = self._transports[origin] = Transport(self._pools.get(route) or self._make_pool(route)), route
        return opened

    def _make_pool(self, route: Route) -> SyncPool:
        keep_alive = self._options.keep_alive
        # Reading the certificates takes longer than many a call, and plain http needs none.
        context = self._trust.context() if route.scheme == "https" else None
        pool = self._pools[route] = SyncPool(SyncNetwork, route.maker(_MAKERS, context, keep_alive), keep_alive)
        if self.closed:  # by another thread, while this call was on its way here
            pool.close()
        return pool

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        self._finalizer.detach()
        abandoned.append(self._pools)
        self._begin()


def _close_all(pools: dict[Route, SyncPool]) -> None:
    for pool in list(pools.values()):
        pool.close()


class SyncPool(BasePool[httpcore.ConnectionInterface, SyncNetwork]):
    """The pool of an ``httpx.HTTPTransport``."""

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request on a connection of its own, which is given back when the response is closed."""
        while True:
            line: SyncLine | None = None
            try:  # Ctrl-C may come anywhere
                line = self._take(request.url.origin) or self._open(request.url.origin)
                line.network.state.begin()
                response = line.connection.handle_request(request)
                line.network.state.end_head()
                response.stream = _Body(response.stream, self, line)
            except BaseException as error:
                if line is not None:
                    self._release(line, usable=False)
                if lacks_descriptors(error) and self._make_room(request):
                    continue
                explained = as_unsent(error, request)
                if explained is not error:
                    raise explained from error
                raise
            return response

    def _make_room(self, request: httpcore.Request) -> bool:
        """Wait until a file descriptor is free; False where no connection of this pool holds one."""
        returned = Lock()
        returned.acquire()
        room = self.connections.make_room(returned.release)
        if isinstance(room, Line):
            room.network.close()
            return True
        if room:
            try:
                seconds = Allowance.remaining(request.extensions["timeout"].get("pool"), httpcore.PoolTimeout)
                if not returned.acquire(timeout=-1 if seconds is None else seconds):
                    raise httpcore.PoolTimeout
            except BaseException:
                self.connections.withdraw(returned.release)
                raise
        return room


class _Body:
    """The stream of a response, which gives the connection back when it is closed."""

    _pool: SyncPool | None = None

    def __init__(self, stream: Any, pool: SyncPool, line: SyncLine) -> None:
        self._stream = stream
        self._line = line
        self._pool = pool

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            ended = False
            try:
                self._stream.close()
                ended = True
            finally:
                pool._release(self._line, usable=ended)

    def __del__(self) -> None:
        if self._pool is not None:  # dropped before its end
            self._pool.connections.forget(self._line)
            self._line.network.close()
            self._pool.connections.wake_next()
