"""A wire over a user's own ``httpx.Client`` / ``AsyncClient``, or ``httpx2``'s.

It is used through ``build_request`` and ``send(stream=True, follow_redirects=False)``, so that its auth, hooks, mounts
and default headers apply, and it is never closed by us. Here ``timeout`` bounds each phase (connect, read, write), not
the whole call: the sockets belong to the user's client.
"""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

from simstudio.transport.deadline import Budget
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.message import Content, Headers, Request, Response
from simstudio.transport.wire import WireOptions
from simstudio.transport.wire.body import Collector, HTTPXBody, begin_body
from simstudio.transport.wire.failures import translate
from simstudio.transport.wire.sync_network import wake_reader
from simstudio.transport.wire.tasks import shield

_PHASES = ("connect", "read", "write", "pool")


def is_async_client(http_client: object) -> bool:
    """Whether a user's HTTP client is an async one.

    Raises:
        ConfigurationError: The object is no HTTP client with httpx's interface.
    """
    send = getattr(http_client, "send", None)
    if not callable(send) or not callable(getattr(http_client, "build_request", None)):
        raise ConfigurationError(
            f"http_client= takes an httpx.Client or httpx.AsyncClient (or httpx2's), not {type(http_client).__name__}."
        )
    _library(http_client)
    return inspect.iscoroutinefunction(send)


def _library(http_client: object) -> ModuleType:
    """The module whose exceptions a client raises: that of the base class named Client or AsyncClient."""
    for base in type(http_client).__mro__:
        module = sys.modules.get(base.__module__.partition(".")[0])
        if base.__name__ in ("Client", "AsyncClient") and module is not None and hasattr(module, "TransportError"):
            return module
    raise ConfigurationError(
        f"http_client= is of type {type(http_client).__qualname__}, which stems neither from httpx nor httpx2."
    )


class _ClientWire:
    def __init__(self, http_client: Any, options: WireOptions | None = None) -> None:
        self._client = http_client
        self._library = _library(http_client)
        self._limit = (options or WireOptions()).max_response_size

    def _prepare(self, request: Request) -> Any:
        if self._client.is_closed:
            raise ConfigurationError("The http_client given to this client is closed. Create another one.")
        budget = request.budget or Budget()
        budget.begin()
        sized = () if isinstance(request.content, bytes) else (("Content-Length", str(request.content.size)),)
        return self._client.build_request(
            request.method,
            request.url,
            headers=[*request.headers.without_framing().pairs(), *sized],
            content=self._content(request) or None,
            timeout=self._library.Timeout(**{phase: budget.allowance(phase) for phase in _PHASES}),
        )

    def _content(self, request: Request) -> Any:
        return request.content

    def _respond(self, reply: Any, request: Request) -> Response:
        response = Response(
            reply.status_code,
            Headers.decode(reply.headers.raw),
            method=request.method,
            url=request.url,
            attempt=request.attempt,
        )
        return begin_body(request, response)

    def _failure(self, error: Exception, request: Request, received: int = 0) -> Exception:
        return translate(error, request, self._library, received)


class ClientWire(_ClientWire):
    """Sends with a sync client."""

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        library = self._library
        started = time.monotonic()
        try:
            reply = self._client.send(self._prepare(request), stream=True, follow_redirects=False)
        except (library.TransportError, library.InvalidURL) as error:
            raise self._failure(error, request) from error
        response = self._respond(reply, request)
        if request.streamed and response.ok:
            response.body = _Body(reply, request, response, library, self._limit, timed=False)
            return response
        collector = Collector(request, response, self._limit)
        encoded = not reply.is_stream_consumed  # a hook of the user's may have read and decoded it
        try:
            for piece in reply.iter_raw() if encoded else reply.iter_bytes():
                collector.add(piece)
        except (library.TransportError, library.DecodingError) as error:
            raise self._failure(error, request, collector.received) from error
        finally:
            reply.close()
        collector.finish(encoded=encoded)
        response.elapsed = time.monotonic() - started
        return response

    def close(self) -> None:
        """Do nothing: the client is its user's."""


class _Body(HTTPXBody):
    """A body that one thread may close while another reads it.

    Closing the connection would leave the reader to its timeout, with the number of a socket that may be another's by
    then. So the reader is woken, and closes it. A connection of HTTP/2 is not ended, because other calls share it.
    """

    __slots__ = ("_closing", "_reader")

    def __init__(self, reply: Any, *args: Any, **options: Any) -> None:
        super().__init__(reply, *args, **options)
        self._reader = 0  # process of the thread that reads: a forked child has its number, but not the thread
        self._closing = False

    def piece(self) -> bytes | None:
        self._reader = os.getpid()
        try:
            return super().piece()
        finally:
            self._reader = 0
            if self._closing:
                self._reply.close()

    def close(self) -> None:
        self._response.body, self._closing = None, True
        if self._reader != os.getpid() or not self._wake():
            super().close()

    def _wake(self) -> bool:
        stream = self._reply.extensions.get("network_stream")
        return stream is not None and self._reply.http_version != "HTTP/2" and wake_reader(stream)


class Awaited:
    """An upload that can only be awaited: an async client refuses one that can be iterated over as well."""

    def __init__(self, upload: Content) -> None:
        self._upload = upload

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._upload.__aiter__()


class AsyncClientWire(_ClientWire):
    """Sends with an async client."""

    def _content(self, request: Request) -> Any:
        return request.content if isinstance(request.content, bytes) else Awaited(request.content)

    async def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        library = self._library
        started = time.monotonic()
        try:
            reply = await self._client.send(self._prepare(request), stream=True, follow_redirects=False)
        except (library.TransportError, library.InvalidURL) as error:
            raise self._failure(error, request) from error
        response = self._respond(reply, request)
        if request.streamed and response.ok:
            response.body = HTTPXBody(reply, request, response, library, self._limit, timed=False)
            return response
        collector = Collector(request, response, self._limit)
        encoded = not reply.is_stream_consumed  # a hook of the user's may have read and decoded it
        try:
            async for piece in reply.aiter_raw() if encoded else reply.aiter_bytes():
                collector.add(piece)
        except (library.TransportError, library.DecodingError) as error:
            raise self._failure(error, request, collector.received) from error
        finally:
            await shield(reply.aclose())
        collector.finish(encoded=encoded)
        response.elapsed = time.monotonic() - started
        return response

    async def aclose(self) -> None:
        """Do nothing: the client is its user's."""
