"""The limits that responses of v1 carry beside their content."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model
from simstudio.models.usage import ExecutionRateLimits


@model
class PeriodUsage(Model):
    """The usage of the current period.

    Attributes:
        current_period_cost: US dollars.
        limit: US dollars.
        plan: ``free``, ``pro`` …
        is_exceeded: Whether the limit is reached.
    """

    current_period_cost: float | None = None
    limit: float | None = None
    plan: str | None = None
    is_exceeded: bool | None = None


@model
class Limits(Model):
    """The limits of executions and of the account.

    The rate limit of v1's own routes is in the ``X-RateLimit-*`` headers: ``client.get_rate_limit_info()``.

    Attributes:
        workflow_execution_rate_limit: Executions per minute.
        usage: Costs of the current period.
    """

    workflow_execution_rate_limit: ExecutionRateLimits = attrs.field(factory=ExecutionRateLimits)
    usage: PeriodUsage = attrs.field(factory=PeriodUsage)
