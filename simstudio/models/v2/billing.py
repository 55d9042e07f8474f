"""Usage and limits of an account. Amounts are in credits, times ISO 8601 in UTC."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class BilledWorkflow(Model):
    """The workflow that caused a charge.

    Attributes:
        name: None if the workflow was deleted.
    """

    id: str
    name: str | None = None


@model
class BillingLog(Model):
    """A charge.

    Attributes:
        source: ``workflow``, ``wand``, ``sim-chat``, ``mcp_copilot``, ``mothership_block``, ``knowledge-base``,
            ``voice-input``, ``enrichment``, ``voice-output`` or ``api-tool``.
    """

    id: str
    created_at: str
    source: str
    credit_cost: float
    workspace_id: str | None = None
    workflow: BilledWorkflow | None = None
    run_id: str | None = None


@model
class BillingPeriod(Model):
    """The billing period."""

    start: str
    end: str


@model
class Credits(Model):
    """The credits of a billing period."""

    used: float
    limit: float
    remaining: float


@model
class BillingStorage(Model):
    """The storage of an account.

    Attributes:
        percent_used: 0 to 100.
    """

    used_bytes: int
    limit_bytes: int
    percent_used: float


@model
class BillingStatus(Model):
    """The plan of an account, its usage and its limits.

    Attributes:
        plan: ``free``, ``pro`` …
        status: ``active``, ``limit_exceeded`` or ``billing_blocked``.
        workspace_id: Workspace whose account it is; None of the caller's own account.
        credits: None if the server counts no credits.
        storage: None if the server counts no storage.
    """

    period: BillingPeriod
    plan: str
    status: str
    workspace_id: str | None = None
    credits: Credits | None = None
    storage: BillingStorage | None = None
