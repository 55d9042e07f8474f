"""``RateLimitInfo``: the rate limits that a server reported."""

from __future__ import annotations

import attrs


@attrs.frozen
class RateLimitInfo:
    """The rate limits that the server reported last.

    Attributes:
        limit: Requests that one period allows; 0 if the server never reported it.
        remaining: Requests that are left in the period.
        reset: Start of the next period in epoch seconds: ``datetime.fromtimestamp(info.reset)``.
        retry_after: Seconds that the server asked to wait; None if it did not.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int | None = None
