"""What answers of v1 say about limits besides what was asked for."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model
from simstudio.models.usage import ExecutionRateLimits


@model
class PeriodUsage(Model):
    """What was used in the current period.

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
    """What may still be run.

    The limit of the routes of v1 themselves is in the ``X-RateLimit-*`` headers: ``client.get_rate_limit_info()``.

    Attributes:
        workflow_execution_rate_limit: Executions a minute; ``limit`` works on all servers, v0.6 and v0.4.
        usage: Costs of the current period.
    """

    workflow_execution_rate_limit: ExecutionRateLimits = attrs.field(factory=ExecutionRateLimits)
    usage: PeriodUsage = attrs.field(factory=PeriodUsage)
