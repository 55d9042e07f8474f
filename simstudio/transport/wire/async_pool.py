"""The pool of an event loop; see :mod:`simstudio.transport.wire.pool`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import httpcore

from simstudio.transport.deadline import Allowance
from simstudio.transport.wire.async_network import AsyncNetwork
from simstudio.transport.wire.network import lacks_descriptors
from simstudio.transport.wire.pool import BasePool, Line, as_unsent

AsyncLine: TypeAlias = Line[httpcore.AsyncConnectionInterface, AsyncNetwork]


class AsyncPool(BasePool[httpcore.AsyncConnectionInterface, AsyncNetwork]):
    """The pool of an ``httpx.AsyncHTTPTransport``.

    A connection is closed without waiting, so that no cancellation, however often it comes, leaves one open.
    """

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request on a connection of its own, which is given back when the response is closed."""
        while True:
            line: AsyncLine | None = None
            try:
                line = self._take(request.url.origin) or self._open(request.url.origin)
                line.network.state.begin()
                response = await line.connection.handle_async_request(request)
                line.network.state.end_head()
                response.stream = _Body(response.stream, self, line)
            except BaseException as error:
                if line is not None:
                    self._release(line, usable=False)
                if lacks_descriptors(error) and await self._make_room(request):
                    continue
                explained = as_unsent(error, request)
                if explained is not error:
                    raise explained from error
                raise
            return response

    async def _make_room(self, request: httpcore.Request) -> bool:
        """Wait until a file descriptor is free; False where no connection of this pool holds one."""
        loop = asyncio.get_running_loop()
        returned: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            loop.call_soon_threadsafe(_resolve, returned)

        room = self.connections.make_room(wake)
        if isinstance(room, Line):
            room.network.close()
            return True
        if room:
            try:
                seconds = Allowance.remaining(request.extensions["timeout"].get("pool"), httpcore.PoolTimeout)
                await asyncio.wait_for(returned, seconds)
            except BaseException as error:
                self.connections.withdraw(wake)
                if isinstance(error, asyncio.TimeoutError):
                    raise httpcore.PoolTimeout from error
                raise
        return room

    async def aclose(self) -> None:
        """Close every connection, as a transport does that is closed."""
        self.close()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _Body:
    """The stream of a response, which gives the connection back when it is closed."""

    _pool: AsyncPool | None = None

    def __init__(self, stream: Any, pool: AsyncPool, line: AsyncLine) -> None:
        self._stream = stream
        self._line = line
        self._pool = pool

    def __aiter__(self) -> AsyncIterator[bytes]:
        iterator: AsyncIterator[bytes] = self._stream.__aiter__()
        return iterator

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            ended = False
            try:
                await self._stream.aclose()
                ended = True
            finally:
                pool._release(self._line, usable=ended)

    def __del__(self) -> None:
        if self._pool is not None:  # dropped before its end
            self._pool.connections.forget(self._line)
            self._line.network.close_soon()
            self._pool.connections.wake_next()
