"""What the wires share that carry ordinary calls themselves and leave everything else to httpx.

An ordinary call is one whole request and one whole answer, without a proxy, to an address that httpx would send to as
it is written. Streams, uploads, proxied calls and addresses that need rewriting are httpx's.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from simstudio.errors import ConfigurationError
from simstudio.transport.deadline import Budget
from simstudio.transport.fork import unforked
from simstudio.transport.message import Headers, Request, Response
from simstudio.transport.session import LazyWire
from simstudio.transport.wire.decoding import UndecodableBodyError, decoded
from simstudio.transport.wire.failures import broken
from simstudio.transport.wire.proxies import environment_proxy
from simstudio.transport.wire.target import Target, target_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence

    from simstudio.transport.flow import Wire

UNBOUNDED = Budget()
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Exchanged(NamedTuple):
    """An answer as it came.

    Attributes:
        status: The HTTP status.
        headers: Names and values.
        pieces: Of the body, still in its content encoding.
    """

    status: int
    headers: Iterable[tuple[bytes, bytes]]
    pieces: Sequence[bytes]


def layered_wire() -> Wire:
    """A wire over httpx's own transports, which are imported for it."""
    from simstudio.transport.wire.httpx import HTTPXWire

    return HTTPXWire()


class OrdinaryWire(ABC):
    """Connections of one sync client for its ordinary calls, and httpx's for the others; shared by its threads."""

    def __init__(self) -> None:
        self._direct: dict[str, bool] = {}
        self._context: ssl.SSLContext | None = None
        self._lock = Lock()
        self._others: LazyWire[Wire] = LazyWire(layered_wire)
        self._closed = False

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        target = self._route(request)
        if target is None:
            return self._others.get().send(request)
        started = time.monotonic()
        status, headers, pieces = self._exchange(request, target, request.budget or UNBOUNDED)
        response = Response(
            status, Headers.received(headers), b"".join(pieces), request.method, request.url, request.attempt
        )
        if "content-encoding" in response.headers:
            try:
                response.content = decoded(response.content, response.headers["content-encoding"])
            except UndecodableBodyError as error:
                raise broken(request, str(error), len(response.content)) from error
        response.elapsed = time.monotonic() - started
        return response

    @abstractmethod
    def _exchange(self, request: Request, target: Target, budget: Budget) -> Exchanged:
        """Send an ordinary request and read the whole answer."""

    @abstractmethod
    def _close_own(self) -> None:
        """Close the connections for ordinary calls, those in use too."""

    def close(self) -> None:
        """Close every connection, those in use too: that ends the calls of other threads."""
        self._closed = True
        self._close_own()
        others = self._others.retire()
        if others is not None:
            others.close()

    def _route(self, request: Request) -> Target | None:
        """Where an ordinary request goes, None if it is one for httpx."""
        if (
            request.streamed
            or type(request.content) is not bytes
            or request.method not in _METHODS
            or (target := target_of(request.url)) is None
        ):
            return None
        direct = self._direct.get(target.origin)
        if direct is None:
            direct = self._direct[target.origin] = environment_proxy(target.origin) is None
        return target if direct else None

    def _trusted(self) -> ssl.SSLContext:
        """What a server's certificate must satisfy; made once, for it takes longer than many a call."""
        if self._context is None:
            with self._lock, unforked:
                self._context = self._context or _context()
        return self._context

    def after_fork(self) -> None:
        """In a forked child: a lock that no vanished thread holds."""
        self._lock = Lock()


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
