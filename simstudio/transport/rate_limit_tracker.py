"""Rate limits: a middleware that remembers the limits which the server reports. It never delays a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from simstudio.transport.hints import parse_count, parse_reset, parse_retry_after

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response
    from simstudio.transport.rate_limit import RateLimitInfo
    from simstudio.transport.stack import Handler


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
