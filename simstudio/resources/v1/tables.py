"""``client.v1.tables``: tables of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.namespace import namespace
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v1.tables import DeletedTable, NewSchema, Table, TableSchema
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v1.table_columns import TableColumns
    from simstudio.resources.v1.table_rows import TableRows


class Tables(APIResource[M]):
    """Tables of a workspace; ``columns`` and ``rows`` are what they hold."""

    @namespace
    def columns(self) -> TableColumns[M]:
        """Columns of a table."""
        from simstudio.resources.v1.table_columns import TableColumns

        return TableColumns(self._context, f"{self._name}.columns")

    @namespace
    def rows(self) -> TableRows[M]:
        """Rows of a table."""
        from simstudio.resources.v1.table_rows import TableRows

        return TableRows(self._context, f"{self._name}.rows")

    @paged("GET", "/api/v1/tables", "listTables")
    def list(self, send: Sender, workspace_id: str) -> Pages[Table]:
        """List the tables of a workspace; one page holds all.

        Args:
            workspace_id: Which workspace.

        Returns:
            The tables; ``page().extra["totalCount"]`` says how many.

        Raises:
            PermissionDeniedError: The key may not see the workspace.
            SimStudioError: Any other failure.

        Example:
            >>> for table in client.v1.tables.list("workspace-id"):  # doctest: +SKIP
            ...     print(table.name, table.row_count)
        """
        return send.pages(Table, "data", "tables")

    @endpoint("POST", "/api/v1/tables", "createTable")
    def create(
        self,
        send: Sender,
        workspace_id: str,
        *,
        name: str,
        schema: NewSchema | TableSchema,
        description: str | Unset = UNSET,
    ) -> Flow[Table]:
        """Make a table.

        Args:
            workspace_id: Where.
            name: Letters, digits and underscores, beginning with no digit; unique in the workspace.
            schema: Its columns, at least one, under the wire's names; another table's ``schema`` will do.
            description: What it is for.

        Returns:
            The table.

        Raises:
            InvalidRequestError: A name or a column is none (``details``), the name is taken, or the plan has no room.
            SimStudioError: Any other failure.

        Example:
            >>> columns = [{"name": "sku", "type": "string", "unique": True}]  # doctest: +SKIP
            >>> client.v1.tables.create("workspace-id", name="stock", schema={"columns": columns}).id  # doctest: +SKIP
        """
        return send.one(Table, "data", "table")

    @endpoint("GET", "/api/v1/tables/{tableId}", "getTable")
    def get(self, send: Sender, table_id: str, *, workspace_id: str) -> Flow[Table]:
        """Retrieve a table.

        Args:
            table_id: Its id, ``tbl_…``.
            workspace_id: Where it is.

        Returns:
            The table.

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> table = client.v1.tables.get("tbl_1", workspace_id="workspace-id")  # doctest: +SKIP
            >>> [column.name for column in table.schema.columns]  # doctest: +SKIP
        """
        return send.one(Table, "data", "table")

    @endpoint("DELETE", "/api/v1/tables/{tableId}", "deleteTable")
    def delete(self, send: Sender, table_id: str, *, workspace_id: str) -> Flow[DeletedTable]:
        """Archive a table.

        Args:
            table_id: Its id.
            workspace_id: Where it is.

        Returns:
            The server's sentence.

        Raises:
            NotFoundError: There is none of that id, or no more.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.tables.delete("tbl_1", workspace_id="workspace-id").message  # doctest: +SKIP
        """
        return send.one(DeletedTable)
