"""The pool of a client that blocks; see :mod:`simstudio.transport.wire.pool`."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any, TypeAlias

import httpcore

from simstudio.transport.deadline import Allowance
from simstudio.transport.wire.network import lacks_descriptors
from simstudio.transport.wire.pool import BasePool, Line, as_unsent
from simstudio.transport.wire.sync_network import SyncNetwork

SyncLine: TypeAlias = Line[httpcore.ConnectionInterface, SyncNetwork]


class SyncPool(BasePool[httpcore.ConnectionInterface, SyncNetwork]):
    """The pool of an ``httpx.HTTPTransport``."""

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request on a connection of its own, which is given back when the response is closed."""
        while True:
            line: SyncLine | None = None
            try:  # Ctrl-C may come anywhere
                line = self._take(request.url.origin) or self._open(request.url.origin)
                line.network.state.begin()
                response = line.connection.handle_request(request)
                line.network.state.end_head()
                response.stream = _Body(response.stream, self, line)
            except BaseException as error:
                if line is not None:
                    self._release(line, usable=False)
                if lacks_descriptors(error) and self._make_room(request):
                    continue
                explained = as_unsent(error, request)
                if explained is not error:
                    raise explained from error
                raise
            return response

    def _make_room(self, request: httpcore.Request) -> bool:
        """Wait until a file descriptor is free; False where no connection of this pool holds one."""
        returned = Lock()
        returned.acquire()
        room = self.connections.make_room(returned.release)
        if isinstance(room, Line):
            room.network.close()
            return True
        if room:
            try:
                seconds = Allowance.remaining(request.extensions["timeout"].get("pool"), httpcore.PoolTimeout)
                if not returned.acquire(timeout=-1 if seconds is None else seconds):
                    raise httpcore.PoolTimeout
            except BaseException:
                self.connections.withdraw(returned.release)
                raise
        return room


class _Body:
    """The stream of a response, which gives the connection back when it is closed."""

    _pool: SyncPool | None = None

    def __init__(self, stream: Any, pool: SyncPool, line: SyncLine) -> None:
        self._stream = stream
        self._line = line
        self._pool = pool

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            ended = False
            try:
                self._stream.close()
                ended = True
            finally:
                pool._release(self._line, usable=ended)

    def __del__(self) -> None:
        if self._pool is not None:  # dropped before its end
            self._pool.connections.forget(self._line)
            self._line.network.close()
            self._pool.connections.wake_next()
