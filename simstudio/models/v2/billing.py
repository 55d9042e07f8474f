"""What was used, and what may still be. Amounts are in credits, times ISO 8601 in UTC."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class BilledWorkflow(Model):
    """The workflow that used something.

    Attributes:
        id: Which.
        name: None where it is gone.
    """

    id: str
    name: str | None = None


@model
class BillingLog(Model):
    """One thing that was charged for.

    Attributes:
        id: Of the entry.
        created_at: When.
        source: ``workflow``, ``wand``, ``sim-chat``, ``mcp_copilot``, ``mothership_block``, ``knowledge-base``,
            ``voice-input``, ``enrichment``, ``voice-output`` or ``api-tool``.
        credit_cost: Credits.
        workspace_id: Where.
        workflow: By which workflow.
        run_id: In which run.
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
    """A period.

    Attributes:
        start: Where it begins.
        end: Where it ends.
    """

    start: str
    end: str


@model
class Credits(Model):
    """Credits of a period.

    Attributes:
        used: So far.
        limit: At most.
        remaining: What is left.
    """

    used: float
    limit: float
    remaining: float


@model
class BillingStorage(Model):
    """The storage in use.

    Attributes:
        used_bytes: Bytes.
        limit_bytes: Bytes.
        percent_used: 0 to 100.
    """

    used_bytes: int
    limit_bytes: int
    percent_used: float


@model
class BillingStatus(Model):
    """How an account stands.

    Attributes:
        period: Which is counted.
        plan: ``free``, ``pro`` …
        status: ``active``, ``limit_exceeded`` or ``billing_blocked``.
        workspace_id: Whose account it is; None of the caller's own.
        credits: None where they are not counted.
        storage: None where it is not counted.
    """

    period: BillingPeriod
    plan: str
    status: str
    workspace_id: str | None = None
    credits: Credits | None = None
    storage: BillingStorage | None = None
