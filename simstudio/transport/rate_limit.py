"""What the server says about its rate limits, remembered. It never delays anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from simstudio.transport.hints import parse_count, parse_reset, parse_retry_after

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response
    from simstudio.transport.stack import Handler


_HINTS = frozenset({"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"})


@attrs.frozen
class RateLimitInfo:
    """What the last hint of the server said.

    Attributes:
        limit: Requests a period allows; 0 where the server never said it.
        remaining: Requests left of it.
        reset: When it starts anew, in epoch seconds: ``datetime.fromtimestamp(info.reset)``.
        retry_after: Seconds the server asked to wait, None when it did not.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int | None = None


class RateLimits:
    """Learns from the ``X-RateLimit-*`` and ``Retry-After`` headers of every response; garbage in them is ignored.

    Args:
        now: Epoch seconds.

    Example:
        >>> RateLimits().current is None
        True
    """

    __slots__ = ("current", "now")

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.current: RateLimitInfo | None = None

    def update(self, response: Response) -> None:
        """Learn from one response. One without hints changes nothing."""
        headers = response.headers
        if not headers.any_of(_HINTS):
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
        before = self.current
        self.current = RateLimitInfo(
            limit=limit if limit is not None else before.limit if before else 0,
            remaining=remaining if remaining is not None else 0 if wait is not None or not before else before.remaining,
            reset=reset
            if reset is not None
            else int(now + (wait or 0.0))
            if wait is not None or not before
            else before.reset,
            retry_after=None if wait is None else int(-(-wait // 1)),
        )

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Middleware: learn from every attempt, told by the retry below (and from the last one without a retry)."""
        request.observers = (*request.observers, self.update)
        response = yield from call_next(request)
        if response.attempt == 1 and not response.history:
            self.update(response)
        return response
