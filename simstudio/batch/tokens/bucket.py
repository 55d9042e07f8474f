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
        tokens: Number of tokens; infinite while nothing is known.
        rate: Tokens that a refill adds.
        burst: Tokens of the full bucket.
        is_window: Whether all tokens are granted anew each minute, counted from the first request, as on v0.4.
        is_known: Whether anything is known about the limit.
        is_guessed: Whether it was learnt from refusals only.
        is_full: Whether the minute may begin with the next request.
        told: Time of the refill that the service reported, in epoch seconds.
        refilled_by: Time by which a refill has surely happened.
    """

    def __init__(self) -> None:
        self.tokens = math.inf
        self.rate = self.burst = 0
        self.is_window = False
        self.is_known = self.is_guessed = False
        self.is_full = False
        self.told: float | None = None
        self.refilled_by = math.inf
        self._let_through = 0  # requests since the last refill, for a guessed rate
        self._refills = 0

    def periods_to(self, reset: float | None) -> float | None:
        """Number of periods between the refill that the service last reported and this one."""
        return None if reset is None or self.told is None else (reset - self.told) / PERIOD

    def adopt(
        self, now: float, wall: float, rate: int, burst: int | None, left: int, tokens: int, reset: float | None
    ) -> bool:
        """Adopt the numbers of the service.

        Args:
            left: Tokens that are left by its report.
            tokens: The same, minus requests that it has not counted yet.
            reset: Time of the next refill, in epoch seconds.

        Returns:
            Whether the time of the refill is possible; if not, the clocks differ.
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
        """Adopt the numbers that another process has from the service."""
        self.rate, self.burst, self.is_window = rate, burst, rate == burst
        self.told, self.refilled_by = told, refilled_by
        self.is_known, self.is_guessed, self.is_full = True, False, False

    def guess(self, now: float, retry_after: float | None) -> None:
        """Take the requests since the last refill as the rate, of a service that reports only refusals."""
        self.rate = self.burst = max(1, self._let_through)
        self.tokens = 0
        if not self.is_guessed or retry_after is not None:
            self.refilled_by = now + (PERIOD if retry_after is None else retry_after)
        self.is_known = self.is_guessed = True
        self.is_full = False

    def spend(self, now: float, tokens: int) -> bool:
        """Take the tokens of a request. True if the minute begins with it."""
        begins = bool(tokens) and self.is_full
        if begins:
            self.is_full = False
            self.refilled_by = max(self.refilled_by, now + PERIOD)
        self.tokens -= tokens
        self._let_through += 1
        return begins

    def take_back(self) -> None:
        """Uncount a request that was refused."""
        self._let_through = max(0, self._let_through - 1)

    def refill(self, now: float) -> None:
        """Assume the refills that are due."""
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
