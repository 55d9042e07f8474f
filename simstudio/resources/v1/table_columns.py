"""``client.v1.tables.columns``: columns of a table. Each change returns all columns of the table, in order."""

from __future__ import annotations

from typing import Annotated

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.parameters import body
from simstudio.core.resource import APIResource
from simstudio.models.v1.tables import ColumnChanges, PlacedColumn, TableColumn
from simstudio.transport.flow import Flow


class TableColumns(APIResource[M]):
    """Changes of a table's columns; the table's ``schema`` lists them."""

    @endpoint("POST", "/api/v1/tables/{tableId}/columns", "addColumn")
    def add(self, send: Sender, table_id: str, *, workspace_id: str, column: PlacedColumn) -> Flow[list[TableColumn]]:
        """Add a column; returns all columns.

        Args:
            column: ``name`` and ``type``; optionally ``required``, ``unique`` and ``position`` (from 0).

        Raises:
            InvalidRequestError: The type is invalid (``details``).
            NotFoundError: No table has this id.
            ServerError: The name is invalid (the server responds with 500).

        Example:
            >>> note = {"name": "note", "type": "string"}  # doctest: +SKIP
            >>> client.v1.tables.columns.add("tbl_1", workspace_id="workspace-id", column=note)  # doctest: +SKIP
        """
        return send.one(list[TableColumn], "data", "columns")

    @endpoint("PATCH", "/api/v1/tables/{tableId}/columns", "updateColumn")
    def update(
        self, send: Sender, table_id: str, *, workspace_id: str, column_name: str, updates: ColumnChanges
    ) -> Flow[list[TableColumn]]:
        """Rename a column, or change its type or constraints; returns all columns.

        Args:
            updates: At least one of ``name``, ``type``, ``required`` and ``unique``.

        Raises:
            InvalidRequestError: No change was given, or existing rows prevent it.
            NotFoundError: The table or column does not exist.

        Example:
            >>> client.v1.tables.columns.update(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", column_name="note", updates={"name": "remark"}
            ... )
        """
        return send.one(list[TableColumn], "data", "columns")

    @endpoint("DELETE", "/api/v1/tables/{tableId}/columns", "deleteColumn")
    def delete(
        self, send: Sender, table_id: str, *, workspace_id: Annotated[str, body], column_name: Annotated[str, body]
    ) -> Flow[list[TableColumn]]:
        """Delete a column and its values in all rows; returns the remaining columns.

        Raises:
            NotFoundError: The table or column does not exist.
        """
        return send.one(list[TableColumn], "data", "columns")
