"""How many requests may be in flight, and when the next may begin. Pure: the clocks are arguments, nothing is sent.

Two things are decided apart: tokens by :class:`~simstudio.batch.allowance.Allowance` (or, of a service that limits all
calls, :class:`~simstudio.batch.call_allowance.CallAllowance`), slots by
:class:`~simstudio.batch.concurrency.Concurrency`.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Protocol

from simstudio.batch.allowance import Allowance
from simstudio.batch.concurrency import Concurrency

if TYPE_CHECKING:
    from collections.abc import Callable

    from simstudio.batch.execution import Limits


class Tokens(Protocol):
    """What lets requests begin, and learns from what becomes of them; see :class:`Pace` for when each is called."""

    @property
    def cost(self) -> int:
        """Tokens that a request takes."""
        ...

    def take(self, now: float, wall: float, in_flight: int) -> float:
        """Seconds until a request may begin; 0.0 when its tokens are taken."""
        ...

    def seed(self, now: float, wall: float, limits: Limits | None) -> None:
        """Learn what the service says about its limits."""
        ...

    def hint(self, now: float, wall: float, limit: int, remaining: int, reset: float) -> None:
        """Learn what the headers of a response say."""
        ...

    def succeeded(self, now: float, elapsed: float) -> None:
        """Learn that a request was answered."""
        ...

    def refused(self, now: float, wall: float, retry_after: float | None) -> bool:
        """Learn of a 429; True when the service is at capacity, which has nothing to do with tokens."""
        ...

    def ended(self) -> None:
        """Learn that a request is no longer in flight."""
        ...

    def wants(self, now: float) -> bool:
        """Whether to ask the service for its limits."""
        ...


class Pace:
    """When the next request of a batch may begin.

    The engine asks :meth:`wait` before each request; whenever that is not 0, and whenever it wakes, it asks
    :meth:`wants_limits` too. Each answer is told by exactly one of :meth:`succeeded`, :meth:`refused`, :meth:`failed`.
    The requests must not be repeated below it (``max_retries=0``): refusals that it does not see cannot be paced.

    Args:
        concurrency: The most in flight, fixed; None finds it.
        most: The most that finding may reach.
        cost: Tokens a request takes: 2 of a background run on v0.6, else 1.
        allowance: The tokens; by default an :class:`~simstudio.batch.allowance.Allowance` of that cost.
        clock: Seconds that never go back.
        wall: Epoch seconds, for the dates that servers tell.

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
        """How many requests may be in flight now."""
        return self.concurrency.limit

    def seed(self, limits: Limits | None) -> None:
        """Learn from the answer to a question for the limits; None when the service says nothing about them."""
        self.allowance.seed(self.clock(), self.wall(), limits)

    def wait(self, in_flight: int) -> float:
        """Seconds until the next request may begin.

        Args:
            in_flight: Requests begun and not ended.

        Returns:
            0.0: begin now, the tokens are taken. ``math.inf``: not before something in flight ends. Otherwise ask
            again after so many seconds, or sooner.
        """
        now = self.clock()
        if in_flight >= self.concurrency.limit:
            self.concurrency.wanted(now, in_flight)
            return math.inf
        delay = self.allowance.take(now, self.wall(), in_flight)
        if delay > 0:
            self.concurrency.starved(now, in_flight)
            return delay
        self.concurrency.began(now, in_flight)
        return 0.0

    def succeeded(self, elapsed: float) -> None:
        """A request was answered; that its workflow failed is no matter.

        Args:
            elapsed: Seconds since :meth:`wait` let it begin.
        """
        now = self.clock()
        self.allowance.succeeded(now, elapsed)
        self.concurrency.ended(now)

    def refused(self, retry_after: float | None) -> None:
        """A request was answered with 429.

        Args:
            retry_after: Seconds the server asked to wait, if it did.
        """
        now = self.clock()
        at_capacity = self.allowance.refused(now, self.wall(), retry_after)
        self.concurrency.ended(now)
        if at_capacity:
            self.concurrency.cut(now, 0.5)

    def failed(self, elapsed: float) -> None:
        """A request got 5xx, a lost connection or no answer in time: fewer at a time, at the same rate.

        Args:
            elapsed: Seconds since :meth:`wait` let it begin.
        """
        now = self.clock()
        self.allowance.ended()
        self.concurrency.failed(now, elapsed)

    def hint(self, limit: int, remaining: int, reset: float) -> None:
        """Learn from the ``X-RateLimit-*`` headers of an answer (v2), before it is told to :meth:`succeeded`.

        Args:
            limit: Tokens a full bucket holds.
            remaining: Tokens left when the request came in.
            reset: Epoch seconds of the next refill.
        """
        self.allowance.hint(self.clock(), self.wall(), limit, remaining, reset)

    def wants_limits(self) -> bool:
        """Whether asking the service for its limits would help now.

        The answer belongs into :meth:`seed`. True is said once a question: when the question fails, nothing need be
        told, and it is said again later.
        """
        return self.allowance.wants(self.clock())
