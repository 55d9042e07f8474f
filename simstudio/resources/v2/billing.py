"""``client.v2.billing``: charges and remaining credits."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.billing import BillingLog, BillingStatus
from simstudio.resources.parameters import PageLimit, UsageSource, WorkspaceId
from simstudio.transport.flow import Flow


class Billing(APIResource[M]):
    """Credits: what they were spent on, and how many are left."""

    @paged("GET", "/api/v2/billing/logs", "listBillingLogs")
    def logs(
        self,
        send: Sender,
        *,
        source: UsageSource | None = None,
        workspace_id: WorkspaceId | None = None,
        period: Literal["1d", "7d", "30d", "all", "custom"] | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[BillingLog]:
        """List charges, newest first. ``extra["scope"]`` of a page says whose they are: ``user`` or ``workspace``.

        Args:
            source: Kind of usage that was charged.
            period: Default ``30d``; ``custom`` takes ``start_date`` and ``end_date``.
            start_date: Earliest time, with ``period="custom"``: a ``datetime`` with a time zone, or ISO 8601.
            end_date: Latest time, with ``period="custom"``.
            limit: Entries per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page with the same filters.

        Example:
            >>> for entry in client.v2.billing.logs(period="7d"):  # doctest: +SKIP
            ...     print(entry.created_at, entry.source, entry.credit_cost)
        """
        return send.pages(BillingLog)

    @endpoint("GET", "/api/v2/billing/status", "getBillingStatus")
    def status(self, send: Sender, *, workspace_id: WorkspaceId | None = None) -> Flow[BillingStatus]:
        """Retrieve plan, billing period, credits and storage of an account.

        Args:
            workspace_id: Workspace whose billing account is shown; default: the caller's own account.

        Raises:
            NotFoundError: No workspace has this id, or the API key may not see it.

        Example:
            >>> client.v2.billing.status().credits.remaining  # doctest: +SKIP
            4711.0
        """
        return send.one(BillingStatus)
