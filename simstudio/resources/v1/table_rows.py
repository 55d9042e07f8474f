"""``client.v1.tables.rows``: rows of a table.

A filter maps columns to values, or to operators and values: ``$eq $ne $gt $gte $lt $lte $in $nin $contains``, and
``$and`` and ``$or`` over lists of filters; an unknown operator is answered with 500 (NOTES 9, recordings 229 to 236).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, items
from simstudio.models.v1.tables import (
    DeletedRow,
    DeletedRows,
    InsertedRows,
    RowChanges,
    TableRow,
    UpdatedRows,
    UpsertedRow,
)
from simstudio.resources.v1.bodies import measured
from simstudio.resources.v1.offset_pages import OffsetPages
from simstudio.transport.flow import Flow

_ROWS = "/api/v1/tables/{tableId}/rows"
_ROW = "/api/v1/tables/{tableId}/rows/{rowId}"


class TableRows(APIResource[M]):
    """Rows of a table."""

    @paged("GET", _ROWS, "listRows", local=("cursor",), limits={"limit": between(1, 1000), "offset": between(0)})
    def list(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        filter: Mapping[str, Any] | None = None,
        sort: Mapping[str, Literal["asc", "desc"]] | None = None,
        limit: int | None = 100,
        offset: int | None = None,
        cursor: str | None = None,
    ) -> Pages[TableRow]:
        """List rows.

        Args:
            table_id: Of which table.
            workspace_id: Where that is.
            filter: Only these; see the module.
            sort: ``asc`` or ``desc`` by column, the first column first; by position where it is not given.
            limit: Rows a page, 1 to 1,000; with None the server sends all in one answer, as it does whenever it is told
                no limit (recording 228), so the documented default of 100 is sent.
            offset: Rows to leave out at the beginning.
            cursor: Where to go on, instead of ``offset``: ``next_cursor`` of an earlier page with the same filter and
                order.

        Returns:
            The rows, over all pages; ``extra["totalCount"]`` of a page says how many match.

        Raises:
            InvalidRequestError: The filter or the order is none (``details``).
            NotFoundError: There is no such table.
            SimStudioError: Any other failure.

        Example:
            >>> rows = client.v1.tables.rows.list(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", filter={"qty": {"$gt": 2}}, sort={"qty": "desc"}
            ... )
            >>> [row.data["sku"] for row in rows]  # doctest: +SKIP
        """
        return OffsetPages(send, TableRow, "data", "rows")

    @endpoint(
        "POST",
        _ROWS,
        "insertRows",
        limits={"position": between(0), "rows": items(1, 1000), "positions": items(None, 1000)},
    )
    def insert(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        data: Mapping[str, Any] | Unset = UNSET,
        position: int | Unset = UNSET,
        rows: Sequence[Mapping[str, Any]] | Unset = UNSET,
        positions: Sequence[int] | Unset = UNSET,
    ) -> Flow[InsertedRows]:
        """Insert one row (``data``) or several (``rows``); several all or none.

        Args:
            table_id: Into which table.
            workspace_id: Where that is.
            data: Values of one row by column; columns that the table does not have are kept (recording 223).
            position: Where the row comes, from 0; at the end where it is not given.
            rows: Values of 1 to 1,000 rows.
            positions: Where they come, one number a row.

        Returns:
            ``row`` of one, ``rows`` and ``inserted_count`` of several.

        Raises:
            InvalidRequestError: A row does not fit the columns, or repeats a unique value. ``details`` is a list of
                texts for one row, of ``{"row": index, "errors": […]}`` for several (recordings 220, 222, 224).
            InvalidInputError: More than 10 MiB, or more rows than one insertion takes.
            SimStudioError: Any other failure.

        Example:
            >>> rows = [{"sku": "B1"}, {"sku": "B2"}]  # doctest: +SKIP
            >>> client.v1.tables.rows.insert("tbl_1", workspace_id="workspace-id", rows=rows)  # doctest: +SKIP
        """
        return send.one(InsertedRows, **measured(send))

    @endpoint("PUT", _ROWS, "updateRows", limits={"limit": between(1, 1000)})
    def update_many(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        filter: Mapping[str, Any],
        data: Mapping[str, Any],
        limit: int | Unset = UNSET,
    ) -> Flow[UpdatedRows]:
        """Give the same values to all rows that match.

        Args:
            table_id: Of which table.
            workspace_id: Where that is.
            filter: Which rows; not empty; see the module.
            data: New values by column; other columns stay.
            limit: Rows to change at most, 1 to 1,000.

        Returns:
            Which rows were changed.

        Raises:
            InvalidRequestError: The filter is empty, a value does not fit, or several rows would get the same value in
                a unique column (recording 250).
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.tables.rows.update_many(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", filter={"qty": {"$lt": 1}}, data={"active": False}
            ... ).updated_count
        """
        return send.one(UpdatedRows, **measured(send))

    @endpoint("PATCH", _ROWS, "batchUpdateRows", limits={"updates": items(1, 1000)})
    def batch_update(
        self, send: Sender, table_id: str, *, workspace_id: str, updates: Sequence[RowChanges]
    ) -> Flow[UpdatedRows]:
        """Give several rows values of their own.

        Args:
            table_id: Of which table.
            workspace_id: Where that is.
            updates: 1 to 1,000 of ``{"rowId": …, "data": …}``.

        Returns:
            Which rows were changed.

        Raises:
            InvalidRequestError: A value does not fit, or a row is not there.
            InvalidInputError: More than 10 MiB, or more rows than one update takes.
            SimStudioError: Any other failure.

        Example:
            >>> updates = [{"rowId": "row_1", "data": {"qty": 3}}]  # doctest: +SKIP
            >>> client.v1.tables.rows.batch_update("tbl_1", workspace_id="ws", updates=updates)  # doctest: +SKIP
        """
        return send.one(UpdatedRows, **measured(send))

    @endpoint(
        "DELETE",
        _ROWS,
        "deleteRows",
        body=("workspace_id", "filter", "limit", "row_ids"),
        limits={"limit": between(1, 1000), "row_ids": items(None, 1000)},
    )
    def delete_many(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        filter: Mapping[str, Any] | Unset = UNSET,
        limit: int | Unset = UNSET,
        row_ids: Sequence[str] | Unset = UNSET,
    ) -> Flow[DeletedRows]:
        """Delete the rows that match, or those of the given ids.

        Args:
            table_id: Of which table.
            workspace_id: Where that is.
            filter: Which rows; see the module.
            limit: Rows to delete at most, 1 to 1,000; for a filter.
            row_ids: Up to 1,000 ids. Not together with ``filter``: the server would not look at them (recording 262).

        Returns:
            Which rows were deleted, and for ids also which were not there.

        Raises:
            InvalidRequestError: Neither a filter nor ids.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.tables.rows.delete_many(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", row_ids=["row_1", "row_2"]
            ... ).missing_row_ids
        """
        return send.one(DeletedRows)

    @endpoint("GET", _ROW, "getRow")
    def get(self, send: Sender, table_id: str, row_id: str, *, workspace_id: str) -> Flow[TableRow]:
        """Retrieve a row.

        Args:
            table_id: Of which table.
            row_id: Its id, ``row_…``.
            workspace_id: Where the table is.

        Returns:
            The row.

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.tables.rows.get("tbl_1", "row_1", workspace_id="workspace-id").data  # doctest: +SKIP
            {'sku': 'A1'}
        """
        return send.one(TableRow, "data", "row")

    @endpoint("PATCH", _ROW, "updateRow")
    def update(
        self, send: Sender, table_id: str, row_id: str, *, workspace_id: str, data: Mapping[str, Any]
    ) -> Flow[TableRow]:
        """Give a row new values.

        Args:
            table_id: Of which table.
            row_id: Its id.
            workspace_id: Where the table is.
            data: New values by column; other columns stay, and None is a value (recordings 243, 244).

        Returns:
            The whole row as it is then.

        Raises:
            InvalidRequestError: A value does not fit.
            NotFoundError: There is no such row.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.tables.rows.update(  # doctest: +SKIP
            ...     "tbl_1", "row_1", workspace_id="workspace-id", data={"qty": 6}
            ... )
        """
        return send.one(TableRow, "data", "row", **measured(send))

    # The digest has workspaceId in a body here; the real server was asked with it in the query (recordings 256, 257).
    @endpoint("DELETE", _ROW, "deleteRow")
    def delete(self, send: Sender, table_id: str, row_id: str, *, workspace_id: str) -> Flow[DeletedRow]:
        """Delete a row.

        Args:
            table_id: Of which table.
            row_id: Its id.
            workspace_id: Where the table is.

        Returns:
            The server's sentence.

        Raises:
            NotFoundError: There is none of that id, or no more.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.tables.rows.delete("tbl_1", "row_1", workspace_id="workspace-id")  # doctest: +SKIP
        """
        return send.one(DeletedRow)

    @endpoint("POST", "/api/v1/tables/{tableId}/rows/upsert", "upsertRow")
    def upsert(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        data: Mapping[str, Any],
        conflict_target: str | Unset = UNSET,
    ) -> Flow[UpsertedRow]:
        """Insert a row, or update the one that has the same value in a unique column.

        Args:
            table_id: Of which table.
            workspace_id: Where that is.
            data: Its values by column.
            conflict_target: The unique column; may be left out where the table has one only.

        Returns:
            The row, without its position, and whether it was inserted or updated.

        Raises:
            InvalidRequestError: The table has no unique column or several, the one named is none, or a value does not
                fit.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.tables.rows.upsert(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", data={"sku": "A1", "qty": 2}
            ... ).operation
            'update'
        """
        return send.one(UpsertedRow, **measured(send))
