"""A bucket of tokens that is refilled in whole minutes, as Sim's servers have it."""

from __future__ import annotations

import math

PERIOD = 60.0
"""Seconds from one refill to the next."""
PATIENCE = 1.0
"""Seconds that a refill may be late."""


class Bucket:
    """The tokens that should be left.

    Attributes:
        tokens: How many; infinitely many while nothing is known.
        rate: Tokens of a refill.
        burst: The most that it holds.
        is_window: Whether all tokens come anew each minute, from the first request on, as on v0.4.
        is_known: Whether anything is known.
        is_guessed: Whether that was learned from refusals only.
        is_full: Whether its minute may begin with the next request.
        told: The refill that the service told of, in epoch seconds.
        refilled_by: When a refill has surely come.
    """

    def __init__(self) -> None:
        self.tokens = math.inf
        self.rate = self.burst = 0
        self.is_window = False
        self.is_known = self.is_guessed = False
        self.is_full = False
        self.told: float | None = None
        self.refilled_by = math.inf
        self._let_through = 0  # since the last refill, where the rate is guessed
        self._refills = 0

    def periods_to(self, reset: float | None) -> float | None:
        """How many periods a refill lies behind the one that the service told of last."""
        return None if reset is None or self.told is None else (reset - self.told) / PERIOD

    def adopt(
        self, now: float, wall: float, rate: int, burst: int | None, left: int, tokens: int, reset: float | None
    ) -> bool:
        """Believe the service.

        Args:
            left: Tokens that it says are left.
            tokens: Those less what it has not counted yet.
            reset: The next refill, in epoch seconds.

        Returns:
            Whether the date of the refill is possible; else the clocks differ.
        """
        self.told = reset
        self.is_known, self.is_guessed = True, False
        self.rate, self.burst, self.is_window = rate, burst or rate, burst is None
        self.tokens = tokens
        self.is_full = left >= self.burst
        possible = reset is not None and 0 < reset - wall <= PERIOD + PATIENCE
        self.refilled_by = now + (reset - wall if possible and reset is not None else PERIOD)
        return possible

    def share(self, *, rate: int, burst: int, told: float, refilled_by: float) -> None:
        """Believe another process, which knows its bucket from the service."""
        self.rate, self.burst, self.is_window = rate, burst, rate == burst
        self.told, self.refilled_by = told, refilled_by
        self.is_known, self.is_guessed, self.is_full = True, False, False

    def guess(self, now: float, retry_after: float | None) -> None:
        """Believe that what the service let through since the last refill is what it allows: it tells only refusals."""
        self.rate = self.burst = max(1, self._let_through)
        self.tokens = 0
        if not self.is_guessed or retry_after is not None:
            self.refilled_by = now + (PERIOD if retry_after is None else retry_after)
        self.is_known = self.is_guessed = True
        self.is_full = False

    def spend(self, now: float, tokens: int) -> bool:
        """Take tokens for a request; True where its minute begins with them."""
        begins = bool(tokens) and self.is_full
        if begins:
            self.is_full = False
            self.refilled_by = max(self.refilled_by, now + PERIOD)
        self.tokens -= tokens
        self._let_through += 1
        return begins

    def take_back(self) -> None:
        """Count a request as not let through."""
        self._let_through = max(0, self._let_through - 1)

    def refill(self, now: float) -> None:
        """Believe in the refills that are due."""
        steps = 1 + int((now - self.refilled_by) // PERIOD)
        if self.is_guessed and steps > 0:
            self._refills += 1
            if self._refills % 5 == 0:
                self.rate += max(1, self.rate // 100)  # the guess may be too low
            self.burst = self.rate
            self._let_through = 0
        if self.is_window or self.is_guessed:
            self.tokens, self.is_full = self.burst, True
        else:
            self.tokens = min(self.burst, self.tokens + steps * self.rate)
        self.refilled_by += steps * PERIOD
