"""``client.v1.audit_logs``: the audit log of an organization."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.parameters import only_true, wire
from simstudio.core.resource import APIResource
from simstudio.models.v1.audit_logs import AuditLog
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow


class AuditLogs(APIResource[M]):
    """The audit log of an organization. Needs the Enterprise plan and the API key of an organization admin."""

    @paged("GET", "/api/v1/audit-logs", "listAuditLogs")
    def list(
        self,
        send: Sender,
        *,
        action: str | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
        workspace_id: str | None = None,
        actor_id: str | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        include_departed: Annotated[bool | None, only_true] = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[AuditLog]:
        """List the entries of the audit log, newest first. ``extra["limits"]`` of a page has the rate limits.

        Args:
            action: Type of action, such as ``workflow.deployed``.
            start_date: Earliest time: a ``datetime`` with a time zone, or ISO 8601.
            end_date: Latest time.
            include_departed: Include actions of former members.
            limit: Entries per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page with the same filters.

        Raises:
            PermissionDeniedError: The key's user is not an admin of an organization with the Enterprise plan.

        Example:
            >>> for entry in client.v1.audit_logs.list(action="workflow.deployed"):  # doctest: +SKIP
            ...     print(entry.created_at, entry.actor_email)
        """
        return send.pages(AuditLog)

    @endpoint("GET", "/api/v1/audit-logs/{id}", "getAuditLogDetails")
    def get(self, send: Sender, audit_log_id: Annotated[str, wire("id")]) -> Flow[AuditLog]:
        """Retrieve one entry of the audit log.

        Raises:
            NotFoundError: No entry has this id.
            PermissionDeniedError: The key's user is not an admin of an organization with the Enterprise plan.
        """
        return send.one(AuditLog)
