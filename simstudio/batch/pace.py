"""The pace: how many requests may be in flight, and when the next may begin.

It sends nothing and takes its clocks as arguments. It decides two things independently: tokens by
:class:`~simstudio.batch.allowance.Allowance` (or, of a service that limits all calls,
:class:`~simstudio.batch.call_allowance.CallAllowance`), slots by :class:`~simstudio.batch.concurrency.Concurrency`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

from simstudio.batch.allowance import Allowance
from simstudio.batch.concurrency import Concurrency
from simstudio.batch.execution import Limits


class Tokens(Protocol):
    """Tokens that requests need to begin, learnt from outcomes; :class:`Pace` says when each method is called."""

    @property
    def cost(self) -> int:
        """Tokens that a request takes."""
        ...

    def take(self, now: float, wall: float, in_flight: int) -> float:
        """Seconds until a request may begin; at 0.0 its tokens have been taken."""
        ...

    def seed(self, now: float, wall: float, limits: Limits | None) -> None:
        """Learn the limits that the service reports; None if it reports none."""
        ...

    def hint(self, now: float, wall: float, limit: int, remaining: int, reset: float) -> None:
        """Learn the limit in the headers of a response."""
        ...

    def see_success(self, now: float, elapsed: float) -> None:
        """Learn of a response that is no refusal."""
        ...

    def see_refusal(self, now: float, wall: float, retry_after: float | None) -> bool:
        """Learn of a 429. True if the service is at capacity, which does not depend on tokens."""
        ...

    def see_end(self) -> None:
        """Learn that a request is no longer in flight."""
        ...

    def wants(self, now: float) -> bool:
        """Whether to request the limits of the service."""
        ...


class Pace:
    """Decides when the next request of a batch may begin.

    The engine calls :meth:`wait` before each request; whenever that is not 0, and whenever it wakes, it calls
    :meth:`wants_limits` too. Each outcome is reported by exactly one of :meth:`see_success`, :meth:`see_refusal`,
    :meth:`see_failure`. The requests must not be repeated below it (``max_retries=0``): refusals that it does not see
    cannot be paced.

    Args:
        concurrency: Fixed number of requests in flight; None to find the best.
        most: Upper bound of the number that is found.
        cost: Tokens that a request takes: 2 for a background run on v0.6, else 1.
        allowance: The tokens; by default an :class:`~simstudio.batch.allowance.Allowance` of that cost.
        clock: Monotonic clock, in seconds.
        wall: Clock in epoch seconds, for the dates that servers send.

    Example:
        >>> Pace(concurrency=2).wait(0)
        0.0
    """

    def __init__(
        self,
        *,
        concurrency: int | None = None,
        most: int = 200,
        cost: int = 1,
        allowance: Tokens | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.wall = wall
        self.concurrency = Concurrency(fixed=concurrency, most=most)
        self.allowance: Tokens = Allowance(cost) if allowance is None else allowance

    @property
    def limit(self) -> int:
        """Number of requests that may be in flight now."""
        return self.concurrency.limit

    def seed(self, limits: Limits | None) -> None:
        """Learn the limits that were requested; None if the service reports none."""
        self.allowance.seed(self.clock(), self.wall(), limits)

    def wait(self, in_flight: int) -> float:
        """Seconds until the next request may begin.

        Args:
            in_flight: Requests that have begun and not ended.

        Returns:
            0.0: begin now, the tokens have been taken. ``math.inf``: wait until a request ends. Otherwise call again
            after so many seconds, or sooner.
        """
        now = self.clock()
        if in_flight >= self.concurrency.limit:
            self.concurrency.see_demand(now, in_flight)
            return math.inf
        delay = self.allowance.take(now, self.wall(), in_flight)
        if delay > 0:
            self.concurrency.see_starvation(now, in_flight)
            return delay
        self.concurrency.see_begin(now, in_flight)
        return 0.0

    def see_success(self, elapsed: float) -> None:
        """Learn of a response that is no refusal, also if the workflow failed.

        Args:
            elapsed: Seconds since the request began.
        """
        now = self.clock()
        self.allowance.see_success(now, elapsed)
        self.concurrency.see_end(now)

    def see_refusal(self, retry_after: float | None) -> None:
        """Learn of a 429.

        Args:
            retry_after: Seconds that the server asks to wait; None if it does not say.
        """
        now = self.clock()
        at_capacity = self.allowance.see_refusal(now, self.wall(), retry_after)
        self.concurrency.see_end(now)
        if at_capacity:
            self.concurrency.cut(now, 0.5)

    def see_failure(self, elapsed: float) -> None:
        """Learn of a 5xx, a lost connection or a late response: fewer requests at a time follow, at the same rate.

        Args:
            elapsed: Seconds since the request began.
        """
        now = self.clock()
        self.allowance.see_end()
        self.concurrency.see_failure(now, elapsed)

    def hint(self, limit: int, remaining: int, reset: float) -> None:
        """Learn from the ``X-RateLimit-*`` headers of a response (v2), before :meth:`see_success`.

        Args:
            limit: Tokens of a full bucket.
            remaining: Tokens left when the request arrived.
            reset: Time of the next refill in epoch seconds.
        """
        self.allowance.hint(self.clock(), self.wall(), limit, remaining, reset)

    def wants_limits(self) -> bool:
        """Whether to request the limits of the service now, and pass them to :meth:`seed`.

        It is True once for each request. If the request fails, nothing need be reported: it is True again later.
        """
        return self.allowance.wants(self.clock())
