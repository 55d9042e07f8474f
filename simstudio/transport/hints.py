"""Rate-limit headers: their parsers, and a middleware that stores their values. It never delays a request.

The parsers return None for what they cannot read, so that a bad header breaks no call.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response
    from simstudio.transport.rate_limit import RateLimitInfo
    from simstudio.transport.stack import Handler

_LATEST = 253402214400.0  # 9999-12-31T00:00Z, the last time that datetime.fromtimestamp accepts in every time zone
_MILLISECONDS = 1e11  # greater numbers (the year 5138) are taken for milliseconds
_HINTS = frozenset({"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"})


class RateLimits:
    """Middleware: read the ``X-RateLimit-*`` and ``Retry-After`` headers of every response; ignore unreadable ones.

    Args:
        now: Returns epoch seconds.

    Example:
        >>> RateLimits().current is None
        True
    """

    __slots__ = ("_known", "now")

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self._known: tuple[int, int, int, int | None] | None = None

    @property
    def current(self) -> RateLimitInfo | None:
        """The limits that were reported last; None before the first report."""
        if self._known is None:
            return None
        from simstudio.transport.rate_limit import RateLimitInfo

        return RateLimitInfo(*self._known)

    def update(self, response: Response) -> None:
        """Read the headers of a response. A response without any of them changes nothing."""
        headers = response.headers
        if not headers.has_any(_HINTS):
            return
        limit = parse_count(headers.get("x-ratelimit-limit"))
        remaining = parse_count(headers.get("x-ratelimit-remaining"))
        reset = parse_reset(headers.get("x-ratelimit-reset"))
        now = self.now()
        wait = parse_retry_after(headers.get("retry-after"), now=now)
        if wait is not None and wait > 10**9:
            wait = None
        if limit is None and remaining is None and reset is None and wait is None:
            return
        before = self._known
        if limit is None:
            limit = before[0] if before else 0
        if remaining is None:
            remaining = 0 if wait is not None or not before else before[1]
        if reset is None:
            reset = int(now + (wait or 0.0)) if wait is not None or not before else before[2]
        self._known = limit, remaining, reset, None if wait is None else int(-(-wait // 1))

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Read the headers of every attempt, through the observers of the request."""
        request.observers = (*request.observers, self.update)
        response = yield from call_next(request)
        # Without the retry middleware, which calls the observers, the only attempt has not been read.
        if response.attempt == 1 and not response.history:
            self.update(response)
        return response


def parse_retry_after(value: str | None, *, now: float) -> float | None:
    """Parse a ``Retry-After`` header (RFC 9110, 10.2.3: seconds or an HTTP date) into seconds to wait, 0 or more.

    Args:
        now: Epoch seconds, from which the wait until a date is computed.

    Example:
        >>> parse_retry_after("5", now=0)
        5.0
    """
    if not value:
        return None
    number = _number(value)
    if number is not None:
        return number if number >= 0 else None
    from email.utils import parsedate_to_datetime  # imported here because it takes 5 ms, and dates are rare

    try:
        when = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    moment = when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)
    return max(0.0, moment.timestamp() - now)


def parse_reset(value: str | None) -> int | None:
    """Parse an ``X-RateLimit-Reset`` header (epoch seconds or milliseconds, or ISO 8601) into epoch seconds.

    Sim's documents promise epoch seconds, but its servers send ISO 8601.

    Example:
        >>> parse_reset("2026-11-20T08:00:00.000Z")
        1795161600
    """
    if not value:
        return None
    number = _number(value)
    if number is None:
        number = _iso(value)
    elif number > _MILLISECONDS:
        number /= 1000
    return int(number) if number is not None and 0 <= number <= _LATEST else None


def parse_count(value: str | None) -> int | None:
    """Parse a whole number, 0 or more."""
    number = _number(value) if value else None
    return int(number) if number is not None and 0 <= number <= _LATEST else None


def _number(text: str) -> float | None:
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _iso(text: str) -> float | None:
    text = text.strip()
    if text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    try:
        when = datetime.fromisoformat(text)
        moment = when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None
