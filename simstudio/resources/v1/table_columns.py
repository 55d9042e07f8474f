"""``client.v1.tables.columns``: columns of a table. Each change gives all columns as they are then."""

from __future__ import annotations

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.resource import APIResource
from simstudio.models.v1.tables import ColumnChanges, PlacedColumn, TableColumn
from simstudio.transport.flow import Flow


class TableColumns(APIResource[M]):
    """Columns of a table; read them from the table's ``schema``."""

    @endpoint("POST", "/api/v1/tables/{tableId}/columns", "addColumn")
    def add(self, send: Sender, table_id: str, *, workspace_id: str, column: PlacedColumn) -> Flow[list[TableColumn]]:
        """Add a column.

        Args:
            table_id: To which table.
            workspace_id: Where that is.
            column: ``name``, ``type``, and, where wanted, ``required``, ``unique`` and ``position`` (from 0).

        Returns:
            All columns, in their order.

        Raises:
            InvalidRequestError: The type is none (``details``).
            NotFoundError: There is no such table.
            ServerError: The name is none: the server answers 500 to that (recording 210).
            SimStudioError: Any other failure.

        Example:
            >>> note = {"name": "note", "type": "string"}  # doctest: +SKIP
            >>> client.v1.tables.columns.add("tbl_1", workspace_id="workspace-id", column=note)  # doctest: +SKIP
        """
        return send.one(list[TableColumn], "data", "columns")

    @endpoint("PATCH", "/api/v1/tables/{tableId}/columns", "updateColumn")
    def update(
        self, send: Sender, table_id: str, *, workspace_id: str, column_name: str, updates: ColumnChanges
    ) -> Flow[list[TableColumn]]:
        """Rename a column, or change what it holds.

        Args:
            table_id: Of which table.
            workspace_id: Where that is.
            column_name: Which column.
            updates: At least one of ``name``, ``type``, ``required``, ``unique``.

        Returns:
            All columns, in their order.

        Raises:
            InvalidRequestError: Nothing is changed, or the rows do not allow it.
            NotFoundError: There is no such table or column.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.tables.columns.update(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", column_name="note", updates={"name": "remark"}
            ... )
        """
        return send.one(list[TableColumn], "data", "columns")

    @endpoint("DELETE", "/api/v1/tables/{tableId}/columns", "deleteColumn", body=("workspace_id", "column_name"))
    def delete(self, send: Sender, table_id: str, *, workspace_id: str, column_name: str) -> Flow[list[TableColumn]]:
        """Delete a column, and with it its values in all rows.

        Args:
            table_id: Of which table.
            workspace_id: Where that is.
            column_name: Which column.

        Returns:
            The columns that are left, in their order.

        Raises:
            NotFoundError: There is no such table or column.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.tables.columns.delete(  # doctest: +SKIP
            ...     "tbl_1", workspace_id="workspace-id", column_name="note"
            ... )
        """
        return send.one(list[TableColumn], "data", "columns")
