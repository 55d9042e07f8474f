"""The default wire: httpx's transports, or straight over httpcore, on which they stand, while nobody could see one.

``httpx.HTTPTransport`` is a thin layer over httpcore, which has the connections; but its import takes a fifth of the
time from the start of an interpreter to a first result (the benchmark's row). The layer matters to those who look at
it: mocks, cassettes and instrumentation replace ``HTTPTransport.handle_request``, for which they import httpx. So an
ordinary call passes through it as soon as the process has loaded httpx (this client's first stream, upload or proxied
call does), and goes to httpcore directly before: the same connections either way, the same bytes and the same errors.

A tool that patches httpx when somebody else imports it (an import hook) waits for that: ``import httpx`` in the program
is all it needs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import httpcore

from simstudio.transport.deadline import Phases
from simstudio.transport.fork import renew_after_fork
from simstudio.transport.wire.direct import DirectPools
from simstudio.transport.wire.failures import timed_out, translate
from simstudio.transport.wire.framing import framed
from simstudio.transport.wire.ordinary import Exchanged, OrdinaryWire
from simstudio.transport.wire.trust import Trust

if TYPE_CHECKING:
    from simstudio.transport.deadline import Budget
    from simstudio.transport.message import Request
    from simstudio.transport.wire.target import Target

_FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


def is_watched() -> bool:
    """Whether somebody may look at what passes through httpx."""
    return "httpx" in sys.modules


class HTTPCoreWire(OrdinaryWire):
    """Connections of one sync client, shared by its threads."""

    def __init__(self) -> None:
        pools = self._pools = DirectPools(Trust())
        super().__init__(lambda: pools)
        renew_after_fork(self)

    def _route(self, request: Request) -> Target | None:
        return None if is_watched() else super()._route(request)

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
            reply = self._pools.of(target.scheme).handle_request(sent)
            try:
                for piece in reply.iter_stream():
                    pieces.append(piece)
                    if budget.expired():
                        raise timed_out(request, "Read")
            finally:
                reply.close()
        except _FAILURES as error:
            raise translate(error, request, httpcore, sum(map(len, pieces)), closed=self._closed) from error
        return Exchanged(reply.status, reply.headers, pieces)

    def _close_own(self) -> None:
        self._pools.close()
