"""The limits of an account, and what is left of them."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class RateLimitEntry(Model):
    """The rate limit of one kind of execution.

    Attributes:
        is_limited: Whether the next request would be refused.
        limit: Requests per minute; also the value of ``requestsPerMinute``, the name of later servers.
        remaining: Requests left.
        reset_at: ISO 8601.
        max_burst: Requests that a full bucket holds.
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
        sync: Blocking and streaming executions; on v0.6 and later also queued ones.
        async_: Queued executions; as an item, ``["async"]``.
        auth_type: ``api`` or ``manual``.
    """

    sync: RateLimitEntry = attrs.field(factory=RateLimitEntry)
    async_: RateLimitEntry = attrs.field(factory=RateLimitEntry)
    auth_type: str | None = None


@model
class Usage(Model):
    """The usage of the current period.

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
    """The storage of an account.

    Attributes:
        percent_used: 0 to 100.
    """

    used_bytes: int | None = None
    limit_bytes: int | None = None
    percent_used: float | None = None


@model
class Credits(Model):
    """The credits of the current period, in which v2 counts in place of dollars."""

    used: float | None = None
    limit: float | None = None
    remaining: float | None = None


@model
class UsageLimits(Model):
    """The limits of an account, and what is left of them.

    Attributes:
        success: Whether the server answered the request.
        rate_limit: Without entries if the server sends none, as on v2.
        usage: Costs of the current period; on v2 the plan only.
        storage: None on servers that do not send it, such as v0.4.
        credits: None except on v2.

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
