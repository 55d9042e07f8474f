"""Requests for the limits of a service: the last report, how reliable it is, and when to ask again."""

from __future__ import annotations

import math

MARGIN = 0.05
"""Seconds after a refill before the service is asked."""
ANSWERED_BY = 10.0
"""Seconds that a response may take."""
_FIRST, _LAST = 0.25, 5.0  # seconds between requests without news
_FRESH = 0.5  # seconds for which a report of few tokens holds while other users take some
_STALE = 2.0  # seconds to wait for a new report
_PATIENCE = 1.0  # seconds until a refill whose time is not known


class Questions:
    """Times at which to request the limits.

    Attributes:
        never: Whether not to ask: the service reports nothing, or reports the limit in each response.
        doubt: Whether the last report is surely wrong.
        empty: Whether the service reported that no tokens are left.
        left: Tokens left by the last report.
        refill_from: Time from which the next refill may have come.
        mark: Number of tokens at which to ask again.
        hinted: Time of the refill in the headers of responses, in epoch seconds.
        next: Time of the next request at the earliest.
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
        self._open: tuple[float, int, int] | None = None  # its time, requests maybe not counted, and begun
        self._answered_at = -math.inf
        self._stale_from: float | None = None

    def ask(self, now: float, uncounted: int, begun: int) -> None:
        """Store the number of requests in flight until the response."""
        self._open = (now, uncounted, begun)
        self.next = now + self._every
        self._every = min(_LAST, 2 * self._every)

    def close(self) -> tuple[float, int, int] | None:
        """End the open request. Returns its time, and by then the requests maybe not counted, and begun."""
        asked, self._open = self._open, None
        return asked

    def is_open(self, now: float) -> bool:
        """Whether a response may still come."""
        return self._open is not None and now < self._open[0] + ANSWERED_BY

    def adopt(self, now: float, left: int, *, empty: bool, enough: bool, refilled_by: float | None) -> None:
        """Adopt a report.

        Args:
            left: Tokens that are left.
            empty: Whether surely none are left.
            enough: Whether a request may begin.
            refilled_by: Time of the next refill; None if it is not known.
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
        """Adopt the report of another process."""
        self.never = self.empty = False
        self.refill_from, self.mark = refilled_by + MARGIN, mark

    def hurry(self, now: float) -> None:
        """Ask at once, because the last report is wrong."""
        self.doubt = True
        self.next = min(self.next, now)

    def is_due(self, now: float, tokens: float) -> bool:
        """Whether to ask now, because the last report is wrong or old."""
        return self.doubt or now >= self.refill_from or self._stale_from is not None or tokens <= self.mark

    def is_stale(self, now: float) -> bool:
        """Whether the last few tokens wait for a new report, because other users may have taken them."""
        if self.never or now <= self._answered_at + _FRESH:
            return False
        if self._stale_from is None:
            self._stale_from = now
        return now < self._stale_from + _STALE
