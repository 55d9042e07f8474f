"""``client.v2.audit_logs``: who changed what."""

from __future__ import annotations

from datetime import datetime

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, length
from simstudio.models.v2.audit_logs import AuditLog
from simstudio.transport.flow import Flow


class AuditLogs(APIResource[M]):
    """What was done in an organization. Enterprise plans only, for organization admins with a personal key."""

    @paged(
        "GET",
        "/api/v2/audit-logs",
        "listAuditLogs",
        limits={"limit": between(1, 100), "workspace_id": length(1, 128)},
    )
    def list(
        self,
        send: Sender,
        *,
        action: str | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
        workspace_id: str | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        include_departed: bool | None = None,
        organization_id: str | None = None,
        actor_email: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[AuditLog]:
        """List what was done, newest first.

        Args:
            action: Only this action.
            resource_type: Only to this kind of thing.
            resource_id: Only to this thing.
            workspace_id: Only in this workspace.
            start_date: Not before; a ``datetime`` with a time zone, or ISO 8601 in UTC with ``Z``.
            end_date: Not after.
            include_departed: Also by former members.
            organization_id: Of which organization.
            actor_email: Only by this person.
            limit: Entries a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters.

        Returns:
            The entries, over all pages.

        Raises:
            PermissionDeniedError: No enterprise plan, no admin, or a workspace key.
            SimStudioError: Any other failure.

        Example:
            >>> for entry in client.v2.audit_logs.list(action="workflow.deployed"):  # doctest: +SKIP
            ...     print(entry.created_at, entry.actor_email)
        """
        return send.pages(AuditLog)

    @endpoint("GET", "/api/v2/audit-logs/{auditLogId}", "getAuditLog")
    def get(self, send: Sender, audit_log_id: str, *, organization_id: str | None = None) -> Flow[AuditLog]:
        """Retrieve one entry.

        Args:
            audit_log_id: Its id.
            organization_id: Of which organization.

        Returns:
            The entry.

        Raises:
            NotFoundError: There is none of that id, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.audit_logs.get("audit-id").action  # doctest: +SKIP
            'workflow.deployed'
        """
        return send.one(AuditLog)
