"""``client.v1.audit_logs``: who changed what."""

from __future__ import annotations

from datetime import datetime

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between
from simstudio.models.v1.audit_logs import AuditLog
from simstudio.transport.flow import Flow


class AuditLogs(APIResource[M]):
    """What was done in an organization. Enterprise plans only, for its admins (recordings 192, 374 to 383)."""

    @paged(
        "GET",
        "/api/v1/audit-logs",
        "listAuditLogs",
        only_true=("include_departed",),
        limits={"limit": between(1, 100)},
    )
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
        include_departed: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[AuditLog]:
        """List what was done, newest first. A page's ``extra["limits"]`` says what may still be run.

        Args:
            action: Only this action, such as ``workflow.deployed``.
            resource_type: Only to this kind of thing.
            resource_id: Only to this thing.
            workspace_id: Only in this workspace.
            actor_id: Only by this person.
            start_date: Not before; a ``datetime`` with a time zone, or ISO 8601.
            end_date: Not after.
            include_departed: Also by former members.
            limit: Entries a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters.

        Returns:
            The entries, over all pages.

        Raises:
            InvalidInputError: An argument is out of its limits; nothing was sent.
            PermissionDeniedError: No organization, no admin of it, or no enterprise plan.
            SimStudioError: Any other failure.

        Example:
            >>> for entry in client.v1.audit_logs.list(action="workflow.deployed"):  # doctest: +SKIP
            ...     print(entry.created_at, entry.actor_email)
        """
        return send.pages(AuditLog)

    @endpoint("GET", "/api/v1/audit-logs/{id}", "getAuditLogDetails", names={"audit_log_id": "id"})
    def get(self, send: Sender, audit_log_id: str) -> Flow[AuditLog]:
        """Retrieve one entry.

        ``client.with_raw_response`` shows the ``limits`` beside it.

        Args:
            audit_log_id: Its id.

        Returns:
            The entry.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: No organization, no admin of it, or no enterprise plan.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.audit_logs.get("audit-id").action  # doctest: +SKIP
            'workflow.deployed'
        """
        return send.one(AuditLog)
