"""Other users of the same bucket: the tokens that they take, and those that are left for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.batch.tokens.bucket import Bucket

SAME = 1 / 60
"""Part of a period: two reported refills that are no further apart are the same."""
_SURPRISED = 10.0  # seconds in which further refusals have the same cause


class OtherUsers:
    """Other programs and users that take tokens from the bucket of this batch.

    Attributes:
        exist: Whether there are any.
        kept: Tokens that are left for them.
    """

    def __init__(self) -> None:
        self.exist = False
        self.kept = 0.0
        self._took = 0.0  # in this period
        self._surprised = -math.inf  # time of the last surprise
        self._paid = 0  # all tokens of this batch
        self._exact: tuple[int, int] | None = None  # tokens left when all requests were counted, and paid until then

    def pay(self, tokens: int) -> None:
        """Count tokens of this batch; a negative number gives tokens back."""
        self._paid += tokens

    def learn(self, bucket: Bucket, cost: int, steps: float | None, left: int) -> None:
        """Learn the tokens that they took since the last exact report, and keep as many for them from now on.

        Args:
            bucket: The estimate before the present report.
            cost: Tokens of a request.
            steps: Periods since the last exact report.
            left: Tokens left by the present report, in which all requests of this batch are counted.
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
        """Keep the tokens that they took in a period, and some more; fewer than before only step by step."""
        self.kept = min(max(0.75 * self.kept, 1.25 * took + cost), float(bucket.rate))

    def surprise(self, now: float, bucket: Bucket, cost: int) -> None:
        """Learn of a refusal although tokens should have been left: other users took them, so keep more for them."""
        if now > self._surprised + _SURPRISED:
            self.exist, self._surprised = True, now
            self.kept = min(2.0 * max(self.kept, cost), float(bucket.rate))

    def reserve(self, bucket: Bucket, cost: int) -> int:
        """Tokens that are left for them. Without any they would be refused, and repeat their requests among ours.

        It costs these tokens only once: the bucket holds the tokens of two minutes and keeps those that are not taken.
        A window keeps none.
        """
        if not self.exist or bucket.is_window or bucket.is_guessed:
            return 0
        return max(0, min(math.ceil(self.kept), bucket.burst - cost))
