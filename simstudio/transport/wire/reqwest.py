"""Requests for pyreqwest, its clients and its failures, as both of its wires need them."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pyreqwest.client import ClientBuilder, SyncClientBuilder
from pyreqwest.exceptions import BuilderError, PyreqwestError, RequestTimeoutError
from pyreqwest.proxy import ProxyBuilder

from simstudio.transport.deadline import SHORTEST, Budget
from simstudio.transport.errors import ConfigurationError, SimStudioError
from simstudio.transport.fork import unforked
from simstudio.transport.message import Headers, Request, Response
from simstudio.transport.wire.failures import CLOSED_HERE, broken, refused, timed_out, unusable
from simstudio.transport.wire.framing import without_framing
from simstudio.transport.wire.proxies import environment_proxy

FAILURES = (PyreqwestError,)
_KEEP_ALIVE = timedelta(seconds=4)
_MOST_CLIENTS = 16
_BODILESS = ("GET", "HEAD", "OPTIONS", "DELETE")
_CONNECTING = "client error (Connect)"

_Key = tuple[str, "float | None", "float | None"]
"""An origin, and how long a stream may take to connect and may be silent (None for what has a time as a whole)."""

_process: list[int] = []
_AFTERWARDS = 0.1
"""Seconds that the library's threads are given after a call, before the interpreter may end."""
_AT_LAST = 0.5
"""Seconds that calls of daemon threads are given to end before the interpreter does."""
_busy_until = [0.0]
_under_way: set[Awaiting] = set()
_ending: list[bool] = []


class Awaiting:
    """Around what the library's threads do for an awaited call: the end of the interpreter has to wait for it.

    They take hold of Python objects while it is under way and for a moment after. One that does so while the
    interpreter ends crashes the process (1 program in 25 on a busy machine, pyreqwest 0.15.1), and nothing tells when
    they rest. What still runs then is a daemon thread: it begins nothing more, and is gone with the program.

    Args:
        begins: Whether the thread does it of its own accord: not to close something, nor for another that waits for it.
    """

    def __init__(self, *, begins: bool = False) -> None:
        self._begins = begins

    async def __aenter__(self) -> None:
        _under_way.add(self)
        if self._begins and _ending and threading.current_thread().daemon:
            _under_way.discard(self)
            await asyncio.get_running_loop().create_future()

    async def __aexit__(self, *_: object) -> None:
        _busy_until[0] = time.monotonic() + _AFTERWARDS
        _under_way.discard(self)


@atexit.register
def _rest() -> None:
    if not runs_here():
        return
    _ending.append(True)
    end = time.monotonic() + _AT_LAST
    while _under_way and time.monotonic() < end:
        time.sleep(0.005)
    left = _busy_until[0] - time.monotonic()
    if left > 0:
        time.sleep(left)


def runs_here() -> bool:
    """Whether the library's threads run in this process: they do not in the child of one where they did."""
    return not _process or _process[0] == os.getpid()


class _Clients:
    """The library's clients: one for each server, and one for each pair of limits that streams have."""

    _builder: type[Any]

    def __init__(self) -> None:
        self._made: dict[_Key, Any] = {}
        self._closed = False

    def prepare(self, request: Request) -> Any:
        """A request, ready to be built.

        Raises:
            SimStudioError: The address, or something of the environment, cannot be used.
        """
        budget = request.budget
        end = request.url.find("/", len("https://"))
        origin = request.url if end < 0 else request.url[:end]
        if budget is None or budget.expires is not None:
            key: _Key = origin, None, None
        else:
            key = origin, budget.connect, budget.idle
        client = self._made.get(key) or self._make(key, request)
        try:
            return self._compose(client, request, budget)
        except ValueError as error:
            raise unusable(request, f"{error}.") from error

    def _make(self, key: _Key, request: Request) -> Any:
        if len(self._made) >= _MOST_CLIENTS:  # limits that are all different
            key = key[0], None, None
        with unforked:
            client = self._made.get(key)
            if client is None:
                _process[:] = [os.getpid()]
                client = self._made[key] = _build(self._builder(), request, *key)
            if self._closed:  # perhaps before it was there to be closed
                raise refused(request, CLOSED_HERE)
            return client

    def _compose(self, client: Any, request: Request, budget: Budget | None) -> Any:
        builder = client.request(request.method, request.url).headers(list(without_framing(request.headers).pairs()))
        content = request.content
        if not isinstance(content, bytes):
            builder = builder.header("Content-Length", str(content.size)).body_stream(self._stream(content))
        elif content:
            builder = builder.body_bytes(content)
        elif request.method not in _BODILESS:
            builder = builder.header("Content-Length", "0")
        left = None if budget is None else budget.remaining()
        return builder if left is None else builder.timeout(timedelta(seconds=max(left, SHORTEST)))

    def _stream(self, upload: Any) -> Any:
        return upload


class SyncClients(_Clients):
    """Those of a sync client."""

    _builder = SyncClientBuilder

    def close(self) -> None:
        """End every call, and close every connection."""
        self._closed = True
        made, self._made = self._made, {}
        for client in made.values():
            client.close()


class AsyncClients(_Clients):
    """Those of an async client in one event loop."""

    _builder = ClientBuilder

    async def aclose(self) -> None:
        """End every call, and close every connection."""
        self._closed = True
        made, self._made = self._made, {}
        for client in made.values():
            async with Awaiting():
                await client.close()

    def forget(self) -> None:
        """Let go of every connection, where the event loop is over."""
        self._closed = True
        self._made = {}

    def _stream(self, upload: Any) -> Any:
        from simstudio.transport.wire.client import Awaited

        return Awaited(upload)


def _build(builder: Any, request: Request, origin: str, connect: float | None, idle: float | None) -> Any:
    try:
        return _configured(builder, origin, connect, idle).build()
    except (BuilderError, OSError, RuntimeError) as error:  # the last one: no event loop, no thread
        scarce = str(error) if isinstance(error, RuntimeError) else _scarcity()
        if scarce is not None:  # whatever it says then
            raise refused(request, scarce) from error
        if isinstance(error, OSError):
            reason = f"The certificates that SSL_CERT_FILE names cannot be read: {error}."
        else:
            reason = f"The wire pyreqwest cannot be used here: {(_causes(error) or [str(error)])[-1]}."
        raise ConfigurationError(reason) from error


def _scarcity() -> str | None:
    """Why this process, or the machine, can open no file just now."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return f"{error.strerror}"
    return None


def _configured(builder: Any, origin: str, connect: float | None, idle: float | None) -> Any:
    builder = (
        builder.no_proxy()
        .http1_only()
        .follow_redirects(enable=False)
        .referer(enable=False)
        .default_cookie_store(enable=False)
        .brotli(enable=False)
        .zstd(enable=False)
        .pool_idle_timeout(_KEEP_ALIVE)
    )
    if connect is not None:
        builder = builder.connect_timeout(timedelta(seconds=connect))
    if idle is not None:  # so that even a stream that was cancelled while it was opened ends some time
        builder = builder.read_timeout(timedelta(seconds=idle))
    proxy = environment_proxy(origin)
    if proxy is not None:
        if urlsplit(proxy).scheme not in ("http", "https"):
            raise ConfigurationError(
                "The proxy of the environment cannot be used with the wire pyreqwest: it must be an http or https one."
            )
        try:
            builder = builder.proxy(ProxyBuilder.all(proxy))
        except ValueError as error:
            raise ConfigurationError(
                f"The proxy of the environment cannot be used with the wire pyreqwest: {error}."
            ) from error
    if all(urlsplit(url).scheme == "http" for url in (origin, proxy or origin)):
        # Reading the machine's certificates takes longer than many a call, and fails where there are none. Such a
        # client has no use for them: it is for this origin alone, and follows nothing.
        return builder.danger_accept_invalid_certs(enable=True)
    file = os.environ.get("SSL_CERT_FILE")
    if file:
        import ssl

        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    return builder


def respond(reply: Any, request: Request) -> Response:
    """Ours, of the library's answer, without its body."""
    return Response(
        reply.status,
        Headers.received_text(_pairs(reply.headers)),
        method=request.method,
        url=request.url,
        attempt=request.attempt,
    )


def _pairs(headers: Any) -> Iterable[tuple[str, str]]:
    try:
        return list(headers.items())
    except ValueError:  # one of them is not ASCII
        return [pair for name in dict.fromkeys(headers) for pair in _legible(headers, name)]


def _legible(headers: Any, name: str) -> list[tuple[str, str]]:
    try:
        return [(name, value) for value in headers.getall(name)]
    except ValueError:
        return []


def translate(error: PyreqwestError, request: Request, received: int = 0, *, closed: bool = False) -> SimStudioError:
    """The error to raise for a failure of the library.

    Its classes do not tell what was sent (a timeout of any kind is a ``ConnectTimeoutError``); the causes do.

    Args:
        error: The failure.
        request: What was being sent.
        received: Bytes of the body that had come.
        closed: Whether the client was closed meanwhile, which is then why.
    """
    causes = _causes(error)
    connecting = _CONNECTING in causes
    if closed:
        return refused(request, CLOSED_HERE) if connecting else broken(request, CLOSED_HERE, received)
    if isinstance(error, RequestTimeoutError):
        return timed_out(request, "Connect" if connecting else "Call")
    reason = ": ".join(causes[causes.index(_CONNECTING) + 1 :] if connecting else causes[-1:]) or error.message
    if isinstance(error, BuilderError):
        return unusable(request, f"{reason}.")
    if "invalid peer certificate" in reason:
        reason = f"CERTIFICATE_VERIFY_FAILED: {reason}"
    return refused(request, reason) if connecting else broken(request, reason, received)


def _causes(error: Exception) -> list[str]:
    details: Any = getattr(error, "details", None) or {}
    return [cause["message"] for cause in details.get("causes") or ()]


def is_piecewise(request: Request) -> bool:
    """Whether silences are what is bounded: the library bounds only whole calls by itself."""
    budget = request.budget
    return request.streamed or (budget is not None and budget.expires is None and budget.idle is not None)
