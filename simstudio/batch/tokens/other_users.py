"""Other users of the same bucket: what they take, and how much is left for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.batch.tokens.bucket import Bucket

SAME = 1 / 60
"""Part of a period: two refills that are told no further apart are one."""
_SURPRISED = 10.0  # seconds in which further refusals are of the same surprise


class OtherUsers:
    """Those who take tokens beside this batch.

    Attributes:
        exist: Whether there are any.
        kept: Tokens left for them.
    """

    def __init__(self) -> None:
        self.exist = False
        self.kept = 0.0
        self._took = 0.0  # in this period
        self._surprised = -math.inf  # when they took more
        self._paid = 0  # tokens of ours, in all
        self._exact: tuple[int, int] | None = None  # what was left when all requests were counted, and paid by then

    def pay(self, tokens: int) -> None:
        """Count tokens of ours; negative where they were given back."""
        self._paid += tokens

    def learn(self, bucket: Bucket, cost: int, steps: float | None, left: int) -> None:
        """Learn what they have taken since the last exact look, some periods ago: as much is left for them from now on.

        Args:
            bucket: As it was believed until now.
            cost: Tokens of a request.
            steps: Periods since that look.
            left: Tokens that the service says are left, now that it has counted all our requests.
        """
        before, self._exact = self._exact, (left, self._paid)
        if before is None or steps is None or not bucket.is_known or bucket.is_guessed or bucket.is_full:
            return
        if steps < -SAME:
            return
        expected = before[0] - (self._paid - before[1])
        if steps > SAME:
            if not bucket.is_window and abs(steps - round(steps)) > SAME:
                return
            refilled = min(bucket.burst, expected + round(steps) * bucket.rate)
            expected = bucket.burst if bucket.is_window else refilled
        self._took += max(0, expected - left)
        self.exist = self.exist or self._took > 0
        if steps > 1 - SAME:
            self.keep_for(self._took, bucket, cost)
            self._took = 0.0

    def keep_for(self, took: float, bucket: Bucket, cost: int) -> None:
        """Keep what they took in a period, and a little more; a little less than before where they took less."""
        self.kept = min(max(0.75 * self.kept, 1.25 * took + cost), float(bucket.rate))

    def surprise(self, now: float, bucket: Bucket, cost: int) -> None:
        """Learn of a refusal although tokens should have been left: they took them, and shall find more."""
        if now > self._surprised + _SURPRISED:
            self.exist, self._surprised = True, now
            self.kept = min(2.0 * max(self.kept, cost), float(bucket.rate))

    def reserve(self, bucket: Bucket, cost: int) -> int:
        """Tokens left for them, who would otherwise be refused and come back in the middle of our requests.

        It costs nothing but these tokens, once: the bucket holds two minutes' and keeps what they do not take. (A
        window keeps nothing.)
        """
        if not self.exist or bucket.is_window or bucket.is_guessed:
            return 0
        return max(0, min(math.ceil(self.kept), bucket.burst - cost))
