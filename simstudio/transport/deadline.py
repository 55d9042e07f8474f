"""How long a call may take, shared by all its phases.

A :class:`Budget` is either a *total* (everything of one logical HTTP call: connecting, writing, waiting, headers, body,
retries and the sleeps between them) or an *idle* limit (a stream: each silence may last so long). Nothing is ever
cancelled from outside to enforce it: each phase is handed what is left, and each single read of a socket too, because
:class:`Allowance` is a float that the wire's sockets ask again (a server that dribbles its headers byte by byte would
otherwise get the whole timeout anew for every byte).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping

SHORTEST = 0.001
"""Seconds. A socket timeout of 0 would mean "do not block" instead of "time is up"."""
SLICE = 64 * 1024
"""Bytes written under one allowance: a peer that reads slowly must not get the whole timeout for each piece."""


class Budget:
    """What is left of the time a call may take.

    Args:
        total: Seconds for the whole call, or None for no end.
        idle: Seconds that a single read may stay silent (streams), or None.
        connect: Seconds for connecting where ``total`` does not say it, or None.
        clock: Monotonic seconds.

    Example:
        >>> Budget(total=30.0, clock=lambda: 0.0).remaining()
        30.0
    """

    __slots__ = ("clock", "connect", "expires", "idle", "total")

    def __init__(
        self,
        total: float | None = None,
        *,
        idle: float | None = None,
        connect: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self.idle = idle
        self.connect = connect
        self.clock = clock
        self.expires = None if total is None else clock() + total

    def remaining(self) -> float | None:
        """Seconds left of the total (negative when it is over), None when there is no total."""
        return None if self.expires is None else self.expires - self.clock()

    def expired(self) -> bool:
        """Whether the total is used up."""
        return self.expires is not None and self.clock() >= self.expires

    def allowance(self, phase: str) -> float | None:
        """Seconds that the next step of a phase (``connect``, ``pool``, ``read``, ``write``) may take."""
        if self.expires is not None:
            return max(self.expires - self.clock(), SHORTEST)
        return self.connect if phase in ("connect", "pool") and self.connect is not None else self.idle


UNBOUNDED = Budget()
"""No end."""


class Allowance(float):
    """Seconds for one phase, which a socket may ask again before each step of it."""

    __slots__ = ("budget", "phase")
    budget: Budget
    phase: str

    @staticmethod
    def left(timeout: float | None, late: type[Exception]) -> float | None:
        """Seconds left of a timeout now: an :class:`Allowance` is computed anew, anything else is itself.

        Raises ``late`` when the total of the call is used up: a peer that always has something to send would otherwise
        be read from for ever.
        """
        if type(timeout) is not Allowance:
            return timeout
        if timeout.budget.expired():
            raise late
        return timeout.budget.allowance(timeout.phase)


class Phases(Mapping[str, float]):
    """The budget in the form of httpx's ``timeout`` extension, computed when a phase begins."""

    __slots__ = ("budget",)

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def get(self, phase: str, default: object = None) -> float:  # noqa: ARG002
        """Seconds for a phase; there is one for each."""
        seconds = self.budget.allowance(phase)
        allowance = Allowance(math.inf if seconds is None else seconds)  # no limit now may be one later (a drain)
        allowance.budget, allowance.phase = self.budget, phase
        return allowance

    __getitem__ = get

    def __iter__(self) -> Iterator[str]:
        return iter(("connect", "pool", "read", "write"))

    def __len__(self) -> int:
        return 4
