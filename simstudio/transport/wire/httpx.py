"""The default wire: httpx's transports, used directly with prepared requests.

Without ``httpx.Client`` around it a call costs about three quarters of the CPU (the benchmark's first row). Idle
connections are dropped after 4 s, before Sim's keep-alive of 5 s ends (NOTES 0), so that none is met already closed.
"""

from __future__ import annotations

import asyncio
import functools
import time
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from threading import Lock
from typing import Any

import httpx

from simstudio.errors import ConfigurationError
from simstudio.transport.deadline import Budget, Phases
from simstudio.transport.fork import renew_after_fork, unforked
from simstudio.transport.message import Headers, Request, Response
from simstudio.transport.upload import Upload
from simstudio.transport.wire.body import HTTPXBody, shielded
from simstudio.transport.wire.failures import timed_out, translate
from simstudio.transport.wire.framing import without_framing
from simstudio.transport.wire.orphans import close_orphans, release
from simstudio.transport.wire.proxies import environment_proxy
from simstudio.transport.wire.sockets import AsyncBudgetedBackend, BudgetedBackend

KEEP_ALIVE_SECONDS = 4.0
_UNBOUNDED = Budget()
_Way = tuple[str, "str | None"]
"""How an origin is reached: its scheme, and the proxy to go through. Each has a transport of its own."""

_url = functools.lru_cache(maxsize=1024)(httpx.URL)


def _prepare(request: Request) -> httpx.Request:
    url = _url(request.url)
    given = without_framing(request.headers)
    headers = [] if "host" in given else [(b"Host", url.netloc)]
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in given.pairs()]
    if request.content or request.method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        headers.append((b"Content-Length", b"%d" % len(request.content)))
    return httpx.Request(
        request.method,
        url,
        headers=headers,
        stream=httpx.ByteStream(request.content) if isinstance(request.content, bytes) else _Sent(request.content),
        extensions={"timeout": Phases(request.budget or _UNBOUNDED)},
    )


class _Sent(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An upload as httpx reads it."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._upload)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._upload.__aiter__()


def _respond(reply: httpx.Response, request: Request) -> Response:
    return Response(
        reply.status_code,
        Headers.received(reply.headers.raw),
        method=request.method,
        url=request.url,
        attempt=request.attempt,
    )


def _limits() -> httpx.Limits:
    return httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEEP_ALIVE_SECONDS)


class HTTPXWire:
    """Connections of one sync client, shared by its threads."""

    def __init__(self) -> None:
        self._open: dict[_Way, httpx.HTTPTransport] = {}
        self._routes: dict[str, httpx.HTTPTransport] = {}
        self._lock = Lock()
        self._finalizer = weakref.finalize(self, _close_all, self._open)
        renew_after_fork(self)

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        started = time.monotonic()
        try:
            prepared = _prepare(request)
            reply = self._transport(prepared.url).handle_request(prepared)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise translate(error, request, httpx) from error
        response = _respond(reply, request)
        if request.streamed and response.ok:
            response.body = HTTPXBody(reply, request, response, httpx, bounded=True)
        else:
            self._read(reply, request, response)
        response.elapsed = time.monotonic() - started
        return response

    def close(self) -> None:
        """Close every connection."""
        self._routes.clear()
        _close_all(self._open)

    def _read(self, reply: httpx.Response, request: Request, response: Response) -> None:
        pieces: list[bytes] = []
        budget = request.budget
        stream: Any = reply.iter_bytes() if "content-encoding" in response.headers else reply.stream
        try:
            for piece in stream:
                pieces.append(piece)
                if budget is not None and budget.expired():
                    raise timed_out(request, "Read")
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise translate(error, request, httpx, sum(map(len, pieces))) from error
        finally:
            reply.close()
        response.content = b"".join(pieces)

    def _transport(self, url: httpx.URL) -> httpx.HTTPTransport:
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        transport = self._routes.get(origin)
        if transport is None:
            with self._lock, unforked:
                way = url.scheme, environment_proxy(origin)
                transport = self._open.get(way)
                if transport is None:
                    transport = self._open[way] = _open(httpx.HTTPTransport, way, BudgetedBackend)
                self._routes[origin] = transport
        return transport

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        self._finalizer.detach()
        _abandoned.append(self._open)
        self._open, self._routes, self._lock = {}, {}, Lock()
        self._finalizer = weakref.finalize(self, _close_all, self._open)


class AsyncHTTPXWire:
    """Connections of one async client: a set for each event loop that uses it, closed when that loop ends."""

    def __init__(self) -> None:
        self._loops: dict[int, _Connections] = {}
        renew_after_fork(self)

    async def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        started = time.monotonic()
        try:
            prepared = _prepare(request)
            transport = await self._transport(prepared.url)
            try:
                reply = await transport.handle_async_request(prepared)
            except BaseException:
                close_orphans(transport)
                raise
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise translate(error, request, httpx) from error
        response = _respond(reply, request)
        arelease = functools.partial(release, reply, prepared, transport)
        if request.streamed and response.ok:
            response.body = HTTPXBody(reply, request, response, httpx, bounded=True, arelease=arelease)
        else:
            await self._read(reply, request, response, arelease)
        response.elapsed = time.monotonic() - started
        return response

    async def aclose(self) -> None:
        """Close the connections of the running loop (those of loops that are over are closed already)."""
        connections = self._loops.get(id(asyncio.get_running_loop()))
        if connections is not None:
            await shielded(connections.life.aclose())

    async def _read(
        self, reply: httpx.Response, request: Request, response: Response, arelease: Callable[[], Any]
    ) -> None:
        pieces: list[bytes] = []
        budget = request.budget
        stream: Any = reply.aiter_bytes() if "content-encoding" in response.headers else reply.stream
        try:
            async for piece in stream:
                pieces.append(piece)
                if budget is not None and budget.expired():
                    raise timed_out(request, "Read")
            await reply.aclose()
        except (httpx.TransportError, httpx.DecodingError) as error:
            await shielded(arelease())
            raise translate(error, request, httpx, sum(map(len, pieces))) from error
        except BaseException:
            await shielded(arelease())
            raise
        response.content = b"".join(pieces)

    async def _transport(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        loop = asyncio.get_running_loop()
        connections = self._loops.get(id(loop))
        if connections is None or connections.loop() is not loop:
            connections = _Connections(loop)
            self._loops[id(loop)] = connections
            connections.life = _live(connections.open, functools.partial(_forget, weakref.ref(self), id(loop)))
            await connections.life.asend(None)
        return connections.transport(url)

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        _abandoned.append(self._loops)
        self._loops = {}


class _Connections:
    """The transports that belong to one event loop."""

    life: AsyncGenerator[None, None]

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = weakref.ref(loop)
        self.open: dict[_Way, httpx.AsyncHTTPTransport] = {}
        self._routes: dict[str, httpx.AsyncHTTPTransport] = {}

    def transport(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        transport = self._routes.get(origin)
        if transport is None:
            way = url.scheme, environment_proxy(origin)
            transport = self.open.get(way)
            if transport is None:
                transport = self.open[way] = _open(httpx.AsyncHTTPTransport, way, AsyncBudgetedBackend)
            self._routes[origin] = transport
        return transport


async def _live(
    transports: dict[_Way, httpx.AsyncHTTPTransport], forget: Callable[[object], None]
) -> AsyncGenerator[None, None]:
    """Lives as long as its loop: ``asyncio.run`` closes open asynchronous generators before it closes the loop.

    It lives no longer than its wire either, to which it has no reference: a forgotten client's connections are closed
    at once, and not by a garbage collector that finds them open.
    """
    try:
        yield
    finally:
        forget(transports)
        for transport in list(transports.values()):
            await transport.aclose()


def _forget(wire: weakref.ref[AsyncHTTPXWire], key: int, transports: object) -> None:
    living = wire()
    if living is not None and key in living._loops and living._loops[key].open is transports:
        del living._loops[key]


_abandoned: list[Any] = []
"""Connections inherited by a fork: kept here unclosed, because they are still their parent's."""


def _open(transport_class: Any, way: _Way, backend: Any) -> Any:
    scheme, proxy = way
    try:
        # Reading the machine's certificates takes longer than many a call, and what goes over plain http has no use for
        # them; such a transport carries nothing else.
        transport = transport_class(proxy=proxy, limits=_limits(), verify=scheme != "http")
    except ImportError as error:
        kind = (proxy or "").partition(":")[0]
        raise ConfigurationError(f"The {kind} proxy of the environment needs another package: {error}") from error
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigurationError(f"The proxy of the environment cannot be used: {error}") from error
    except OSError as error:
        raise ConfigurationError(
            f"The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: {error}."
        ) from error
    pool = transport._pool
    pool._network_backend = backend(pool._network_backend)
    return transport


def _close_all(transports: dict[_Way, httpx.HTTPTransport]) -> None:
    for transport in list(transports.values()):
        transport.close()
    transports.clear()
