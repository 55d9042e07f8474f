"""Deadlines: how long a call may take, and how its phases share that time.

A :class:`Budget` is a *total* for one logical HTTP call (connecting, writing, waiting, headers, body, retries and the
pauses between them), or, for a stream, an *idle* limit on each wait: for the headers, then for each event or each piece
of the body. No call is cancelled from outside to enforce it. Instead each phase gets the seconds that are left, and so
does each read and write within a phase: its timeout is an :class:`Allowance`, a float that the sockets of the wire
compute anew. With a plain timeout, a server that sends its headers byte by byte could take the whole timeout for each
byte.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping

SHORTEST = 0.001
"""Seconds. A socket timeout of 0 means "do not block" and not "time is up"."""
SLICE = 64 * 1024
"""Bytes that are written before the time left is computed anew, because a peer may read slowly."""


class Budget:
    """The time that a call may take, and how much of it is left.

    Args:
        total: Seconds for the whole call; None for no limit.
        idle: Without a total: seconds that each read or write may take; None for no limit.
        connect: Without a total: seconds for connecting; by default ``idle``.
        clock: Returns monotonic seconds.

    Attributes:
        patient: Whether the time begins when the call's turn under a limit of calls has come, however short it is and
            however long the calls before it take.

    Example:
        >>> Budget(total=30.0, clock=lambda: 0.0).remaining()
        30.0
    """

    __slots__ = ("awaiting", "clock", "connect", "expires", "idle", "patient", "total")

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
        self.awaiting = False
        self.patient = False

    def begin(self) -> None:
        """Begin an attempt. Without a total, all reads until the headers have come share one idle time."""
        self.relax()
        self.awaiting = True

    def relax(self) -> None:
        """Without a total: give each read that follows an idle time of its own."""
        if self.total is None:
            self.expires = None

    def restart(self) -> None:
        """Without a total: give what follows one idle time in all, and not one for each read."""
        if self.total is None and self.idle is not None:
            self.expires = self.clock() + self.idle

    def remaining(self) -> float | None:
        """Return the seconds left of the total, negative after its end; None without a total."""
        return None if self.total is None or self.expires is None else self.expires - self.clock()

    def expired(self) -> bool:
        """Return whether the total, or the idle time that several reads share, is used up."""
        return self.expires is not None and self.clock() >= self.expires

    def allowance(self, phase: str) -> float | None:
        """Return the seconds that the next step of a phase (``connect``, ``pool``, ``read``, ``write``) may take."""
        if self.expires is not None:
            return max(self.expires - self.clock(), SHORTEST)
        return self.connect if phase in ("connect", "pool") and self.connect is not None else self.idle


UNBOUNDED = Budget()
"""A budget without limits."""


class Allowance(float):
    """Seconds for one phase of a call, which a socket can compute anew before each read or write."""

    __slots__ = ("budget", "phase")
    budget: Budget
    phase: str

    @staticmethod
    def remaining(timeout: float | None, late: type[Exception]) -> float | None:
        """Return the seconds left now: of an allowance, computed anew; of any other timeout, the timeout itself.

        Raises ``late`` when the total of the call is used up, or the idle time that reads share. Timeouts alone would
        not end a call whose peer always has more bytes to send.
        """
        if type(timeout) is not Allowance:
            return timeout
        budget = timeout.budget
        if budget.awaiting and timeout.phase == "read":
            budget.awaiting = False
            budget.restart()
        if budget.expires is None:
            return budget.allowance(timeout.phase)
        seconds = budget.expires - budget.clock()
        if seconds <= 0:
            raise late
        return max(seconds, SHORTEST)


class Phases(Mapping[str, float]):
    """A budget in the form of httpx's ``timeout`` extension. Each look-up computes what is left."""

    __slots__ = ("budget",)

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def get(self, phase: str, default: object = None) -> float:  # noqa: ARG002
        """Return the seconds for a phase; every phase has some."""
        seconds = self.budget.allowance(phase)
        # Infinity and not None: a phase without a limit gets one later, when the rest of a stream is drained.
        allowance = Allowance(math.inf if seconds is None else seconds)
        allowance.budget, allowance.phase = self.budget, phase
        return allowance

    __getitem__ = get

    def __iter__(self) -> Iterator[str]:
        return iter(("connect", "pool", "read", "write"))

    def __len__(self) -> int:
        return 4
