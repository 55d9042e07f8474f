"""What the wires share that carry ordinary calls themselves and leave everything else to httpx.

An ordinary call is one whole request and one whole answer, without a proxy, to an address that httpx would send to as
it is written. Streams, uploads, proxied calls and addresses that need rewriting are httpx's.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from simstudio.transport.deadline import UNBOUNDED, Budget
from simstudio.transport.message import Headers, Request, Response
from simstudio.transport.session import LazyWire
from simstudio.transport.wire.decoding import decode
from simstudio.transport.wire.proxies import environment_proxy
from simstudio.transport.wire.target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from simstudio.transport.flow import Wire
    from simstudio.transport.wire.direct import DirectPools

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


def layered_wire(pools: Callable[[], DirectPools]) -> Wire:
    """A wire over httpx's own transports, which are imported for it, and the connections they are to use."""
    from simstudio.transport.wire.httpx import HTTPXWire

    return HTTPXWire(pools())


class OrdinaryWire(ABC):
    """Connections of one sync client for its ordinary calls, and httpx's for the others; shared by its threads.

    Args:
        pools: The connections that httpx's transports are to use.
    """

    def __init__(self, pools: Callable[[], DirectPools]) -> None:
        self._direct: dict[str, bool] = {}
        self._others: LazyWire[Wire] = LazyWire(lambda: layered_wire(pools))
        self._closed = False

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        target = self._route(request)
        if target is None:
            return self._others.lend(request).send(request)
        started = time.monotonic()
        status, headers, pieces = self._exchange(request, target, request.budget or UNBOUNDED)
        response = Response(
            status, Headers.received(headers), b"".join(pieces), request.method, request.url, request.attempt
        )
        decode(response, request)
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
        others = self._others.retire()
        if others is not None:  # first: it uses the same connections, and is to know why they end
            others.close()
        self._close_own()

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

    def after_fork(self) -> None:
        """In a forked child: whatever proxies its environment names then."""
        self._direct = {}
