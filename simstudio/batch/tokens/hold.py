"""The pause after a refusal, longer with each refusal that follows a pause."""

from __future__ import annotations

import math

from simstudio.batch.tokens.traffic import COUNTED_AFTER

_LONGEST = 60.0  # seconds


class Hold:
    """The pause after a refusal. After several refusals in a row one request is tried alone.

    Attributes:
        until: End of the pause.
        strikes: Refusals in a row, each after waiting.
    """

    def __init__(self) -> None:
        self.until = -math.inf
        self.strikes = 0
        self._tried_at = -math.inf

    def see_refusal(self, now: float, retry_after: float | None) -> float:
        """Learn of a refusal. Returns the seconds to pause: the wait that a service asks for may be too short."""
        if now >= self.until:
            self.strikes += 1
        backoff = min(_LONGEST, 0.5 * 2.0 ** min(self.strikes, 10))
        return backoff if retry_after is None else max(retry_after, backoff if self.strikes > 1 else 0.0)

    def extend(self, until: float) -> None:
        """Extend the pause to a time."""
        self.until = max(self.until, until)

    def see_request(self, now: float) -> None:
        """Learn that a request begins after a refusal."""
        self._tried_at = now

    def see_answer(self, now: float, elapsed: float) -> None:
        """Learn of the response to a request that took ``elapsed`` seconds."""
        if now - elapsed >= self.until:
            self.strikes = 0

    def wait(self, now: float) -> float:
        """Seconds until a request may begin."""
        if now < self.until:
            return self.until - now
        if self.strikes > 1 and now < self._tried_at + COUNTED_AFTER and self._tried_at >= self.until:
            return self._tried_at + COUNTED_AFTER - now
        return 0.0
