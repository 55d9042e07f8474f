"""The probe: one request without tokens, which shows whether a limit is enforced.

Servers may report limits that they do not enforce. The first time that no tokens should be left, one request is sent
nevertheless. If it is not refused although no refill came in between, the limit is not enforced, until a 429 shows
otherwise. If it is refused, the limit is enforced, and no other probe follows.
"""

from __future__ import annotations

from simstudio.batch.tokens.bucket import PERIOD

APART = 0.05
"""Seconds around a probe in which no other request begins, so that its response can be identified."""
_CONFIRMED_BY = 10.0  # seconds


class Probe:
    """Whether a limit is enforced, and the request that shows it.

    Attributes:
        enforced: Whether the limit is enforced; None while it is not known.
        begun: Time at which the request began; None without one.
        passed: Time of its response, until it is confirmed that no refill came before.
    """

    def __init__(self) -> None:
        self.enforced: bool | None = None
        self.begun: float | None = None
        self.passed: float | None = None
        self._is_alone = False  # whether no other request was in flight
        self._doubted_from: float | None = None

    def begin(self, now: float, *, alone: bool) -> None:
        """Make a request the probe."""
        self.begun, self._is_alone = now, alone

    def withdraw(self) -> None:
        """Make the chosen request an ordinary one."""
        self.begun = None

    def see_request(self, now: float) -> None:
        """Learn that another request begins, so that the probe is no longer alone."""
        self._doubted_from = None
        if self.begun is not None and self.begun != now:
            self._is_alone = False

    def wait(self, now: float) -> float:
        """Seconds in which no other request may begin."""
        return 0.0 if self.begun is None else self.begun + APART - now

    def see_answer(self, now: float, elapsed: float) -> bool:
        """Learn of the response to a request that took ``elapsed`` seconds. True if it was the probe."""
        if self.begun is None or self.passed is not None:
            return False
        if not self._is_alone and abs(now - elapsed - self.begun) > APART / 2:
            return False
        self.passed = now
        return True

    def conclude(self, *, enforced: bool) -> None:
        """End the probe with a verdict."""
        self.enforced, self.begun, self.passed = enforced, None, None

    def judge(self, *, empty: bool, refilled: bool, plenty: bool) -> None:
        """Judge the probe by the tokens that the service reports as left.

        Args:
            empty: Whether they are fewer than a request takes.
            refilled: Whether a refill may have come since the last report.
            plenty: Whether they are enough for all requests that were not counted yet, so that a response shows
                nothing.
        """
        if self.passed is not None and empty and not refilled:
            self.enforced = False
        if self.passed is not None or plenty:
            self.passed = self.begun = None
        self._doubted_from = None

    def advance(self, now: float) -> None:
        """Accept a response that was not confirmed in time, and give up a probe without a response."""
        if self.passed is not None and now > self.passed + _CONFIRMED_BY:
            self.conclude(enforced=False)
        if self.begun is not None and self.passed is None and now > self.begun + PERIOD:
            self.begun = None

    def is_due(self, now: float, *, empty: bool) -> bool:
        """Whether a request may be the probe: no tokens are left, or that could not be confirmed for a while."""
        if self.enforced is not None or self.begun is not None:
            return False
        if self._doubted_from is None:
            self._doubted_from = now
        return empty or now > self._doubted_from + _CONFIRMED_BY
