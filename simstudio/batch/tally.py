"""Counts of errors and times of the items of a batch, in memory that does not grow with it."""

from __future__ import annotations

import math
from collections import Counter

from simstudio.batch.items import BatchItem
from simstudio.transport.errors import InvalidInputError

_STEPS = 50.0
"""Bins of times for each factor e: a time is known to 2 %."""
_LEAST = 1e-6


class Tally:
    """Counts errors by their classes, and times by bins.

    Attributes:
        errors: Number of items without a result, by the class of their error.
    """

    def __init__(self) -> None:
        self.errors: Counter[str] = Counter()
        self._times: dict[int, int] = {}

    def add(self, item: BatchItem) -> None:
        """Count an item that has ended."""
        if item.error is not None:
            self.errors[type(item.error).__name__] += 1
        if item.attempts and not item.replayed and not isinstance(item.error, InvalidInputError):  # else nothing ran
            bin_ = round(math.log(max(item.elapsed, _LEAST)) * _STEPS)
            self._times[bin_] = self._times.get(bin_, 0) + 1

    @property
    def executed(self) -> int:
        """Number of items that ran in this run."""
        return sum(self._times.values())

    def quantile(self, share: float) -> float | None:
        """Seconds within which this share of the items that ran in this run ended; None if none did."""
        left = share * self.executed
        for bin_ in sorted(self._times):
            left -= self._times[bin_]
            if left <= 0:
                return math.exp(bin_ / _STEPS)
        return None
