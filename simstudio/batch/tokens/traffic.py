"""The requests of the last moments: those that the service may not have counted yet."""

from __future__ import annotations

import math
from collections import deque

COUNTED_AFTER = 2.0
"""Seconds after which a request has surely been counted by the service."""


class Traffic:
    """The requests that were begun here.

    Attributes:
        begun: How many, in all.
        flying: How many of them have no response yet.
        last: When the last one began.
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
        self._drop(now)

    def end(self) -> None:
        """Count a response, or the lack of one."""
        self.flying = max(0, self.flying - 1)

    def uncounted(self, now: float, cost: int) -> int:
        """How many requests the service may not have counted yet."""
        self._drop(now)
        # The second token of a background run is taken some time after its response.
        return len(self._recent) if cost > 1 else min(len(self._recent), self.flying)

    def _drop(self, now: float) -> None:
        while self._recent and self._recent[0] <= now - COUNTED_AFTER:
            self._recent.popleft()
