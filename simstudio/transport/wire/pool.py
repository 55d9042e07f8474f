"""Connections with the interface of httpcore's, each for one request at a time, in place of httpcore's pool.

httpcore's own pool looks through all connections for every request, so that n requests at once cost n². Here a request
takes the connection that was used last, or a new one, and puts it back. httpcore's pools, which support proxies and
certificates, make the connections, except direct ones of event loops, which are those of
:mod:`~simstudio.transport.wire.async_connection`. httpx's transports stand above this pool as they stood above theirs.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

import httpcore

from simstudio.transport.wire.failures import CLOSED_HERE
from simstudio.transport.wire.internals import has_surplus

C = TypeVar("C", bound=httpcore.ConnectionInterface | httpcore.AsyncConnectionInterface)
N = TypeVar("N", bound=Any)
Wake = Callable[[], None]
Times = tuple[float, float]
"""Seconds of the monotonic clock, and of the time of day."""


class Line(Generic[C, N]):
    """A connection, the network backend that opens its socket, and where it leads."""

    __slots__ = ("connection", "network", "place")

    def __init__(self, connection: C, network: N, place: Hashable) -> None:
        self.connection = connection
        self.network = network
        self.place = place


class Connections(Generic[C, N]):
    """The connections of one pool: those in use, and those that wait for a request, last used first.

    Whatever the number of requests at once, taking a connection and giving it back is one step.

    Args:
        keep_alive: Seconds that an idle connection is kept.
        clock: Monotonic seconds. On Linux this clock stands still while the machine sleeps.
        wall_clock: Seconds of the time of day, which go on meanwhile, as they do at the server.

    Attributes:
        closed: Whether no connection is kept any more.
    """

    def __init__(
        self,
        keep_alive: float,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.busy: set[Line[C, N]] = set()
        self.closed = False
        self._idle: dict[Hashable, deque[tuple[Times, Line[C, N]]]] = {}
        self._waiting: deque[Wake] = deque()
        self._keep_alive = keep_alive
        self._clock = clock
        self._wall_clock = wall_clock
        self._lock = Lock()

    def take(self, place: Hashable) -> Line[C, N] | None:
        """The idle connection to a place that was used last, which is the likeliest to be open, or None.

        None also if that one was idle for too long. It stays here, as the others do, until :meth:`give`.
        """
        with self._lock:
            idle = self._idle.get(place)
            if not idle or self._is_late(idle[-1][0], self._now()):
                return None
            line = idle.pop()[1]
            self.busy.add(line)
            return line

    def add(self, line: Line[C, N]) -> bool:
        """Count a new connection among those in use; False when all are closed."""
        with self._lock:
            if not self.closed:
                self.busy.add(line)
            return not self.closed

    def give(self, line: Line[C, N], *, usable: bool) -> list[Line[C, N]]:
        """Put a connection back after its use. Those returned are to be closed: not usable, or idle for too long."""
        with self._lock:
            self.busy.discard(line)
            if not usable or self.closed:
                return [line]
            idle = self._idle.setdefault(line.place, deque())
            now = self._now()
            late = []
            while idle and self._is_late(idle[0][0], now):
                late.append(idle.popleft()[1])
            idle.append((now, line))
            return late

    def _now(self) -> Times:
        return self._clock(), self._wall_clock()

    def _is_late(self, since: Times, now: Times) -> bool:
        """Whether a connection was idle for too long by either clock."""
        return max(now[0] - since[0], now[1] - since[1]) > self._keep_alive

    def forget(self, line: Line[C, N]) -> None:
        """Count a connection no longer. Unlocked: the garbage collector may call this where the lock is held."""
        self.busy.discard(line)

    def make_room(self, wake: Wake) -> Line[C, N] | bool:
        """Make room for a connection where no further one can be opened.

        Returns:
            An idle connection to be closed; else True where ``wake`` will be called when one comes back, or False where
            none is in use.
        """
        with self._lock:
            for idle in self._idle.values():
                if idle:
                    return idle.popleft()[1]
            if self.busy:
                self._waiting.append(wake)
            return bool(self.busy)

    def withdraw(self, wake: Wake) -> None:
        """Wait no longer. If ``wake`` was called meanwhile, the next in line is called in its place."""
        try:
            self._waiting.remove(wake)
        except ValueError:
            self.wake_next()

    def wake_next(self) -> None:
        """Tell the first who waits that a connection came back. Unlocked, like :meth:`forget`."""
        try:
            wake = self._waiting.popleft()
        except IndexError:
            return
        wake()

    def close(self) -> list[Line[C, N]]:
        """Keep no connection from now on. Those returned, in use or idle, are to be closed."""
        with self._lock:
            self.closed = True
            found = [*self.busy, *(line for idle in self._idle.values() for _, line in idle)]
            self.busy.clear()
            self._idle.clear()
        for _ in range(len(self._waiting)):
            self.wake_next()
        return found

    def __len__(self) -> int:
        """Number of idle connections."""
        return sum(map(len, self._idle.values()))


class BasePool(Generic[C, N]):
    """Base of the sync and the async pool.

    Args:
        make_network: Makes the network backend of one connection.
        make_maker: Makes, over a network backend, an object with ``create_connection``, such as a pool of httpcore.
        keep_alive: Seconds that an idle connection is kept.
    """

    def __init__(self, make_network: Callable[[], N], make_maker: Callable[[N], Any], keep_alive: float) -> None:
        self.connections: Connections[C, N] = Connections(keep_alive)
        self._make_network = make_network
        self._make_maker = make_maker

    def _take(self, origin: httpcore.Origin) -> Line[C, N] | None:
        """An idle connection to an origin that may carry a request."""
        while (line := self.connections.take(origin_place(origin))) is not None and line.connection.has_expired():
            self._release(line, usable=False)
        return line

    def _open(self, origin: httpcore.Origin) -> Line[C, N]:
        """A new connection, which connects when it is first used."""
        network = self._make_network()
        line: Line[C, N] = Line(self._make_maker(network).create_connection(origin), network, origin_place(origin))
        if not self.connections.add(line):
            raise httpcore.ConnectError(CLOSED_HERE)
        return line

    def _release(self, line: Line[C, N], *, usable: bool) -> None:
        """Give a connection back, and close it unless it may carry another request."""
        usable = usable and line.connection.is_idle() and not has_surplus(line.connection)
        for unwanted in self.connections.give(line, usable=usable):
            unwanted.network.close()
        self.connections.wake_next()

    def close(self) -> None:
        """Close every connection, those in use too, which ends the calls that wait for them."""
        for line in self.connections.close():
            line.network.close()


def origin_place(origin: httpcore.Origin) -> Hashable:
    """The address that connections to an origin lead to."""
    return origin.host, origin.port


def as_unsent(error: BaseException, request: httpcore.Request) -> BaseException:
    """A failure, as one of connecting where nothing of the request had left: in a proxy's handshake, for one."""
    if isinstance(error, httpcore.ConnectionNotAvailable):  # closed between taking and sending
        return httpcore.ConnectError(CLOSED_HERE)
    if getattr(request.stream, "begun", True) or isinstance(
        error, (httpcore.ConnectError, httpcore.LocalProtocolError)
    ):
        return error
    if isinstance(error, httpcore.TimeoutException):
        return httpcore.ConnectTimeout(str(error))
    if isinstance(error, (httpcore.NetworkError, httpcore.ProtocolError)):
        return httpcore.ConnectError(str(error) or type(error).__name__)
    return error
