"""The pause after a refusal, longer with each refusal that follows a pause."""

from __future__ import annotations

import math

from simstudio.batch.tokens.traffic import COUNTED_AFTER

_LONGEST = 60.0  # seconds


class Hold:
    """Until when nothing begins after a refusal. After several in a row one request is tried alone.

    Attributes:
        until: The end of the pause.
    """

    def __init__(self) -> None:
        self.until = -math.inf
        self._strikes = 0  # refusals in a row, each after waiting
        self._tried_at = -math.inf

    def see_refusal(self, now: float, retry_after: float | None) -> float:
        """Learn of a refusal; the seconds to pause, which a service may say too low."""
        if now >= self.until:
            self._strikes += 1
        backoff = min(_LONGEST, 0.5 * 2.0 ** min(self._strikes, 10))
        return backoff if retry_after is None else max(retry_after, backoff if self._strikes > 1 else 0.0)

    def extend(self, until: float) -> None:
        """Pause at least until then."""
        self.until = max(self.until, until)

    def see_request(self, now: float) -> None:
        """Learn that a request begins."""
        if self._strikes:
            self._tried_at = now

    def see_answer(self, now: float, elapsed: float) -> None:
        """Learn that a request that took so long was answered."""
        if now - elapsed >= self.until:
            self._strikes = 0

    def wait(self, now: float) -> float:
        """Seconds in which nothing may begin."""
        if now < self.until:
            return self.until - now
        if self._strikes > 1 and now < self._tried_at + COUNTED_AFTER and self._tried_at >= self.until:
            return self._tried_at + COUNTED_AFTER - now
        return 0.0
