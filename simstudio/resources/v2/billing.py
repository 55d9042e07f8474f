"""``client.v2.billing``: what was used, and what may still be."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, length
from simstudio.models.v2.billing import BillingLog, BillingStatus
from simstudio.transport.flow import Flow


class Billing(APIResource[M]):
    """Credits: what they went on, and what is left (API.md 4.9)."""

    @paged(
        "GET",
        "/api/v2/billing/logs",
        "listBillingLogs",
        limits={"limit": between(1, 100), "workspace_id": length(1, 128)},
    )
    def logs(
        self,
        send: Sender,
        *,
        source: Literal[
            "workflow",
            "wand",
            "sim-chat",
            "mcp_copilot",
            "mothership_block",
            "knowledge-base",
            "voice-input",
            "enrichment",
            "voice-output",
            "api-tool",
        ]
        | None = None,
        workspace_id: str | None = None,
        period: Literal["1d", "7d", "30d", "all", "custom"] | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[BillingLog]:
        """List what was charged for, newest first. A page's ``extra["scope"]`` says whose: ``user`` or ``workspace``.

        Args:
            source: Only what this used.
            workspace_id: Only in this workspace.
            period: How far back; ``30d`` where it is not given.
            start_date: Not before; needs ``period="custom"``. A ``datetime`` with a time zone, or text that Sim takes.
            end_date: Not after; needs ``period="custom"``.
            limit: Entries a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters.

        Returns:
            The entries, over all pages.

        Raises:
            InvalidInputError: An argument is out of its limits; nothing was sent.
            SimStudioError: Any other failure.

        Example:
            >>> for entry in client.v2.billing.logs(period="7d"):  # doctest: +SKIP
            ...     print(entry.created_at, entry.source, entry.credit_cost)
        """
        return send.pages(BillingLog)

    @endpoint("GET", "/api/v2/billing/status", "getBillingStatus", limits={"workspace_id": length(1, 128)})
    def status(self, send: Sender, *, workspace_id: str | None = None) -> Flow[BillingStatus]:
        """Retrieve how an account stands.

        Args:
            workspace_id: Of the workspace that pays; the caller's own account where it is not given.

        Returns:
            Its plan, period, credits and storage.

        Raises:
            NotFoundError: There is no such workspace, or the key may not see it.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.billing.status().credits.remaining  # doctest: +SKIP
            4711.0
        """
        return send.one(BillingStatus)
