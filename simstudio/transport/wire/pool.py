"""Connections of httpcore, one request each at a time, in place of httpcore's pool.

httpcore's own pool looks through all connections for every request, so that n calls at once cost n² (6,000 calls at
concurrency 200: 42 s instead of 1.5 s). Here a call takes the connection that was used last, or makes one, and puts it
back: whatever the concurrency, that is one step. Connections are still made by httpcore's pool, which knows of proxies
and certificates, and httpx's transports stand above this as they stood above that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpcore

from simstudio.transport.wire.backend import BudgetedBackend
from simstudio.transport.wire.failures import CLOSED_HERE
from simstudio.transport.wire.inside import as_unsent, is_reusable, unlock
from simstudio.transport.wire.slots import Place, Slots


class SlotPool:
    """What an ``httpx.HTTPTransport`` needs of a pool.

    Args:
        maker: httpcore's pool, of which only ``create_connection`` is used; the budget is put under its sockets.
        keep: Seconds that an idle connection is kept.
    """

    def __init__(self, maker: httpcore.ConnectionPool, keep: float) -> None:
        self.slots: Slots[httpcore.ConnectionInterface] = Slots(keep)
        slots = self.slots  # which knows nothing of this pool, so that they are no circle
        self._maker = maker
        maker._network_backend = BudgetedBackend(maker._network_backend, lambda: slots.closed)

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request on a connection of its own, which is given back when the response is closed."""
        place = request.url.host, request.url.port
        connection: httpcore.ConnectionInterface | None = None
        try:  # Ctrl-C strikes anywhere
            while (connection := self.slots.take(place)) is not None and connection.has_expired():
                self._release(place, connection, usable=False)
            new = connection is None
            if connection is None:
                connection = self._maker.create_connection(request.url.origin)
                unlock(connection)
                if not self.slots.add(connection):
                    raise httpcore.ConnectError(CLOSED_HERE)
            response = connection.handle_request(request)
            if new:
                unlock(connection)
            response.stream = _Body(response.stream, self, place, connection)
        except BaseException as error:
            self._release(place, connection, usable=False)
            known = as_unsent(connection, error)
            if known is not error:
                raise known from error
            raise
        return response

    def close(self) -> None:
        """Close every connection, those in use too: that ends the calls of other threads."""
        for connection in self.slots.close():
            connection.close()

    def _release(self, place: Place, connection: httpcore.ConnectionInterface | None, *, usable: bool) -> None:
        if connection is not None:
            for unwanted in self.slots.give(place, connection, usable=usable):
                unwanted.close()


class _Body:
    """A response's stream, which gives its connection back."""

    _pool: SlotPool | None = None

    def __init__(self, stream: Any, pool: SlotPool, place: Place, connection: httpcore.ConnectionInterface) -> None:
        self._stream = stream
        self._place = place
        self._connection = connection
        self._pool = pool

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            usable = False
            try:
                self._stream.close()
                usable = is_reusable(self._connection)
            finally:
                pool._release(self._place, self._connection, usable=usable)

    def __del__(self) -> None:
        if self._pool is not None:  # forgotten midway
            self._pool.slots.forget(self._connection)
            self._stream.close()
