"""``client.v2.tables.rows``: rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, body, items, length, local
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.table_filters import RowFilter, RowOrder, RowPredicate
from simstudio.models.v2.table_rows import (
    DeletedRows,
    RowCount,
    RowMatches,
    TableRow,
    UpdatedRows,
    UpsertedRow,
)
from simstudio.models.v2.table_values import RowData
from simstudio.resources.parameters import WorkspaceId
from simstudio.resources.v2.table_row_writes import ROWS, TableRowWrites
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.core.frames import Layout

_ROW = "/api/v2/tables/{tableId}/rows/{rowId}"
_QUERY = "/api/v2/tables/{tableId}/query"

_Limit = Annotated[int | None, between(1, 1000)]


class TableRows(TableRowWrites[M]):
    """Rows of a table. Their values, filters and orders name columns; ids of columns are not accepted.

    Filters and orders are written with :mod:`simstudio.models.v2.table_filters`, or as JSON data.
    """

    @paged("GET", ROWS, "listTableRows")
    def list(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        limit: _Limit = None,
        cursor: str | None = None,
        include_run_state: bool | None = None,
    ) -> Pages[TableRow]:
        """List all rows in the order of the table.

        No row is left out or repeated because others are inserted or deleted meanwhile. ``to_dataframe()`` of the list
        has the columns and types of the table.

        Args:
            limit: Rows per page, 1 to 1,000, or 200 with ``include_run_state``; default 100. Pages of more than 5 MB
                are shorter.
            cursor: ``next_cursor`` of an earlier page.
            include_run_state: Fill ``run_state`` of the rows.

        Raises:
            NotFoundError: No table has this id.

        Example:
            >>> for row in client.v2.tables.rows.list("tbl_1", workspace_id="ws", limit=1000):  # doctest: +SKIP
            ...     print(row.id, row.data)
        """
        return send.pages(TableRow).laid_out(partial(self._layout, table_id, workspace_id))

    @paged("POST", _QUERY, "queryTableRows")
    def query(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        predicate: RowPredicate | Unset = UNSET,
        sort: RowOrder | Unset = UNSET,
        limit: Annotated[int | Unset, between(0, 1000)] = UNSET,
        cursor: str | Unset = UNSET,
        include_run_state: bool | Unset = UNSET,
    ) -> Pages[TableRow]:
        """List the rows that match a filter.

        With ``sort`` the server counts off the rows of earlier pages: if rows are inserted or deleted meanwhile, others
        are left out or repeated. Without it none are.

        Args:
            predicate: Default: all rows.
            sort: The first column first; default: in the order of the table.
            limit: Rows per page, 1 to 1,000, or 200 with ``include_run_state``; default 100. 0: all rows in one page of
                at most 5 MB.
            cursor: ``next_cursor`` of an earlier page with the same filter and order.
            include_run_state: Fill ``run_state`` of the rows.

        Raises:
            InvalidRequestError: A column or value of the filter or order is invalid, or the page would be too large
                (``details["code"]``).
            NotFoundError: No table has this id.

        Example:
            >>> from simstudio.models.v2.table_filters import column
            >>> rows = client.v2.tables.rows.query(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", predicate=column("qty") > 2, sort=[column("qty").desc()]
            ... )
            >>> [row.data["sku"] for row in rows]  # doctest: +SKIP
        """
        return send.pages(TableRow).laid_out(partial(self._layout, table_id, workspace_id))

    @endpoint("POST", _QUERY + "/count", "countTableRows", resend="read")
    def count(
        self, send: Sender, table_id: str, *, workspace_id: WorkspaceId, predicate: RowPredicate | Unset = UNSET
    ) -> Flow[RowCount]:
        """Count the rows that match a filter.

        Args:
            predicate: Default: all rows.

        Raises:
            InvalidRequestError: A column or value of the filter is invalid.
            NotFoundError: No table has this id.
        """
        return send.one(RowCount)

    @endpoint("POST", ROWS + "/search", "searchTableRows", resend="read")
    def search(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        q: Annotated[str, length(1, 200)],
        predicate: RowFilter | Unset = UNSET,
        sort: RowOrder | Unset = UNSET,
    ) -> Flow[RowMatches]:
        """Find the cells that contain a text, at most 1,000.

        Args:
            q: 1 to 200 characters.
            predicate: Only rows that match.
            sort: Order in which the rows are counted; default: the order of the table.

        Raises:
            NotFoundError: No table has this id.
        """
        return send.one(RowMatches)

    @endpoint("POST", ROWS, "createTableRows")
    def insert(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        data: RowData,
        after_row_id: str | Unset = UNSET,
        before_row_id: str | Unset = UNSET,
    ) -> Flow[TableRow]:
        """Insert a row. A second call inserts a second row: see :meth:`upsert`.

        Args:
            data: Values by column. Text that is a number is stored as a number in such a column.
            after_row_id: Row before it; default: at the end.
            before_row_id: Row after it.

        Raises:
            InvalidRequestError: A value does not fit its column, or repeats a unique value (``details``).
            NotFoundError: No table has this id.
            LockedError: Rows cannot be inserted.

        Example:
            >>> row = {"sku": "B1", "qty": 3}  # doctest: +SKIP
            >>> client.v2.tables.rows.insert("tbl_1", workspace_id="workspace-id", data=row).id  # doctest: +SKIP
        """
        return send.one(TableRow)

    @endpoint("POST", ROWS + "/upsert", "upsertTableRow")
    def upsert(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        data: RowData,
        conflict_target: str | Unset = UNSET,
    ) -> Flow[UpsertedRow]:
        """Insert a row, or replace the row that has the same value in a unique column.

        Args:
            data: All values of the row: columns that are left out become empty.
            conflict_target: The unique column; may be left out if the table has only one.

        Raises:
            InvalidRequestError: The table has no such unique column, or a value does not fit its column.
            NotFoundError: No table has this id.
            LockedError: Rows cannot be inserted or updated.

        Example:
            >>> client.v2.tables.rows.upsert(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", data={"sku": "A1", "qty": 2}
            ... ).operation
            'update'
        """
        return send.one(UpsertedRow)

    @endpoint("GET", _ROW, "getTableRow")
    def get(
        self,
        send: Sender,
        table_id: str,
        row_id: str,
        *,
        workspace_id: WorkspaceId,
        include_run_state: bool | None = None,
    ) -> Flow[TableRow]:
        """Retrieve a row.

        Args:
            include_run_state: Fill ``run_state``.

        Raises:
            NotFoundError: The table or row does not exist.
        """
        return send.one(TableRow)

    @endpoint("PATCH", _ROW, "updateTableRow")
    def update(
        self, send: Sender, table_id: str, row_id: str, *, workspace_id: WorkspaceId, data: RowData
    ) -> Flow[TableRow]:
        """Change values of a row; returns the whole row.

        Args:
            data: New values by column; None is stored as null. Other columns keep theirs.

        Raises:
            InvalidRequestError: A value does not fit its column, or repeats a unique value.
            NotFoundError: The table or row does not exist.
            LockedError: Rows cannot be updated.
        """
        return send.one(TableRow)

    @endpoint("PATCH", ROWS, "updateTableRows")
    def update_by_filter(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        filter: RowFilter,
        data: RowData,
        limit: _Limit,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[UpdatedRows]:
        """Set the same values in the rows that match a filter. It is never sent again once it may have been received.

        Args:
            data: New values by column; other columns keep theirs.
            limit: Largest number of rows to change, 1 to 1,000; None: all that match, however many. The server took 103
                seconds for 125,000 rows.
            timeout: Seconds for the call; None for no limit; default: the client's timeout. The server continues after
                it.

        Raises:
            InvalidRequestError: A column does not exist, or a value does not fit its column.
            NotFoundError: No table has this id.
            LockedError: Rows cannot be updated.

        Example:
            >>> from simstudio.models.v2.table_filters import column
            >>> client.v2.tables.rows.update_by_filter(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="ws", filter=column("qty") < 1, data={"active": False}, limit=100
            ... ).updated_count
        """
        return send.one(UpdatedRows, json=_without_null_limit(send), timeout=timeout)

    @endpoint("DELETE", _ROW, "deleteTableRow")
    def delete(self, send: Sender, table_id: str, row_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Delete a row.

        Raises:
            NotFoundError: The table or row does not exist.
            LockedError: Rows cannot be deleted.
        """
        return send.one(Deleted)

    @endpoint("DELETE", ROWS, "deleteTableRows")
    def bulk_delete(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: Annotated[WorkspaceId, body],
        row_ids: Annotated[Sequence[str], body, items(1, 1000)],
    ) -> Flow[DeletedRows]:
        """Delete 1 to 1,000 rows by their ids.

        Returns:
            Ids of the deleted rows, and ids that do not exist, which are no error.

        Raises:
            NotFoundError: No table has this id.
            LockedError: Rows cannot be deleted.
        """
        return send.one(DeletedRows)

    @endpoint("DELETE", ROWS, "deleteTableRows")
    def delete_by_filter(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: Annotated[WorkspaceId, body],
        filter: Annotated[RowFilter, body],
        limit: Annotated[_Limit, body],
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[DeletedRows]:
        """Delete the rows that match a filter. It is never sent again once it may have been received.

        Args:
            limit: Largest number of rows to delete, 1 to 1,000; None: all that match, however many.
            timeout: Seconds for the call; None for no limit; default: the client's timeout. The server continues after
                it.

        Raises:
            InvalidRequestError: A column does not exist, or a value does not fit its column.
            NotFoundError: No table has this id.
            LockedError: Rows cannot be deleted.
        """
        return send.one(DeletedRows, json=_without_null_limit(send), timeout=timeout)

    def _layout(self, table_id: str, workspace_id: str) -> Flow[Layout]:
        """The columns of a data frame of the table's rows."""
        from simstudio.resources.table_frames import layout_of

        return layout_of((yield from self._fetch_table(table_id, workspace_id)).schema.columns)


def _without_null_limit(send: Sender) -> dict[str, Any]:
    """The body, in which no limit is a missing one: the server refuses null."""
    return {name: value for name, value in (send.body or {}).items() if name != "limit" or value is not None}
