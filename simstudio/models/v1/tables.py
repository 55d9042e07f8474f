"""Tables of a workspace, their columns and rows in v1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from simstudio.core.model import Model, model
from simstudio.models.v2.tables import ColumnOption, TableLocks

if TYPE_CHECKING:
    from typing import TypeAlias

ColumnType: TypeAlias = Literal["string", "number", "boolean", "date", "json"]
"""Type of the values of a column."""


@model
class TableColumn(Model):
    """A column of a table.

    Attributes:
        name: Letters, digits and underscores; not a digit first.
        type: ``string``, ``number``, ``boolean``, ``date`` or ``json``; since v0.8 also ``currency`` or ``select``.
        required: Whether each row must have a value.
        unique: Whether no two rows may have the same value.
        id: ``col_…``; rows and filters do not accept it. None from servers before v0.8, as the next three.
        options: Choices of a ``select`` column.
        multiple: Whether a ``select`` column holds a list of choices.
        currency_code: Three letters, of a ``currency`` column.
    """

    name: str
    type: str | None = None
    required: bool | None = None
    unique: bool | None = None
    id: str | None = None
    options: list[ColumnOption] | None = None
    multiple: bool | None = None
    currency_code: str | None = None


@model
class TableSchema(Model):
    """The columns of a table.

    Attributes:
        columns: In their order.
    """

    columns: list[TableColumn]


@model
class Table(Model):
    """A table of a workspace.

    Attributes:
        id: ``tbl_…``.
        name: Unique in the workspace.
        max_rows: Number of rows that the workspace's plan allows.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        locks: None from servers before v0.8.
    """

    id: str
    name: str | None = None
    description: str | None = None
    schema: TableSchema | None = None
    row_count: int | None = None
    max_rows: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    locks: TableLocks | None = None


@model
class DeletedTable(Model):
    """The response to the deletion of a table, which is archived.

    Attributes:
        message: Text of the server.
    """

    message: str | None = None


@model
class TableRow(Model):
    """A row of a table.

    Attributes:
        id: ``row_…``.
        data: Values by column, as JSON data. Values of columns that the table lacks are kept.
        position: Position in the table, from 0; None in the response to an upsert.
        created_at: ISO 8601.
        updated_at: ISO 8601.
    """

    id: str
    data: dict[str, Any]
    position: int | None = None
    created_at: str | None = None
    updated_at: str | None = None


@model
class InsertedRows(Model):
    """The rows that were inserted.

    Attributes:
        rows: In the order of the request.
        message: Text of the server.
    """

    rows: list[TableRow] | None = None
    inserted_count: int | None = None
    message: str | None = None


@model
class UpdatedRows(Model):
    """The rows that were updated.

    Attributes:
        message: Text of the server.
    """

    message: str | None = None
    updated_count: int | None = None
    updated_row_ids: list[str] | None = None


@model
class DeletedRows(Model):
    """The rows that were deleted.

    Attributes:
        message: Text of the server.
        requested_count: Number of ids in the request; None if it had a filter.
        missing_row_ids: Ids of the request that are no rows of the table; None if there are none.
    """

    message: str | None = None
    deleted_count: int | None = None
    deleted_row_ids: list[str] | None = None
    requested_count: int | None = None
    missing_row_ids: list[str] | None = None


@model
class DeletedRow(Model):
    """The response to the deletion of a row.

    Attributes:
        message: Text of the server.
        deleted_count: 1.
    """

    message: str | None = None
    deleted_count: int | None = None


@model
class UpsertedRow(Model):
    """The row after an upsert.

    Attributes:
        row: Without its position.
        operation: ``insert`` or ``update``.
        message: Text of the server.
    """

    row: TableRow
    operation: str | None = None
    message: str | None = None


class _Column(TypedDict):
    name: str
    type: ColumnType


class NewColumn(_Column, total=False):
    """A new column, under its wire names; ``required`` and ``unique`` are False by default."""

    required: bool
    unique: bool


class PlacedColumn(NewColumn, total=False):
    """A new column of an existing table; ``position`` counts from 0, and the column comes last without it."""

    position: int


class ColumnChanges(TypedDict, total=False):
    """Changes of a column; keys that are left out stay as they are."""

    name: str
    type: ColumnType
    required: bool
    unique: bool


class NewSchema(TypedDict):
    """The columns of a new table: at least one."""

    columns: Sequence[NewColumn | TableColumn]


class RowChanges(TypedDict):
    """New values of a row; columns that are left out stay as they are."""

    rowId: str
    data: Mapping[str, Any]
