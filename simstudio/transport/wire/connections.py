"""The connections of one pool: those in use, and those that wait for a request, last used first.

Whatever the number of requests at once, taking a connection and giving it back is one step.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Line(Protocol):
    """A connection as its pool sees it."""

    @property
    def place(self) -> Hashable:
        """The address that the connection leads to."""
        ...


L = TypeVar("L", bound=Line)
Wake = Callable[[], None]
Times = tuple[float, float]
"""Seconds of the monotonic clock, and of the time of day."""


class Connections(Generic[L]):
    """The connections of one pool.

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
        self.busy: set[L] = set()
        self.closed = False
        self._idle: dict[Hashable, deque[tuple[Times, L]]] = {}
        self._waiting: deque[Wake] = deque()
        self._keep_alive = keep_alive
        self._clock = clock
        self._wall_clock = wall_clock
        self._lock = Lock()

    def take(self, place: Hashable) -> L | None:
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

    def add(self, line: L) -> bool:
        """Count a new connection among those in use; False when all are closed."""
        with self._lock:
            if not self.closed:
                self.busy.add(line)
            return not self.closed

    def give(self, line: L, *, usable: bool) -> list[L]:
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

    def forget(self, line: L) -> None:
        """Count a connection no longer. Unlocked: the garbage collector may call this where the lock is held."""
        self.busy.discard(line)

    def make_room(self, wake: Wake) -> L | bool:
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

    def close(self) -> list[L]:
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
        """How many are idle."""
        return sum(map(len, self._idle.values()))
