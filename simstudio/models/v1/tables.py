"""Tables of a workspace, their columns and rows, in v1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from simstudio.core.model import Model, model

if TYPE_CHECKING:
    from typing import TypeAlias

ColumnType: TypeAlias = Literal["string", "number", "boolean", "date", "json"]
"""What a column may hold."""


@model
class TableColumn(Model):
    """A column of a table.

    Attributes:
        name: Letters, digits and underscores, beginning with no digit.
        type: ``string``, ``number``, ``boolean``, ``date`` or ``json``.
        required: Whether every row must have a value.
        unique: Whether no two rows may have the same value.
    """

    name: str
    type: str | None = None
    required: bool | None = None
    unique: bool | None = None


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
        description: What it is for.
        schema: Its columns.
        row_count: Rows it has.
        max_rows: Rows it may have on the workspace's plan.
        created_at: ISO 8601.
        updated_at: ISO 8601.
    """

    id: str
    name: str | None = None
    description: str | None = None
    schema: TableSchema | None = None
    row_count: int | None = None
    max_rows: int | None = None
    created_at: str | None = None
    updated_at: str | None = None


@model
class DeletedTable(Model):
    """The answer to a table's deletion.

    Attributes:
        message: The server's sentence: tables are archived.
    """

    message: str | None = None


@model
class TableRow(Model):
    """A row of a table.

    Attributes:
        id: ``row_…``.
        data: Values by column, as plain JSON data. Sim also stores columns that the table does not have.
        position: Position in the table, from 0; None in the response of an upsert.
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
    """What an insertion made: one row or several, as it was asked for.

    Attributes:
        row: Of an insertion of one (``data=``).
        rows: Of an insertion of several (``rows=``), in their order.
        inserted_count: How many, of several.
        message: The server's sentence.
    """

    row: TableRow | None = None
    rows: list[TableRow] | None = None
    inserted_count: int | None = None
    message: str | None = None


@model
class UpdatedRows(Model):
    """What an update of several rows changed.

    Attributes:
        message: The server's sentence.
        updated_count: How many rows.
        updated_row_ids: Which.
    """

    message: str | None = None
    updated_count: int | None = None
    updated_row_ids: list[str] | None = None


@model
class DeletedRows(Model):
    """What a deletion of several rows removed.

    Attributes:
        message: The server's sentence.
        deleted_count: How many rows.
        deleted_row_ids: Which.
        requested_count: How many ids were given (only where ids were).
        missing_row_ids: Which of them are no rows of the table; None where there are none.
    """

    message: str | None = None
    deleted_count: int | None = None
    deleted_row_ids: list[str] | None = None
    requested_count: int | None = None
    missing_row_ids: list[str] | None = None


@model
class DeletedRow(Model):
    """The answer to a row's deletion.

    Attributes:
        message: The server's sentence.
        deleted_count: 1.
    """

    message: str | None = None
    deleted_count: int | None = None


@model
class UpsertedRow(Model):
    """What an upsert did.

    Attributes:
        row: The row after the change, without its position.
        operation: ``insert`` or ``update``.
        message: The server's sentence.
    """

    row: TableRow
    operation: str | None = None
    message: str | None = None


class _Column(TypedDict):
    name: str
    type: ColumnType


class NewColumn(_Column, total=False):
    """A column to be made, under its wire names; also ``required`` and ``unique``, both False where not given."""

    required: bool
    unique: bool


class PlacedColumn(NewColumn, total=False):
    """A column to be added; ``position`` counts from 0, and without it the column comes last."""

    position: int


class ColumnChanges(TypedDict, total=False):
    """What may be changed of a column; what is left out stays."""

    name: str
    type: ColumnType
    required: bool
    unique: bool


class NewSchema(TypedDict):
    """The columns of a table to be made: at least one."""

    columns: Sequence[NewColumn | TableColumn]


class RowChanges(TypedDict):
    """New values of one row. Other columns keep their values."""

    rowId: str
    data: Mapping[str, Any]
