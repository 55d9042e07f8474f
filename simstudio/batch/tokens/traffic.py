"""Recent requests, which the service may not have counted yet."""

from __future__ import annotations

import math
from collections import deque

COUNTED_AFTER = 2.0
"""Seconds after which a request has surely been counted by the service."""


class Traffic:
    """The requests of this process.

    Attributes:
        begun: Number of all requests.
        flying: Number of requests without a response yet.
        last: Time at which the last one began.
    """

    def __init__(self) -> None:
        self.begun = self.flying = 0
        self.last = -math.inf
        self._recent: deque[float] = deque()

    def begin(self, now: float) -> None:
        """Count a request that begins."""
        self.begun += 1
        self.flying += 1
        self.last = now
        self._recent.append(now)
        if self._recent[0] <= now - COUNTED_AFTER:
            self._drop(now)

    def end(self) -> None:
        """Count the end of a request."""
        if self.flying:
            self.flying -= 1

    def count_uncounted(self, now: float, cost: int) -> int:
        """Number of requests that the service may not have counted yet."""
        self._drop(now)
        # The second token of a background run is taken some time after its response.
        return len(self._recent) if cost > 1 else min(len(self._recent), self.flying)

    def _drop(self, now: float) -> None:
        while self._recent and self._recent[0] <= now - COUNTED_AFTER:
            self._recent.popleft()
