"""``client.v2.audit_logs``: the audit log of an organization."""

from __future__ import annotations

from datetime import datetime

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.audit_logs import AuditLog
from simstudio.resources.parameters import PageLimit, WorkspaceId
from simstudio.transport.flow import Flow


class AuditLogs(APIResource[M]):
    """The audit log of an organization. Needs the Enterprise plan and the personal key of an organization admin."""

    @paged("GET", "/api/v2/audit-logs", "listAuditLogs")
    def list(
        self,
        send: Sender,
        *,
        action: str | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
        workspace_id: WorkspaceId | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        include_departed: bool | None = None,
        organization_id: str | None = None,
        actor_email: str | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[AuditLog]:
        """List the entries of the audit log, newest first.

        Args:
            action: Type of action, such as ``workflow.deployed``.
            start_date: Earliest time: a ``datetime`` with a time zone, or ISO 8601 in UTC with ``Z``.
            end_date: Latest time.
            include_departed: Include actions of former members.
            limit: Entries per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page with the same filters.

        Raises:
            PermissionDeniedError: The organization has no Enterprise plan, or the key is not the personal key of an
                admin.

        Example:
            >>> for entry in client.v2.audit_logs.list(action="workflow.deployed"):  # doctest: +SKIP
            ...     print(entry.created_at, entry.actor_email)
        """
        return send.pages(AuditLog)

    @endpoint("GET", "/api/v2/audit-logs/{auditLogId}", "getAuditLog")
    def get(self, send: Sender, audit_log_id: str, *, organization_id: str | None = None) -> Flow[AuditLog]:
        """Retrieve one entry of the audit log.

        Raises:
            NotFoundError: No entry has this id, or the API key may not see it.
        """
        return send.one(AuditLog)
