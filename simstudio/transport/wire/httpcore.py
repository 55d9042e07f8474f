"""The default wire: httpx's transports, or straight over httpcore, on which they stand, while nobody could see one.

``httpx.HTTPTransport`` is a thin layer over httpcore, which has the connections; but its import takes a quarter of the
time from the start of an interpreter to a first result (the benchmark's row). The layer matters to those who look at
it: mocks, cassettes and instrumentation replace ``HTTPTransport.handle_request``, and all of them import httpx first.
So an ordinary call passes through it as soon as the process has loaded httpx, and goes to httpcore directly before:
the same connections either way, the same bytes and the same errors. (A tool that patches by import hook, once somebody
imports httpx, waits for that import: ``import httpx`` in the program is all it needs.)
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING

import httpcore

from simstudio.transport.deadline import Phases
from simstudio.transport.fork import abandoned, renew_after_fork, unforked
from simstudio.transport.wire.backend import BudgetedBackend
from simstudio.transport.wire.failures import CLOSED_HERE, broken, timed_out, translate
from simstudio.transport.wire.framing import framed
from simstudio.transport.wire.ordinary import Exchanged, OrdinaryWire
from simstudio.transport.wire.pool import SlotPool
from simstudio.transport.wire.slots import KEEP_ALIVE_SECONDS

if TYPE_CHECKING:
    from simstudio.errors import SimStudioError
    from simstudio.transport.deadline import Budget
    from simstudio.transport.message import Request
    from simstudio.transport.wire.target import Target

_FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
_DECODABLE = frozenset({"gzip, deflate", "identity"})
"""What the client itself asks for. Who asks for another encoding has httpx decode it."""


def is_watched() -> bool:
    """Whether somebody may look at what passes through httpx."""
    return "httpx" in sys.modules


class HTTPCoreWire(OrdinaryWire):
    """Connections of one sync client, shared by its threads."""

    def __init__(self) -> None:
        super().__init__()
        self._pools: dict[str, SlotPool] = {}
        self._finalizer = weakref.finalize(self, _close_all, self._pools)
        renew_after_fork(self)

    def _route(self, request: Request) -> Target | None:
        if is_watched() or request.headers.get("accept-encoding") not in _DECODABLE:
            return None
        return super()._route(request)

    def _exchange(self, request: Request, target: Target, budget: Budget) -> Exchanged:
        sent = httpcore.Request(
            request.method,
            httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
            headers=framed(request, target.written_host.encode()),
            content=request.content,
            extensions={"timeout": Phases(budget)},
        )
        pieces: list[bytes] = []
        try:
            reply = self._pool(target.scheme).handle_request(sent)
            try:
                for piece in reply.iter_stream():
                    pieces.append(piece)
                    if budget.expired():
                        raise timed_out(request, "Read")
            finally:
                reply.close()
        except _FAILURES as error:
            raise self._failure(error, request, sum(map(len, pieces))) from error
        return Exchanged(reply.status, reply.headers, pieces)

    def _failure(self, error: Exception, request: Request, received: int) -> SimStudioError:
        if self._closed:
            return broken(request, CLOSED_HERE, received)
        return translate(error, request, httpcore, received)

    def _pool(self, scheme: str) -> SlotPool:
        pool = self._pools.get(scheme)
        if pool is None:
            context = self._trusted() if scheme == "https" else None
            with self._lock, unforked:
                pool = self._pools.get(scheme)
                if pool is None:
                    maker = httpcore.ConnectionPool(ssl_context=context, keepalive_expiry=KEEP_ALIVE_SECONDS)
                    maker._network_backend = BudgetedBackend(maker._network_backend)
                    pool = self._pools[scheme] = SlotPool(maker, KEEP_ALIVE_SECONDS)
        return pool

    def _close_own(self) -> None:
        _close_all(self._pools)

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        super().after_fork()
        self._finalizer.detach()
        abandoned.append(self._pools)
        self._pools = {}
        self._finalizer = weakref.finalize(self, _close_all, self._pools)


def _close_all(pools: dict[str, SlotPool]) -> None:
    for pool in list(pools.values()):
        pool.close()
    pools.clear()
