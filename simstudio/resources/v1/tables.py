"""``client.v1.tables``: tables of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v1.tables import DeletedTable, NewSchema, Table, TableSchema
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v1.table_columns import TableColumns
    from simstudio.resources.v1.table_rows import TableRows


class Tables(APIResource[M]):
    """Tables of a workspace."""

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
        """List the tables of a workspace, all in one page; ``page().extra["totalCount"]`` is their number.

        Raises:
            PermissionDeniedError: No workspace has this id, or the API key may not see it.

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
        """Create a table.

        Args:
            name: Letters, digits and underscores, not starting with a digit; unique in the workspace.
            schema: At least one column, with the wire names; ``schema`` of another table is accepted.

        Raises:
            InvalidRequestError: A name or column is invalid (``details``), the name is taken, or the plan's limit is
                reached.

        Example:
            >>> columns = [{"name": "sku", "type": "string", "unique": True}]  # doctest: +SKIP
            >>> client.v1.tables.create("workspace-id", name="stock", schema={"columns": columns}).id  # doctest: +SKIP
        """
        return send.one(Table, "data", "table")

    @endpoint("GET", "/api/v1/tables/{tableId}", "getTable")
    def get(self, send: Sender, table_id: str, *, workspace_id: str) -> Flow[Table]:
        """Retrieve a table.

        Args:
            table_id: Id of the form ``tbl_…``.

        Raises:
            NotFoundError: No table has this id.

        Example:
            >>> table = client.v1.tables.get("tbl_1", workspace_id="workspace-id")  # doctest: +SKIP
            >>> [column.name for column in table.schema.columns]  # doctest: +SKIP
        """
        return send.one(Table, "data", "table")

    @endpoint("DELETE", "/api/v1/tables/{tableId}", "deleteTable")
    def delete(self, send: Sender, table_id: str, *, workspace_id: str) -> Flow[DeletedTable]:
        """Archive a table.

        Raises:
            NotFoundError: No table has this id, or it has been archived before.
        """
        return send.one(DeletedTable)
