"""The usage of an organization's credits."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class UsageWindow(Model):
    """The period of a report.

    Attributes:
        start: ISO 8601, included.
        end: ISO 8601, not included.
        source: Origin of the period: ``default``, ``reporting``, ``stripe`` or ``range``.
    """

    start: str
    end: str
    source: str


@model
class UsageTotals(Model):
    """The credits of a period."""

    credits: float


@model
class UsagePoint(Model):
    """The usage of one day, week or month.

    Attributes:
        timestamp: Start, ISO 8601.
        events: Number of charges.
    """

    timestamp: str
    credits: float
    events: int


@model
class OrganizationUsageSummary(Model):
    """The usage of an organization over time.

    Attributes:
        bucket: Length of a point of ``series``: ``day``, ``week`` or ``month``.
        series: Points in the order of time, also those without usage.
        previous_totals: Usage of the period before, where it is known.
    """

    window: UsageWindow
    bucket: str
    totals: UsageTotals
    series: list[UsagePoint]
    previous_totals: UsageTotals | None = None


@model
class UsageRow(Model):
    """The usage of one member, workspace, workflow, model, provider or source.

    Attributes:
        id: Id of the member, workspace …
        events: Number of charges.
        share: Part of the whole, 0 to 1.
        provider_id: Provider of a model.
        tokens: Tokens of models.
    """

    id: str
    label: str
    credits: float
    events: int
    share: float
    provider_id: str | None = None
    tokens: int | None = None


@model
class UsageRest(Model):
    """The usage that no row of a report covers.

    Attributes:
        events: Number of charges.
        row_count: Number of rows left out.
    """

    credits: float
    events: int
    row_count: int
    tokens: int


@model
class OrganizationUsageBreakdown(Model):
    """The usage of an organization by one dimension.

    Attributes:
        dimension: ``member``, ``workspace``, ``workflow``, ``model``, ``byok`` (models by their provider, with the
            organization's own keys) or ``source``.
        rows: Greatest usage first.
        other: Usage that is in no row.
    """

    dimension: str
    rows: list[UsageRow]
    other: UsageRest
    total_credits: float


@model
class OrganizationUsageEvent(Model):
    """One charge.

    Attributes:
        created_at: ISO 8601.
        source: Kind of usage, such as ``workflow`` or ``sim-chat``.
        description: Text of the server, such as the name of a model.
        credits: Rounded to whole credits.
        has_cost: Whether anything was charged, also less than half a credit.
        workflow_name: None if the usage belongs to no workflow, or to one that was deleted.
    """

    id: str
    created_at: str
    source: str
    description: str
    credits: float
    has_cost: bool
    workflow_name: str | None = None
