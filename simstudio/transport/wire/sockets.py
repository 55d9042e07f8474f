"""A wire on sockets of the calling thread: ``wire="sockets"``.

A sync client's ordinary call is one small request and one whole answer, and nothing is as cheap as the thread that
makes it writing the one and reading the other itself: a third of the default's CPU with httptools (extra ``[fast]``),
half of it with h11; and no HTTP library is imported, which is a fifth of the time to a first result (the benchmark's
rows).
Everything else goes over httpx: streams, uploads, proxies, addresses that need rewriting, and all of the async client,
whose default wire keeps up with the best.

What differs from the default wire: cassettes (vcrpy), mocks of httpx and its instrumentation do not see these calls.
"""

from __future__ import annotations

import functools
import time
import weakref
from typing import TYPE_CHECKING, cast

from simstudio.transport.fork import abandoned, renew_after_fork
from simstudio.transport.wire.connection import Connection
from simstudio.transport.wire.failures import CLOSED_HERE, broken, refused, timed_out
from simstudio.transport.wire.http1 import MalformedAnswerError, answer_type, head_of
from simstudio.transport.wire.ordinary import Exchanged, OrdinaryWire
from simstudio.transport.wire.slots import KEEP_ALIVE_SECONDS, Slots
from simstudio.transport.wire.trust import Trust

if TYPE_CHECKING:
    from simstudio.transport.deadline import Budget
    from simstudio.transport.message import Request
    from simstudio.transport.wire.direct import DirectPools
    from simstudio.transport.wire.target import Target


class SocketsWire(OrdinaryWire):
    """Connections of one sync client, shared by its threads."""

    def __init__(self) -> None:
        self._trust = Trust()
        super().__init__(functools.partial(_pools, self._trust))
        self._answer = answer_type()
        self._slots: Slots[Connection] = Slots(KEEP_ALIVE_SECONDS)
        self._finalizer = weakref.finalize(self, _close_all, self._slots)
        renew_after_fork(self)

    def _close_own(self) -> None:
        _close_all(self._slots)

    def _exchange(self, request: Request, target: Target, budget: Budget) -> Exchanged:
        head = head_of(request, target.path, target.written_host)
        content = cast("bytes", request.content)
        answer = self._answer(request.method)
        connection = self._connection(request, target, budget)
        phase, usable = "Write", False
        try:
            connection.send(head, content, budget)
            phase = "Read"
            connection.receive(answer, budget)
            usable = answer.reusable and "close" not in request.headers.get("connection", "").lower()
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
        return Exchanged(answer.status, answer.headers, answer.pieces)

    def _connection(self, request: Request, target: Target, budget: Budget) -> Connection:
        slots = self._slots
        while (connection := slots.take(target.origin)) is not None:
            if connection.usable():
                connection.busy = True
                return connection
            slots.forget(connection)
            connection.close()
        context = self._trust.context() if target.scheme == "https" else None
        try:
            connection = Connection.open(target.host, target.port, context, budget)
        except TimeoutError as error:
            raise timed_out(request, "Connect") from error
        except OSError as error:
            raise refused(request, CLOSED_HERE if self._closed else str(error)) from error
        if not slots.add(connection):
            connection.busy = False
            connection.close()
            raise refused(request, CLOSED_HERE)
        return connection

    def after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone (unclosed), and begin with none."""
        super().after_fork()
        self._finalizer.detach()
        abandoned.append(self._slots)
        self._slots = Slots(KEEP_ALIVE_SECONDS)
        self._finalizer = weakref.finalize(self, _close_all, self._slots)


def _pools(trust: Trust) -> DirectPools:
    from simstudio.transport.wire.direct import DirectPools

    return DirectPools(trust)


def _close_all(slots: Slots[Connection]) -> None:
    for connection in slots.close():
        connection.close()
