"""Connections of an event loop, one request each at a time; see :mod:`simstudio.transport.wire.pool`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpcore

from simstudio.transport.wire.async_backend import AsyncBudgetedBackend, AsyncBudgetedStream
from simstudio.transport.wire.failures import CLOSED_HERE
from simstudio.transport.wire.inside import as_unsent, is_reusable, unlock
from simstudio.transport.wire.slots import Place, Slots
from simstudio.transport.wire.tasks import detach


class AsyncSlotPool:
    """What an ``httpx.AsyncHTTPTransport`` needs of a pool; see :class:`SlotPool`.

    A connection is closed by a task of its own wherever a call did not end well, so that no cancellation, however
    often it strikes, leaves one behind.
    """

    def __init__(self, maker: httpcore.AsyncConnectionPool, keep: float) -> None:
        self.slots: Slots[httpcore.AsyncConnectionInterface] = Slots(keep)
        slots = self.slots  # which knows nothing of this pool, so that they are no circle
        self._maker = maker
        maker._network_backend = AsyncBudgetedBackend(lambda: slots.closed)

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request on a connection of its own, which is given back when the response is closed."""
        place = request.url.host, request.url.port
        while (connection := self.slots.take(place)) is not None and connection.has_expired():
            self._release(place, connection, usable=False)
        new = connection is None
        if connection is None:
            connection = self._maker.create_connection(request.url.origin)
            if not self.slots.add(connection):
                raise httpcore.ConnectError(CLOSED_HERE)
            unlock(connection)
        try:
            response = await connection.handle_async_request(request)
        except BaseException as error:
            self._release(place, connection, usable=False)
            known = as_unsent(connection, error)
            if known is not error:
                raise known from error
            raise
        if new:
            unlock(connection)
        response.stream = _AsyncBody(response.stream, self, place, connection)
        return response

    async def aclose(self) -> None:
        """Close every connection, those in use too: that ends the calls of other tasks."""
        for connection in self.slots.close():
            await connection.aclose()

    def _release(self, place: Place, connection: httpcore.AsyncConnectionInterface, *, usable: bool) -> None:
        for unwanted in self.slots.give(place, connection, usable=usable):
            if not unwanted.is_closed():
                detach(unwanted.aclose())


class _AsyncBody:
    """A response's stream, which gives its connection back."""

    def __init__(
        self, stream: Any, pool: AsyncSlotPool, place: Place, connection: httpcore.AsyncConnectionInterface
    ) -> None:
        self._stream = stream
        self._pool: AsyncSlotPool | None = pool
        self._place = place
        self._connection = connection

    def __aiter__(self) -> AsyncIterator[bytes]:
        iterator: AsyncIterator[bytes] = self._stream.__aiter__()
        return iterator

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            usable = False
            try:
                await self._stream.aclose()
                usable = is_reusable(self._connection)
            finally:
                pool._release(self._place, self._connection, usable=usable)

    def __del__(self) -> None:
        if self._pool is not None:  # forgotten midway
            self._pool.slots.forget(self._connection)
            stream = socket_of(self._connection)
            if stream is not None:
                stream.close_soon()


def socket_of(connection: Any) -> AsyncBudgetedStream | None:
    """The stream that a connection stands on, below proxies and TLS; None where it has none yet."""
    while (inside := getattr(connection, "_connection", None)) is not None:
        connection = inside
    stream = getattr(connection, "_network_stream", None)
    while stream is not None and not isinstance(stream, AsyncBudgetedStream):
        stream = getattr(stream, "_stream", None)
    return stream
