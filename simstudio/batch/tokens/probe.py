"""The probe: one request without tokens, which shows whether a limit is enforced.

Servers may report limits that they do not enforce. The first time that no tokens should be left, one request is let
through all the same. When it is answered although no refill came in between, the limit is not enforced, and only a 429
makes it matter again. When it is refused it is, and no other probe follows.
"""

from __future__ import annotations

from simstudio.batch.tokens.bucket import PERIOD

APART = 0.05
"""Seconds around a probe in which nothing else begins, so that its response is known as its own."""
_CONFIRMED_BY = 10.0  # seconds


class Probe:
    """Whether a limit is enforced, and the request that shows it.

    Attributes:
        enforced: None while that is not known.
        begun: When the request began; None where there is none.
        passed: When it was answered, while nobody has confirmed that no refill had come.
    """

    def __init__(self) -> None:
        self.enforced: bool | None = None
        self.begun: float | None = None
        self.passed: float | None = None
        self._is_alone = False  # whether nothing else was in flight
        self._doubted_from: float | None = None

    def begin(self, now: float, *, alone: bool) -> None:
        """Let a request be the probe."""
        self.begun, self._is_alone = now, alone

    def withdraw(self) -> None:
        """Let the request that was chosen be none."""
        self.begun = None

    def see_request(self, now: float) -> None:
        """Learn that a request begins: beside it the probe is not alone any more."""
        self._doubted_from = None
        if self.begun is not None and self.begun != now:
            self._is_alone = False

    def wait(self, now: float) -> float:
        """Seconds in which nothing else may begin."""
        return 0.0 if self.begun is None else self.begun + APART - now

    def see_answer(self, now: float, elapsed: float) -> bool:
        """Learn that a request that took so long was answered; True where it was the probe."""
        if self.begun is None or self.passed is not None:
            return False
        if not self._is_alone and abs(now - elapsed - self.begun) > APART / 2:
            return False
        self.passed = now
        return True

    def conclude(self, *, enforced: bool) -> None:
        """End it with a verdict."""
        self.enforced, self.begun, self.passed = enforced, None, None

    def judge(self, *, empty: bool, refilled: bool, plenty: bool) -> None:
        """Judge by what the service says is left.

        Args:
            empty: Whether that is less than a request takes.
            refilled: Whether a refill may have come since the last word.
            plenty: Whether it is enough for all requests that were not counted yet, so that an answer shows nothing.
        """
        if self.passed is not None and empty and not refilled:
            self.enforced = False
        if self.passed is not None or plenty:
            self.passed = self.begun = None
        self._doubted_from = None

    def advance(self, now: float) -> None:
        """Believe in an answer that nobody confirmed, and give a probe up that nobody answered."""
        if self.passed is not None and now > self.passed + _CONFIRMED_BY:
            self.conclude(enforced=False)
        if self.begun is not None and self.passed is None and now > self.begun + PERIOD:
            self.begun = None

    def is_due(self, now: float, *, empty: bool) -> bool:
        """Whether a request may be the probe: surely none are left, or for long nobody could say so."""
        if self.enforced is not None or self.begun is not None:
            return False
        if self._doubted_from is None:
            self._doubted_from = now
        return empty or now > self._doubted_from + _CONFIRMED_BY
