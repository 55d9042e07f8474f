"""Slots: how many requests may be in flight. Time is an argument.

A further slot is kept if it finishes at least half as much as the slots before it. If it does not, requests only wait
for each other on the server.
"""

from __future__ import annotations

import math
from collections import deque

_FINE = 1.25  # a small step between levels
_ROUND = 32  # requests that show the effect of a doubling although durations scatter
_LONGEST_REST = 16  # rounds between steps without effect


class Concurrency:
    """The number of requests in flight: it climbs to the knee of the server's throughput, and steps back.

    The measure is *slot-seconds a finished request*: the sum, over time, of what was in flight, divided by what ended.
    It is the mean latency without its bias: unfinished requests count too, pauses do not, and one slow call weighs no
    more than the one slot that it holds. Throughput is slots divided by it. A level that is tried is kept when it
    raises throughput by at least half of what it adds in slots (and, going down, loses no more than a quarter of what
    it frees): below the knee of a queue throughput grows as slots do, beyond it not at all, so half tells them apart
    whatever the workflows cost, without a notion of the best latency, which workflows do not have.

    Failures reduce it: a single one by one slot, several among the last 20 by 30 %. Failures of requests that began
    before a reduction do not count again.

    Args:
        fixed: Constant number, for which nothing is measured; None to climb.
        most: Upper bound.
        start: Number at the beginning.
    """

    def __init__(self, *, fixed: int | None = None, most: int = 200, start: int = 8) -> None:
        self._fixed = fixed is not None
        self._most = max(1, most)
        self.limit = max(1, fixed) if fixed is not None else min(start, self._most)
        self._level = self.limit  # the last kept
        self._cost: float | None = None  # slot-seconds a request there
        self._best = math.inf
        self._factor = 2.0  # of a step up
        self._doubts = 0  # doublings in a row that brought too little
        self._rest = 0  # rounds before the next step
        self._patience = 2
        self._down_next = False
        self._lowest = self.limit  # that was tried: nothing is known of what is below
        self._flying = 0
        self._at: float | None = None
        self._area = 0.0
        self._done = 0
        self._ignore = self.limit  # endings before a level shows
        self._is_wanted = False
        self._outcomes: deque[bool] = deque(maxlen=20)
        self._cut_at = -math.inf

    def see_begin(self, now: float, in_flight: int) -> None:
        """Learn that a request begins.

        Args:
            in_flight: Requests that were in flight before.
        """
        if not self._fixed:
            self._count(now, in_flight + 1)

    def see_demand(self, now: float, in_flight: int) -> None:
        """Learn that a further request would have begun."""
        self._count(now, in_flight)
        self._is_wanted = True

    def see_starvation(self, now: float, in_flight: int) -> None:
        """Learn that slots stay free for lack of tokens, so that the measurement begins anew."""
        self._count(now, in_flight)
        self._restart()

    def see_end(self, now: float) -> None:
        """Learn that a request has ended."""
        if self._fixed:
            return
        self._count(now, max(0, self._flying - 1))
        self._outcomes.append(True)
        self._finish()

    def see_failure(self, now: float, elapsed: float) -> None:
        """Learn that a request has ended in a failure of the server or the connection."""
        if self._fixed:
            return
        self._count(now, max(0, self._flying - 1))
        self._outcomes.append(False)
        if now - elapsed < self._cut_at:
            return
        if self._outcomes.count(False) > 1:
            self.cut(now, 0.7)
        else:
            self._settle(max(1, self.limit - 1))

    def cut(self, now: float, share: float) -> None:
        """Reduce the slots to a share, once for all requests in flight."""
        if self._fixed or now <= self._cut_at:
            return
        self._cut_at = now
        self._outcomes.clear()
        self._settle(max(1, int(self.limit * share)))

    def _settle(self, level: int) -> None:
        self.limit = self._level = level
        self._cost, self._factor, self._rest = None, _FINE, 1
        self._restart()

    def _count(self, now: float, flying: int) -> None:
        if self._at is not None:
            self._area += self._flying * max(0.0, now - self._at)
        self._at, self._flying = now, flying

    def _restart(self) -> None:
        self._ignore, self._area, self._done, self._is_wanted = self.limit, 0.0, 0, False

    def _finish(self) -> None:
        if self._ignore:
            self._ignore -= 1
            if not self._ignore:
                self._area, self._done = 0.0, 0
            return
        self._done += 1
        coarse = self._factor > _FINE and self.limit >= self._level
        if self._done >= (max(_ROUND, 2 * self.limit) if coarse else max(3 * _ROUND, 4 * self.limit)):
            if self._is_wanted and self._area > 0:
                self._judge(self._area / self._done)
            self._area, self._done, self._is_wanted = 0.0, 0, False

    def _judge(self, cost: float) -> None:
        """At the end of a round, keep the level, leave it, or try another."""
        self._best = min(self._best, cost)
        if self.limit == self._level or self._cost is None:
            self._cost = cost if self._cost is None else (self._cost + cost) / 2
            self._level = self.limit
            self._rest -= 1
            if self._rest <= 0:
                self._try()
            return
        slots = self.limit / self._level
        throughput = slots * self._cost / cost
        climbing = slots > 1
        if throughput - 1 >= (slots - 1) * (0.5 if climbing else 0.25):  # going down both sides are negative
            self._level, self._cost = self.limit, cost
            self._patience, self._doubts = 2, 0
            self._try(down=not climbing)
            return
        if not climbing:
            self._best = self._cost  # the work has become slower, not the queue longer
        elif self._factor > _FINE and self._doubts:
            self._factor, self._doubts = _FINE, 0
        elif self._factor > _FINE:
            self._doubts += 1  # durations of workflows scatter: once more
        else:
            self._factor = 2.0  # next time: a doubling shows what a small step hides
            self._rest = self._patience
            self._patience = min(_LONGEST_REST, 2 * self._patience)
            self._lowest = self._level  # and what is below may have become enough
        self.limit = self._level
        self._restart()

    def _try(self, *, down: bool | None = None) -> None:
        if down is None:
            queued = self._lowest >= self._level or (self._cost is not None and self._cost > 1.4 * self._best)
            down = queued and self._down_next
            self._down_next = queued and not self._down_next
        if down:
            self._lowest = min(self._lowest, self._level - 1)
            self.limit = max(1, min(self._level - 1, int(self._level / _FINE)))
        else:
            self.limit = min(self._most, max(self._level + 1, int(self._level * self._factor)))
        if self.limit != self._level:
            self._restart()
