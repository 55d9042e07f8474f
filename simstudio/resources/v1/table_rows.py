"""``client.v1.tables.rows``: rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from simstudio.core.conversion import structure
from simstudio.core.endpoint import Sender, endpoint, extract, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, body, items, local
from simstudio.core.resource import APIResource
from simstudio.models.v1.tables import (
    DeletedRow,
    DeletedRows,
    InsertedRows,
    RowChanges,
    Table,
    TableRow,
    UpdatedRows,
    UpsertedRow,
)
from simstudio.resources.bodies import json_body
from simstudio.resources.v1.offset_pages import OffsetPages
from simstudio.transport.endpoint import segment
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.core.frames import Layout

_ROWS = "/api/v1/tables/{tableId}/rows"
_ROW = "/api/v1/tables/{tableId}/rows/{rowId}"


class TableRows(APIResource[M]):
    """Rows of a table.

    A ``filter`` maps columns to values, or to operators with values: ``$eq``, ``$ne``, ``$gt``, ``$gte``, ``$lt``,
    ``$lte``, ``$in``, ``$nin`` and ``$contains``; ``$and`` and ``$or`` take lists of filters. The server responds with
    500 to an unknown operator.
    """

    @paged("GET", _ROWS, "listRows")
    def list(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        filter: Mapping[str, Any] | None = None,
        sort: Mapping[str, Literal["asc", "desc"]] | None = None,
        limit: Annotated[int | None, between(1, 1000)] = 100,
        offset: Annotated[int | None, between(0)] = None,
        cursor: Annotated[str | None, local] = None,
    ) -> Pages[TableRow]:
        """List rows; ``extra["totalCount"]`` of a page is the number of matches.

        Args:
            filter: See :class:`TableRows`.
            sort: ``asc`` or ``desc`` by column, the first column first; default: by position.
            limit: Rows per page, 1 to 1,000; None: all rows in one response.
            offset: Number of rows to skip.
            cursor: ``next_cursor`` of an earlier page with the same filter and order; replaces ``offset``.

        Raises:
            InvalidRequestError: The filter or order is invalid (``details``).
            NotFoundError: No table has this id.

        Example:
            >>> rows = client.v1.tables.rows.list(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", filter={"qty": {"$gt": 2}}, sort={"qty": "desc"}
            ... )
            >>> [row.data["sku"] for row in rows]  # doctest: +SKIP
        """
        return OffsetPages(send, TableRow, "data", "rows").laid_out(partial(self._layout, table_id, workspace_id))

    @endpoint("POST", _ROWS, "insertRows")
    def insert(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        data: Mapping[str, Any],
        position: Annotated[int | Unset, between(0)] = UNSET,
    ) -> Flow[TableRow]:
        """Insert a row.

        Args:
            data: Values by column; values of unknown columns are stored as well.
            position: Position of the row, from 0; default: at the end.

        Raises:
            InvalidRequestError: A value does not fit its column, or repeats a unique value (``details``).
            InvalidInputError: The body exceeds 10 MiB.

        Example:
            >>> row = {"sku": "B1"}  # doctest: +SKIP
            >>> client.v1.tables.rows.insert("tbl_1", workspace_id="workspace-id", data=row).id  # doctest: +SKIP
        """
        return send.one(TableRow, "data", "row", **json_body(send))

    @endpoint("POST", _ROWS, "insertRows")
    def insert_many(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        rows: Annotated[Sequence[Mapping[str, Any]], items(1, 1000)],
        positions: Annotated[Sequence[int] | Unset, items(None, 1000)] = UNSET,
    ) -> Flow[InsertedRows]:
        """Insert several rows: all of them, or none.

        Args:
            rows: Values of 1 to 1,000 rows by column; values of unknown columns are stored as well.
            positions: Positions of the rows, one for each, from 0; default: at the end.

        Raises:
            InvalidRequestError: A value does not fit its column, or repeats a unique value; ``details`` is a list of
                ``{"row": index, "errors": […]}``.
            InvalidInputError: The body exceeds 10 MiB, or there are more than 1,000 rows.

        Example:
            >>> rows = [{"sku": "B1"}, {"sku": "B2"}]  # doctest: +SKIP
            >>> client.v1.tables.rows.insert_many("tbl_1", workspace_id="workspace-id", rows=rows)  # doctest: +SKIP
        """
        return send.one(InsertedRows, **json_body(send))

    @endpoint("PUT", _ROWS, "updateRows")
    def update_many(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        filter: Mapping[str, Any],
        data: Mapping[str, Any],
        limit: Annotated[int | Unset, between(1, 1000)] = UNSET,
    ) -> Flow[UpdatedRows]:
        """Set the same values in all rows that match a filter.

        Args:
            filter: Must not be empty; see :class:`TableRows`.
            data: New values by column; other columns keep theirs.
            limit: Largest number of rows to change, 1 to 1,000.

        Raises:
            InvalidRequestError: The filter is empty, a value does not fit its column, or a unique value would repeat.

        Example:
            >>> client.v1.tables.rows.update_many(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", filter={"qty": {"$lt": 1}}, data={"active": False}
            ... ).updated_count
        """
        return send.one(UpdatedRows, **json_body(send))

    @endpoint("PATCH", _ROWS, "batchUpdateRows")
    def batch_update(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: str,
        updates: Annotated[Sequence[RowChanges], items(1, 1000)],
    ) -> Flow[UpdatedRows]:
        """Set different values in several rows.

        Args:
            updates: 1 to 1,000 of ``{"rowId": …, "data": …}``.

        Raises:
            InvalidRequestError: A value does not fit its column, or a row does not exist.
            InvalidInputError: The body exceeds 10 MiB, or there are more than 1,000 updates.

        Example:
            >>> updates = [{"rowId": "row_1", "data": {"qty": 3}}]  # doctest: +SKIP
            >>> client.v1.tables.rows.batch_update("tbl_1", workspace_id="ws", updates=updates)  # doctest: +SKIP
        """
        return send.one(UpdatedRows, **json_body(send))

    @endpoint("DELETE", _ROWS, "deleteRows")
    def delete_many(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: Annotated[str, body],
        filter: Annotated[Mapping[str, Any] | Unset, body] = UNSET,
        limit: Annotated[int | Unset, body, between(1, 1000)] = UNSET,
        row_ids: Annotated[Sequence[str] | Unset, body, items(None, 1000)] = UNSET,
    ) -> Flow[DeletedRows]:
        """Delete the rows that match a filter, or the rows with the given ids.

        Args:
            filter: See :class:`TableRows`.
            limit: Largest number of rows to delete by ``filter``, 1 to 1,000.
            row_ids: At most 1,000 ids. The server ignores them if ``filter`` is given.

        Returns:
            The ids of the deleted rows; with ``row_ids`` also the ids that do not exist.

        Raises:
            InvalidRequestError: Neither ``filter`` nor ``row_ids`` was given.

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
            row_id: Id of the form ``row_…``.

        Raises:
            NotFoundError: No row has this id.

        Example:
            >>> client.v1.tables.rows.get("tbl_1", "row_1", workspace_id="workspace-id").data  # doctest: +SKIP
            {'sku': 'A1'}
        """
        return send.one(TableRow, "data", "row")

    @endpoint("PATCH", _ROW, "updateRow")
    def update(
        self, send: Sender, table_id: str, row_id: str, *, workspace_id: str, data: Mapping[str, Any]
    ) -> Flow[TableRow]:
        """Change values of a row; returns the whole row.

        Args:
            data: New values by column; None is a value. Other columns keep theirs.

        Raises:
            InvalidRequestError: A value does not fit its column.
            NotFoundError: No row has this id.
        """
        return send.one(TableRow, "data", "row", **json_body(send))

    # Sim's documents have workspaceId in a body here, but the server reads it from the query.
    @endpoint("DELETE", _ROW, "deleteRow")
    def delete(self, send: Sender, table_id: str, row_id: str, *, workspace_id: str) -> Flow[DeletedRow]:
        """Delete a row.

        Raises:
            NotFoundError: No row has this id, or it has been deleted before.
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
        """Insert a row, or update the row that has the same value in a unique column.

        Args:
            data: Values of the row by column.
            conflict_target: The unique column; may be omitted if the table has only one.

        Returns:
            The row without its position, and whether it was inserted or updated.

        Raises:
            InvalidRequestError: ``conflict_target`` is not a unique column, is missing although there are several or
                none, or a value does not fit its column.

        Example:
            >>> client.v1.tables.rows.upsert(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", data={"sku": "A1", "qty": 2}
            ... ).operation
            'update'
        """
        return send.one(UpsertedRow, **json_body(send))

    def _layout(self, table_id: str, workspace_id: str) -> Flow[Layout]:
        """The columns of a data frame of the table's rows."""
        from simstudio.resources.table_frames import layout_of  # few programs make data frames

        path = f"/api/v1/tables/{segment(table_id, 'table_id')}"
        response = yield from self._call(
            self._request("GET", path, params={"workspaceId": workspace_id}, resend="read")
        )
        table = structure(extract(response, ("data", "table")), Table, response=response)
        return layout_of(table.schema.columns if table.schema is not None else ())
