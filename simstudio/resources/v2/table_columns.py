"""``client.v2.tables.columns``: columns of a table. Each change returns all columns of the table, in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.parameters import body
from simstudio.core.resource import APIResource
from simstudio.models.v2.table_params import ColumnChanges, PlacedColumn
from simstudio.models.v2.tables import TableColumn, TableSchema, UpdatedSchema
from simstudio.resources.parameters import WorkspaceId
from simstudio.transport.flow import Flow

_COLUMNS = "/api/v2/tables/{tableId}/columns"


class TableColumns(APIResource[M]):
    """Changes of a table's columns; ``schema`` of the table lists them."""

    @endpoint("POST", _COLUMNS, "addTableColumn")
    def add(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        column: PlacedColumn | TableColumn | Mapping[str, Any],
    ) -> Flow[TableSchema]:
        """Add a column.

        Args:
            column: ``name`` (at most 50 characters) and ``type``; optionally ``required``, ``unique``, ``position``
                (from 0), ``options`` and ``multiple`` of a ``select``, ``currencyCode`` of a ``currency``.

        Raises:
            InvalidRequestError: The column is invalid, or its name is taken.
            LockedError: The table's columns are locked.

        Example:
            >>> qty = {"name": "qty", "type": "number"}  # doctest: +SKIP
            >>> client.v2.tables.columns.add("tbl_1", workspace_id="workspace-id", column=qty)  # doctest: +SKIP
        """
        return send.one(TableSchema)

    @endpoint("PATCH", _COLUMNS, "updateTableColumn")
    def update(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        column_name: str,
        updates: ColumnChanges | Mapping[str, Any],
    ) -> Flow[UpdatedSchema]:
        """Rename a column, or change its type, rules or choices.

        Args:
            updates: At least one of ``name``, ``type``, ``required``, ``unique``, ``options``, ``multiple`` and
                ``currencyCode``. Cells become null if their choice is no longer among ``options``.

        Raises:
            InvalidRequestError: No change was given, or existing rows prevent it.
            NotFoundError: The table or column does not exist.
            LockedError: The table's columns are locked.
        """
        return send.one(UpdatedSchema)

    @endpoint("DELETE", _COLUMNS, "deleteTableColumn")
    def delete(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: Annotated[WorkspaceId, body],
        column_name: Annotated[str, body],
    ) -> Flow[TableSchema]:
        """Delete a column and its values in all rows; returns the remaining columns.

        Raises:
            InvalidRequestError: The column does not exist, or is the last one.
            NotFoundError: No table has this id.
            LockedError: The table's columns are locked.
        """
        return send.one(TableSchema)
