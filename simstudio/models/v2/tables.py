"""Tables of a workspace, their columns and folders."""

from __future__ import annotations

from simstudio.core.model import Model, model
from simstudio.models.v2.bulk import BulkItem
from simstudio.models.v2.folders import Folder


@model
class ColumnOption(Model):
    """A choice of a ``select`` column."""

    id: str
    name: str


@model
class TableColumn(Model):
    """A column of a table.

    Attributes:
        name: Key of the column's values in rows, filters and sorts; letters, digits and underscores.
        type: ``string``, ``number``, ``currency``, ``boolean``, ``date``, ``ttl``, ``json`` or ``select``.
        required: Whether each row must have a value.
        unique: Whether no two rows may have the same value.
        id: ``col_…``; rows and filters do not accept it.
        workflow_group_id: Group that fills the column; None for columns that are filled otherwise.
        options: Choices of a ``select`` column.
        multiple: Whether a ``select`` column holds a list of choices.
        currency_code: Three letters, of a ``currency`` column.
    """

    name: str
    type: str
    required: bool
    unique: bool
    id: str | None = None
    workflow_group_id: str | None = None
    options: list[ColumnOption] | None = None
    multiple: bool | None = None
    currency_code: str | None = None


@model
class TableSchema(Model):
    """The columns of a table, in their order."""

    columns: list[TableColumn]


@model
class UnmigratedBlock(Model):
    """A block of a workflow that still uses the old name of a column.

    Attributes:
        fields: Settings with the old name: ``filter``, ``order``, ``data``.
    """

    workflow_id: str
    workflow_name: str
    block_id: str
    block_name: str
    fields: list[str]


@model
class UpdatedSchema(TableSchema):
    """The columns of a table after the change of one.

    Attributes:
        unmigrated: Blocks that still use the old name; None from servers before September 2026.
    """

    unmigrated: list[UnmigratedBlock] | None = None


@model
class TableLocks(Model):
    """Locks of a table: of its columns, and of the insertion, change and deletion of rows."""

    schema_locked: bool
    insert_locked: bool
    update_locked: bool
    delete_locked: bool


@model
class TableJob(Model):
    """A background job of a table.

    Attributes:
        status: ``running``, ``ready``, ``failed`` or ``canceled``.
        type: ``import``, ``export``, ``update``, ``delete`` or ``backfill``.
    """

    status: str
    rows_processed: int
    id: str | None = None
    type: str | None = None
    error: str | None = None


@model
class Table(Model):
    """A table of a workspace.

    Attributes:
        id: ``tbl_…``.
        name: Unique in the workspace, without regard to case.
        max_rows: Number of rows that the plan allows; 2**53 - 1 if the server has no plans.
        folder_path: ``/`` is the root.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        web_url: Address in Sim's editor; None from servers before September 2026.
        job: Current job; None if there is none. An import or export may be running nevertheless.
    """

    id: str
    name: str
    owner_email: str
    schema: TableSchema
    row_count: int
    max_rows: int
    folder_path: str
    locks: TableLocks
    created_at: str
    updated_at: str
    web_url: str | None = None
    description: str | None = None
    job: TableJob | None = None


@model
class MovedTables(Model):
    """The outcome of a move for each table and folder.

    Attributes:
        skipped: Items that lie in a folder that was moved as well.
        not_found: Ids and paths that do not exist.
    """

    moved: list[BulkItem]
    skipped: list[BulkItem]
    not_found: list[BulkItem]
    failed: list[BulkItem]


@model
class TableCounts(Model):
    """Numbers of tables and folders."""

    tables: int
    folders: int


@model
class DeletedTables(Model):
    """The outcome of a deletion for each table and folder.

    Attributes:
        skipped: Items that lie in a folder that was deleted as well.
        not_found: Ids and paths that do not exist.
        deleted_items: Numbers with the contents of deleted folders.
    """

    deleted: list[BulkItem]
    skipped: list[BulkItem]
    not_found: list[BulkItem]
    failed: list[BulkItem]
    deleted_items: TableCounts


@model
class DeletedTableFolder(Model):
    """The response to the deletion of a folder of tables.

    Attributes:
        deleted: True.
    """

    path: str
    deleted: bool
    deleted_items: TableCounts


@model
class RestoredTableFolder(Model):
    """A folder of tables that was restored; its name has a number if the old one was taken."""

    folder: Folder
    restored_items: TableCounts


@model
class CancelledRuns(Model):
    """The number of cells whose runs were cancelled."""

    cancelled: int
