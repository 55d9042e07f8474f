"""``client.v2.tables.dispatches``: runs of groups over many rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.table_filters import RowFilter
from simstudio.models.v2.table_groups import DispatchLimit, StartedDispatch, TableDispatch
from simstudio.models.v2.table_params import RowLimit
from simstudio.resources.parameters import WorkspaceId
from simstudio.resources.v2.table_handles import DispatchHandle
from simstudio.transport.endpoint import segment
from simstudio.transport.flow import Flow

_DISPATCHES = "/api/v2/tables/{tableId}/dispatches"
_DISPATCH = "/api/v2/tables/{tableId}/dispatches/{dispatchId}"


class TableDispatches(APIResource[M]):
    """Runs of groups over many rows."""

    @paged("GET", _DISPATCHES, "listTableDispatches")
    def list(self, send: Sender, table_id: str, *, workspace_id: WorkspaceId) -> Pages[TableDispatch]:
        """List the dispatches of a table, all in one page.

        Servers before September 2026 list only those that are running: keep the ids of the others.

        Raises:
            NotFoundError: No table has this id.
        """
        return send.pages(TableDispatch)

    @endpoint("POST", _DISPATCHES, "createTableDispatch")
    def create(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        group_ids: Sequence[str],
        run_mode: Literal["all", "incomplete"] | Unset = UNSET,
        row_ids: Sequence[str] | Unset = UNSET,
        filter: RowFilter | Unset = UNSET,
        exclude_row_ids: Sequence[str] | Unset = UNSET,
        limit: RowLimit | DispatchLimit | Mapping[str, Any] | Unset = UNSET,
    ) -> Flow[StartedDispatch]:
        """Run groups in all rows, in some rows, or in those that match a filter; each run costs as any other.

        Args:
            run_mode: ``all`` runs cells again that have a result, ``incomplete`` leaves them out; default ``all``.
            row_ids: Only these rows; not together with ``filter``.
            filter: Only rows that match.
            exclude_row_ids: Rows that are left out.
            limit: ``{"type": "rows", "max": 100}``: at most 100 rows.

        Raises:
            NotFoundError: The table, a group or a row does not exist.

        Example:
            >>> client.v2.tables.dispatches.create(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", group_ids=["group-id"], run_mode="incomplete"
            ... ).dispatch_id
        """
        return send.one(StartedDispatch)

    @endpoint("GET", _DISPATCH, "getTableDispatch")
    def get(self, send: Sender, table_id: str, dispatch_id: str, *, workspace_id: WorkspaceId) -> Flow[TableDispatch]:
        """Retrieve the state of a dispatch; the results of its cells are in the rows' ``run_state``.

        Raises:
            NotFoundError: The table or dispatch does not exist.
        """
        return send.one(TableDispatch)

    def handle(self, table_id: str, dispatch_id: str, *, workspace_id: str) -> DispatchHandle[M]:
        """A handle of a dispatch, also of one that ``enrichments.run`` started. No request is sent.

        Example:
            >>> client.v2.tables.dispatches.handle("tbl_1", "tdsp_1", workspace_id="ws").wait()  # doctest: +SKIP
        """
        table = segment(table_id, "table_id")
        dispatch = segment(dispatch_id, "dispatch_id")
        return DispatchHandle(self, dispatch_id, f"/api/v2/tables/{table}/dispatches/{dispatch}", workspace_id)

    @endpoint("DELETE", _DISPATCH, "cancelTableDispatch")
    def cancel(
        self, send: Sender, table_id: str, dispatch_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[TableDispatch]:
        """Start no more cells of a dispatch; ``client.v2.tables.cancel_runs`` stops those that run.

        Returns:
            The dispatch, unchanged if it had ended.

        Raises:
            NotFoundError: The table or dispatch does not exist.
        """
        return send.one(TableDispatch)
