"""Questions to the service: what was said last, how far it can be believed, and when to ask again."""

from __future__ import annotations

import math

MARGIN = 0.05
"""Seconds after a refill before it is looked for."""
ANSWERED_BY = 10.0
"""Seconds that an answer may take."""
_FIRST, _LAST = 0.25, 5.0  # seconds between questions that changed nothing
_FRESH = 0.5  # seconds for which the last few tokens are believed where others take some too
_STALE = 2.0  # seconds that a new answer is waited for
_PATIENCE = 1.0  # seconds after a refill of which nothing is known


class Questions:
    """When to ask for the limits.

    Attributes:
        never: Whether the service tells nothing, or tells it with each response.
        doubt: Whether the tokens are surely not what was said.
        empty: Whether the service itself said that none are left.
        left: Tokens that it said are left.
        refill_from: When the next refill may have come.
        mark: Ask again when no more than these tokens are left.
        hinted: The refill that headers of responses told of, in epoch seconds.
        next: When the next question may be asked.
    """

    def __init__(self) -> None:
        self.never = False
        self.doubt = self.empty = False
        self.left = 0
        self.refill_from = -math.inf
        self.mark = -1.0
        self.hinted: float | None = None
        self.next = -math.inf
        self._every = _FIRST
        self._open: tuple[float, int, int] | None = None  # since when; requests maybe not counted, and begun, by then
        self._answered_at = -math.inf
        self._stale_from: float | None = None

    def ask(self, now: float, uncounted: int, begun: int) -> None:
        """Remember what is in flight, until the answer."""
        self._open = (now, uncounted, begun)
        self.next = now + self._every
        self._every = min(_LAST, 2 * self._every)

    def close(self) -> tuple[float, int, int] | None:
        """Forget the open question; when it was asked, with the requests maybe not counted, and begun, by then."""
        asked, self._open = self._open, None
        return asked

    def is_open(self, now: float) -> bool:
        """Whether an answer may still come."""
        return self._open is not None and now < self._open[0] + ANSWERED_BY

    def adopt(self, now: float, left: int, *, empty: bool, enough: bool, refilled_by: float | None) -> None:
        """Believe an answer.

        Args:
            left: Tokens that are left.
            empty: Whether that is surely none.
            enough: Whether a request may begin.
            refilled_by: When the next refill comes; None where that is not known.
        """
        self.left, self.empty, self.doubt = left, empty, False
        self._answered_at, self._stale_from = now, None
        if enough:
            self._every = _FIRST
        elif refilled_by is None:
            self._every = min(_LAST, 2 * self._every)
        self.refill_from = now + max(self._every, _PATIENCE) if refilled_by is None else refilled_by + MARGIN
        self.next = now + self._every

    def share(self, refilled_by: float, mark: float) -> None:
        """Believe another process, which has asked."""
        self.never = self.empty = False
        self.refill_from, self.mark = refilled_by + MARGIN, mark

    def hurry(self, now: float) -> None:
        """Ask at once: the tokens are not what was said."""
        self.doubt = True
        self.next = min(self.next, now)

    def is_due(self, now: float, tokens: float) -> bool:
        """Whether something should be asked now, by what was said: it was wrong, or is old."""
        return self.doubt or now >= self.refill_from or self._stale_from is not None or tokens <= self.mark

    def is_stale(self, now: float) -> bool:
        """Whether the last few tokens wait for another answer, since others may have taken them."""
        if self.never or now <= self._answered_at + _FRESH:
            return False
        if self._stale_from is None:
            self._stale_from = now
        return now < self._stale_from + _STALE
