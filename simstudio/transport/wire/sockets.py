"""A wire on sockets of the calling thread: ``wire="sockets"``.

A sync client's ordinary call is one small request and one whole answer, and nothing is as cheap as the thread that
makes it writing the one and reading the other itself: a fourth of the default's CPU with httptools (extra ``[fast]``),
half of it with h11; and httpx is not imported, which is a quarter of the time to a first result (the benchmark's rows).
Everything else goes over the default wire: streams, uploads, proxies, addresses that need rewriting, and all of the
async client, whose default wire keeps up with the best.

What differs from the default wire: cassettes (vcrpy), mocks of httpx and its instrumentation do not see these calls.
"""

from __future__ import annotations

import functools
import os
import re
import time
import weakref
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, cast

from simstudio.errors import ConfigurationError
from simstudio.transport.deadline import Budget
from simstudio.transport.fork import abandoned, renew_after_fork, unforked
from simstudio.transport.message import Headers, Request, Response
from simstudio.transport.session import LazyWire
from simstudio.transport.wire import default_wire
from simstudio.transport.wire.connection import Connection
from simstudio.transport.wire.failures import CLOSED_HERE, broken, refused, timed_out
from simstudio.transport.wire.http1 import Answer, MalformedAnswerError, answer_type, decoded, head_of
from simstudio.transport.wire.proxies import environment_proxy
from simstudio.transport.wire.slots import KEEP_ALIVE_SECONDS, Slots

if TYPE_CHECKING:
    import ssl


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
"""Addresses that httpx would leave as they are."""
_DOTS = re.compile(r"/\.\.?(?:[/?]|$)")
_UNBOUNDED = Budget()


class _Target(NamedTuple):
    origin: str
    scheme: str
    host: str
    port: int
    written_host: str
    path: str


@functools.lru_cache(maxsize=1024)
def _target(url: str) -> _Target | None:
    """Where an address leads, None where it needs rewriting first."""
    found = _ADDRESS.fullmatch(url)
    if found is None or _DOTS.search(url):
        return None
    scheme, host, written_port = found["scheme"], found["host"], found["port"]
    port = int(written_port) if written_port else _PORTS[scheme]
    if not 0 < port < 65536:
        return None
    written = host if port == _PORTS[scheme] else f"{host}:{port}"
    return _Target(f"{scheme}://{written}", scheme, host.strip("[]"), port, written, found["target"] or "/")


class SocketsWire:
    """Connections of one sync client, shared by its threads."""

    def __init__(self) -> None:
        self._answer = answer_type()
        self._slots: Slots[Connection] = Slots(KEEP_ALIVE_SECONDS)
        self._direct: dict[str, bool] = {}
        self._context: ssl.SSLContext | None = None
        self._lock = Lock()
        self._others = LazyWire(default_wire)
        self._closed = False
        self._finalizer = weakref.finalize(self, _close_all, self._slots)
        renew_after_fork(self)

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        target = self._route(request)
        if target is None:
            return self._others.get().send(request)
        started = time.monotonic()
        answer = self._exchange(request, target, request.budget or _UNBOUNDED)
        response = Response(
            answer.status,
            Headers.received(answer.headers),
            b"".join(answer.pieces),
            request.method,
            request.url,
            request.attempt,
        )
        if "content-encoding" in response.headers:
            try:
                response.content = decoded(response.content, response.headers["content-encoding"])
            except MalformedAnswerError as error:
                raise broken(request, str(error), len(response.content)) from error
        response.elapsed = time.monotonic() - started
        return response

    def close(self) -> None:
        """Close every connection, those in use too: that ends the calls of other threads."""
        self._closed = True
        _close_all(self._slots)
        others = self._others.retire()
        if others is not None:
            others.close()

    def _route(self, request: Request) -> _Target | None:
        """Where to send a request, None if it is one for the default wire."""
        if (
            request.streamed
            or type(request.content) is not bytes
            or request.method not in _METHODS
            or (target := _target(request.url)) is None
        ):
            return None
        direct = self._direct.get(target.origin)
        if direct is None:
            direct = self._direct[target.origin] = environment_proxy(target.origin) is None
        return target if direct else None

    def _exchange(self, request: Request, target: _Target, budget: Budget) -> Answer:
        head = head_of(request, target.path, target.written_host)
        content = cast("bytes", request.content)
        answer = self._answer(request.method)
        connection = self._connection(request, target, budget)
        phase, usable = "Write", False
        try:
            connection.send(head, content, budget)
            phase = "Read"
            connection.receive(answer, budget)
            usable = answer.reusable
        except TimeoutError as error:
            raise timed_out(request, phase) from error
        except (OSError, MalformedAnswerError) as error:
            reason = CLOSED_HERE if self._closed else str(error)
            raise broken(request, reason, sum(map(len, answer.pieces))) from error
        finally:
            connection.busy = False
            connection.expires = time.monotonic() + KEEP_ALIVE_SECONDS
            for unwanted in self._slots.give(target.origin, connection, usable=usable):
                unwanted.close()
        return answer

    def _connection(self, request: Request, target: _Target, budget: Budget) -> Connection:
        slots = self._slots
        while (connection := slots.take(target.origin)) is not None:
            if connection.usable():
                connection.busy = True
                return connection
            slots.forget(connection)
            connection.close()
        context = self._trusted() if target.scheme == "https" else None
        try:
            connection = Connection.open(target.host, target.port, context, budget)
        except TimeoutError as error:
            raise timed_out(request, "Connect") from error
        except OSError as error:
            raise refused(request, str(error)) from error
        slots.add(connection)
        return connection

    def _trusted(self) -> ssl.SSLContext:
        """What a server's certificate must satisfy; made once, for it takes longer than many a call."""
        if self._context is None:
            with self._lock, unforked:
                self._context = self._context or _context()
        return self._context

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        self._finalizer.detach()
        abandoned.append(self._slots)
        self._slots = Slots(KEEP_ALIVE_SECONDS)
        self._lock = Lock()
        self._finalizer = weakref.finalize(self, _close_all, self._slots)


def _context() -> ssl.SSLContext:
    """Trust as httpx has it: ``SSL_CERT_FILE``, ``SSL_CERT_DIR``, else certifi's authorities.

    Raises:
        ConfigurationError: They cannot be read.
    """
    import ssl

    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    try:
        if file:
            context = ssl.create_default_context(cafile=file)
        elif directory:
            context = ssl.create_default_context(capath=directory)
        else:
            import certifi

            context = ssl.create_default_context(cafile=certifi.where())
    except OSError as error:
        raise ConfigurationError(
            f"The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: {error}."
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _close_all(slots: Slots[Connection]) -> None:
    for connection in slots.close():
        connection.close()
