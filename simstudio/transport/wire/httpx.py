"""The default wire as far as httpx is in it: its transports, used directly with prepared requests.

Without ``httpx.Client`` around it a call costs about three quarters of the CPU (the benchmark's first row). Idle
connections are dropped after 4 s, before Sim's keep-alive of 5 s ends (NOTES 0), so that none is met already closed.
Every call goes through ``HTTPTransport.handle_request`` (or ``handle_async_request``), looked up anew for each call:
mocks, cassettes and instrumentation that replace that method see whatever is sent from then on.
"""

from __future__ import annotations

import functools
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from threading import Lock
from typing import Any

import httpx

from simstudio.transport.deadline import UNBOUNDED, Phases
from simstudio.transport.errors import ConfigurationError, SimStudioError
from simstudio.transport.fork import abandoned, renew_after_fork, unforked
from simstudio.transport.message import Content, Headers, Request, Response
from simstudio.transport.wire.body import HTTPXBody
from simstudio.transport.wire.decoding import decode
from simstudio.transport.wire.failures import timed_out, translate
from simstudio.transport.wire.framing import framed
from simstudio.transport.wire.pool import SlotPool
from simstudio.transport.wire.proxies import environment_proxy
from simstudio.transport.wire.slots import KEEP_ALIVE_SECONDS
from simstudio.transport.wire.trust import Trust

Way = tuple[str, "str | None"]
"""How an origin is reached: its scheme, and the proxy to go through. Each has a transport of its own."""

_url = functools.lru_cache(maxsize=1024)(httpx.URL)


def prepare(request: Request) -> httpx.Request:
    """A request as httpx's transports take it."""
    url = _url(request.url)
    return httpx.Request(
        request.method,
        url,
        headers=framed(request, url.netloc),
        stream=httpx.ByteStream(request.content) if isinstance(request.content, bytes) else _Sent(request.content),
        extensions={"timeout": Phases(request.budget or UNBOUNDED)},
    )


class _Sent(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An upload as httpx reads it."""

    def __init__(self, upload: Content) -> None:
        self._upload = upload

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._upload)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._upload.__aiter__()


def respond(reply: httpx.Response, request: Request) -> Response:
    """Ours, of httpx's answer, without its body."""
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
        self._trust = Trust()
        self._open: dict[Way, httpx.HTTPTransport] = {}
        self._routes: dict[str, httpx.HTTPTransport] = {}
        self._lock = Lock()
        self._closed = False
        self._finalizer = weakref.finalize(self, _close_all, self._open)
        renew_after_fork(self)

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        started = time.monotonic()
        try:
            prepared = prepare(request)
            reply = self._transport(prepared.url).handle_request(prepared)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._failure(error, request) from error
        response = respond(reply, request)
        if request.streamed and response.ok:
            response.body = HTTPXBody(reply, request, response, httpx, bounded=True, wire=self)
        else:
            self._read(reply, request, response)
        response.elapsed = time.monotonic() - started
        return response

    def close(self) -> None:
        """Close every connection, those in use too: that ends the calls of other threads."""
        self._closed = True
        self._routes.clear()
        _close_all(self._open)

    def _read(self, reply: httpx.Response, request: Request, response: Response) -> None:
        pieces: list[bytes] = []
        budget = request.budget
        stream: Any = reply.stream
        try:
            for piece in stream:
                pieces.append(piece)
                if budget is not None and budget.expired():
                    raise timed_out(request, "Read")
        except httpx.TransportError as error:
            raise self._failure(error, request, sum(map(len, pieces))) from error
        finally:
            reply.close()
        response.content = b"".join(pieces)
        decode(response, request)

    def _failure(self, error: Exception, request: Request, received: int = 0) -> SimStudioError:
        return translate(error, request, httpx, received, closed=self._closed)

    def _transport(self, url: httpx.URL) -> httpx.HTTPTransport:
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        transport = self._routes.get(origin)
        if transport is None:
            with self._lock, unforked:
                way = url.scheme, environment_proxy(origin)
                transport = self._open.get(way)
                if transport is None:
                    transport = self._open[way] = open_transport(httpx.HTTPTransport, way, self._trust)
                    pool: Any = SlotPool(transport._pool, KEEP_ALIVE_SECONDS)
                    transport._pool = pool
                    if self._closed:  # by another thread, while this call was on its way here
                        pool.close()
                self._routes[origin] = transport
        return transport

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        self._finalizer.detach()
        abandoned.append(self._open)
        self._open, self._routes, self._lock = {}, {}, Lock()
        self._finalizer = weakref.finalize(self, _close_all, self._open)


def open_transport(transport_class: Any, way: Way, trust: Trust) -> Any:
    """A transport of httpx's for a way.

    Raises:
        ConfigurationError: The proxy or the certificates of the environment cannot be used.
    """
    scheme, proxy = way
    try:
        # Reading the machine's certificates takes longer than many a call, and what goes over plain http has no use for
        # them; such a transport carries nothing else.
        return transport_class(proxy=proxy, limits=_limits(), verify=trust.context() if scheme == "https" else False)
    except ImportError as error:
        kind = (proxy or "").partition(":")[0]
        raise ConfigurationError(f"The {kind} proxy of the environment needs another package: {error}") from error
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigurationError(f"The proxy of the environment cannot be used: {error}") from error


def _close_all(transports: dict[Way, httpx.HTTPTransport]) -> None:
    for transport in list(transports.values()):
        transport.close()
    transports.clear()
