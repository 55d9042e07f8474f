"""``client.v2.organizations.usage``: what an organization spent its credits on."""

from __future__ import annotations

from datetime import date
from typing import Literal, TypeAlias

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.organization_usage import (
    OrganizationUsageBreakdown,
    OrganizationUsageEvent,
    OrganizationUsageSummary,
)
from simstudio.resources.parameters import PageLimit, UsageSource, WorkspaceId
from simstudio.transport.flow import Flow

Period: TypeAlias = Literal["current-period", "previous-period", "7d", "30d", "custom"]
"""Period of a report."""


class OrganizationUsage(APIResource[M]):
    """Usage of an organization. Known from Sim's documents only.

    All operations need Usage Monitoring (on sim.ai the Enterprise plan) and the personal key of an organization admin.
    ``preset="custom"`` needs ``start_date`` and ``end_date``, both included, at most 92 days: days of the time zone, as
    a ``date`` or as text (``2026-01-31``), and no moments.
    """

    _evidence = "documented"

    @endpoint("GET", "/api/v2/organizations/{organizationId}/usage/summary", "getOrganizationUsageSummary")
    def summary(
        self,
        send: Sender,
        organization_id: str,
        *,
        preset: Period | None = None,
        start_date: str | date | None = None,
        end_date: str | date | None = None,
        timezone: str | None = None,
        workspace_id: WorkspaceId | None = None,
    ) -> Flow[OrganizationUsageSummary]:
        """Retrieve the credits that were used in a period, and over its days, weeks or months.

        Args:
            preset: Period, default ``30d``; the first two are billing periods.
            start_date: First day, with ``preset="custom"``.
            end_date: Last day, with ``preset="custom"``.
            timezone: Such as ``Europe/Berlin``; default ``UTC``.
            workspace_id: Only the usage of this workspace.

        Example:
            >>> client.v2.organizations.usage.summary("org-id", preset="7d").totals.credits  # doctest: +SKIP
            4711
        """
        return send.one(OrganizationUsageSummary)

    @endpoint("GET", "/api/v2/organizations/{organizationId}/usage/breakdown", "getOrganizationUsageBreakdown")
    def breakdown(
        self,
        send: Sender,
        organization_id: str,
        *,
        dimension: Literal["member", "workspace", "workflow", "model", "byok", "source"],
        preset: Period | None = None,
        start_date: str | date | None = None,
        end_date: str | date | None = None,
        timezone: str | None = None,
        workspace_id: WorkspaceId | None = None,
        limit: PageLimit | None = None,
    ) -> Flow[OrganizationUsageBreakdown]:
        """Retrieve the largest users of credits in a period, by one dimension.

        Args:
            dimension: ``byok`` counts the tokens of providers that the organization uses with its own keys.
            preset: Period, default ``30d``; the first two are billing periods.
            start_date: First day, with ``preset="custom"``.
            end_date: Last day, with ``preset="custom"``.
            timezone: Such as ``Europe/Berlin``; default ``UTC``.
            workspace_id: Only the usage of this workspace.
            limit: Rows, 1 to 100; default 50. The rest is summed up in ``other``.

        Raises:
            InvalidRequestError: The period is no valid one, or (413) has more than 10,000 groups.
        """
        return send.one(OrganizationUsageBreakdown)

    @paged("GET", "/api/v2/organizations/{organizationId}/usage/events", "listOrganizationUsageEvents")
    def events(
        self,
        send: Sender,
        organization_id: str,
        *,
        preset: Period | None = None,
        start_date: str | date | None = None,
        end_date: str | date | None = None,
        timezone: str | None = None,
        source: UsageSource | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
        sort_by: Literal["createdAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Pages[OrganizationUsageEvent]:
        """List the charges of a period, also those of no credits.

        Args:
            preset: Period, default ``30d``; the first two are billing periods.
            start_date: First day, with ``preset="custom"``.
            end_date: Last day, with ``preset="custom"``.
            timezone: Such as ``Europe/Berlin``; default ``UTC``.
            sort_order: Default ``desc``.
        """
        return send.pages(OrganizationUsageEvent)
