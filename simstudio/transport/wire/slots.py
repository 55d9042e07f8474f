"""Connections that serve one request each at a time: those in use, and those that wait for a call.

Whatever the number of calls at once, taking one and giving it back is one step.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

KEEP_ALIVE_SECONDS = 4.0
"""How long an idle connection is kept: Sim drops it after 5 s (NOTES 0), and none shall be met already closed."""
C = TypeVar("C")
Place = Hashable
"""Where a connection leads."""


class Slots(Generic[C]):
    """The connections of one transport: those in use, and those that wait for a call, last used first.

    Args:
        keep: Seconds that an idle connection is kept.
        clock: Monotonic seconds.

    Attributes:
        busy: Those in use.
        closed: Whether none is kept any more.
    """

    def __init__(self, keep: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.busy: set[C] = set()
        self._idle: dict[Place, deque[tuple[float, C]]] = {}
        self._keep = keep
        self._clock = clock
        self._lock = Lock()
        self.closed = False

    def take(self, place: Place) -> C | None:
        """The connection that was last used, which is the likeliest to live, or None."""
        with self._lock:
            idle = self._idle.get(place)
            if not idle:
                return None
            connection = idle.pop()[1]
            self.busy.add(connection)
            return connection

    def add(self, connection: C) -> bool:
        """Count a new connection among those in use; False where all are closed, and it is to be closed as well."""
        with self._lock:
            if not self.closed:
                self.busy.add(connection)
            return not self.closed

    def give(self, place: Place, connection: C, *, usable: bool) -> list[C]:
        """Put one back after its use. Those returned are to be closed: they have waited too long, or are not usable."""
        with self._lock:
            self.busy.discard(connection)
            if not usable or self.closed:
                return [connection]
            now = self._clock()
            idle = self._idle.setdefault(place, deque())
            idle.append((now + self._keep, connection))
            late = []
            while idle[0][0] < now:
                late.append(idle.popleft()[1])
            return late

    def forget(self, connection: C) -> None:
        """Count one no longer. Unlocked, because the garbage collector may strike where the lock is held."""
        self.busy.discard(connection)

    def close(self) -> list[C]:
        """Keep none from now on. Those returned, in use or idle, are to be closed."""
        with self._lock:
            self.closed = True
            found = [*self.busy, *(connection for idle in self._idle.values() for _, connection in idle)]
            self.busy.clear()
            self._idle.clear()
            return found

    def __len__(self) -> int:
        """How many wait."""
        return sum(map(len, self._idle.values()))
