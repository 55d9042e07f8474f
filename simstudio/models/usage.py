"""What an account may still do."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class RateLimitEntry(Model):
    """The rate limit of one kind of execution.

    Attributes:
        is_limited: Whether the next request would be refused.
        limit: Requests a minute. Newer servers call it ``requestsPerMinute``; both names work on all.
        remaining: Requests left now.
        reset_at: ISO 8601.
        requests_per_minute: As sent.
        max_burst: Requests that a full bucket holds, as sent.
    """

    is_limited: bool | None = None
    limit: int | None = attrs.field(default=None, metadata={"wire": ("limit", "requestsPerMinute")})
    remaining: int | None = None
    reset_at: str | None = None
    requests_per_minute: int | None = None
    max_burst: int | None = None


@model
class ExecutionRateLimits(Model):
    """The rate limits by kind of execution.

    Attributes:
        sync: Blocking and streaming executions; on v0.6 queued executions as well.
        async_: Queued executions; as an item, ``["async"]``.
        auth_type: ``api`` or ``manual``.
    """

    sync: RateLimitEntry = attrs.field(factory=RateLimitEntry)
    async_: RateLimitEntry = attrs.field(factory=RateLimitEntry)
    auth_type: str | None = None


@model
class Usage(Model):
    """What was used in the current period.

    Attributes:
        current_period_cost: US dollars.
        limit: US dollars.
        plan: ``free``, ``pro`` …
    """

    current_period_cost: float | None = None
    limit: float | None = None
    plan: str | None = None


@model
class StorageUsage(Model):
    """The storage in use.

    Attributes:
        used_bytes: Bytes.
        limit_bytes: Bytes.
        percent_used: 0 to 100.
    """

    used_bytes: int | None = None
    limit_bytes: int | None = None
    percent_used: float | None = None


@model
class Credits(Model):
    """What v2 counts instead of dollars.

    Attributes:
        used: Credits used in the current period.
        limit: Credits of the period.
        remaining: Credits left.
    """

    used: float | None = None
    limit: float | None = None
    remaining: float | None = None


@model
class UsageLimits(Model):
    """The account's limits and what is left of them.

    Attributes:
        success: Whether the question was answered.
        rate_limit: ``rate_limit["sync"]["remaining"]`` or ``rate_limit.sync.remaining``; empty where the server sends
            none.
        usage: Costs of the current period.
        storage: None on servers that do not say (v0.4).
        credits: Of v2, which counts credits instead of dollars (``usage`` then has the plan only); else None.

    Example:
        >>> limits = UsageLimits(True, usage=Usage(plan="free"))
        >>> limits.usage["plan"]
        'free'
    """

    success: bool
    rate_limit: ExecutionRateLimits = attrs.field(factory=ExecutionRateLimits)
    usage: Usage = attrs.field(factory=Usage)
    storage: StorageUsage | None = None
    credits: Credits | None = None
