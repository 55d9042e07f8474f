"""``client.v2.tables``: tables of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, items, length
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.table_filters import RowFilter
from simstudio.models.v2.table_params import ColumnChanges, ExistingTable, NewTable, TableSchemaInput
from simstudio.models.v2.tables import CancelledRuns, DeletedTables, MovedTables, Table
from simstudio.resources.folder_paths import FolderPath, FolderPaths
from simstudio.resources.parameters import Search, WorkspaceId
from simstudio.transport.errors import SimStudioError
from simstudio.transport.flow import Blocking, Flow

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from simstudio.models.v2.table_rows import InsertedRows
    from simstudio.models.v2.table_transfers import TableImport
    from simstudio.resources.bodies import FileContent
    from simstudio.resources.v2.table_columns import TableColumns
    from simstudio.resources.v2.table_dispatches import TableDispatches
    from simstudio.resources.v2.table_enrichments import TableEnrichments
    from simstudio.resources.v2.table_exports import TableExports
    from simstudio.resources.v2.table_folders import TableFolders
    from simstudio.resources.v2.table_groups import TableGroups
    from simstudio.resources.v2.table_imports import TableImports
    from simstudio.resources.v2.table_rows import TableRows
    from simstudio.resources.v2.table_views import TableViews
    from simstudio.resources.v2.transfers import UploadProgress

_Name = Annotated[str, length(1, 128)]
_Description = Annotated[str, length(0, 500)]
_Paths = Annotated[FolderPaths, items(0, 100)]
_Ids = Annotated[Sequence[str], items(0, 100)]


class Tables(APIResource[M]):
    """Tables of a workspace: their definition, rows, views and workflow groups.

    Names of tables and columns are letters, digits and underscores, and do not begin with a digit.
    """

    @namespace
    def columns(self) -> TableColumns[M]:
        """Columns of a table."""
        from simstudio.resources.v2.table_columns import TableColumns

        return TableColumns(self._context, f"{self._name}.columns")

    @namespace
    def rows(self) -> TableRows[M]:
        """Rows of a table."""
        from simstudio.resources.v2.table_rows import TableRows

        return TableRows(self._context, f"{self._name}.rows")

    @namespace
    def views(self) -> TableViews[M]:
        """Views of a table: filter, order and columns as Sim's editor shows them."""
        from simstudio.resources.v2.table_views import TableViews

        return TableViews(self._context, f"{self._name}.views")

    @namespace
    def folders(self) -> TableFolders[M]:
        """Folders of tables."""
        from simstudio.resources.v2.table_folders import TableFolders

        return TableFolders(self._context, f"{self._name}.folders")

    @namespace
    def imports(self) -> TableImports[M]:
        """Imports of CSV files."""
        from simstudio.resources.v2.table_imports import TableImports

        return TableImports(self._context, f"{self._name}.imports")

    @namespace
    def exports(self) -> TableExports[M]:
        """Exports to CSV and JSON files."""
        from simstudio.resources.v2.table_exports import TableExports

        return TableExports(self._context, f"{self._name}.exports")

    @namespace
    def groups(self) -> TableGroups[M]:
        """Groups of columns that a workflow or an enrichment fills."""
        from simstudio.resources.v2.table_groups import TableGroups

        return TableGroups(self._context, f"{self._name}.groups")

    @namespace
    def dispatches(self) -> TableDispatches[M]:
        """Runs of groups over many rows."""
        from simstudio.resources.v2.table_dispatches import TableDispatches

        return TableDispatches(self._context, f"{self._name}.dispatches")

    @namespace
    def enrichments(self) -> TableEnrichments[M]:
        """Runs of a group in one row."""
        from simstudio.resources.v2.table_enrichments import TableEnrichments

        return TableEnrichments(self._context, f"{self._name}.enrichments")

    @operation
    def import_csv(
        self,
        file: FileContent,
        *,
        workspace_id: str,
        target: NewTable | ExistingTable | Mapping[str, Any],
        mapping: Mapping[str, str | None] | None = None,
        create_columns: Sequence[str] | None = None,
        timezone: str | None = None,
        delete_failed: bool = False,
        concurrency: int = 4,
        timeout: float | None = 3600.0,
        on_progress: Callable[[UploadProgress | TableImport], Any] | None = None,
    ) -> Flow[TableImport]:
        """Import a CSV or TSV file in UTF-8 into a table: upload it and wait until its rows are stored.

        A new table's columns are inferred from the file: names become letters, digits and underscores, and a column
        with values of several types holds text.

        Args:
            file: A path (``pathlib.Path``), a file opened in binary mode, bytes or ``(name, content)``.
            target: ``{"type": "new", "name": …}``, or ``{"type": "existing", "tableId": …, "mode": "append"}``
                (or ``"replace"``).
            mapping: Column of the table by column of the file; None leaves a column of the file out.
            create_columns: Columns of the file for which the table gets new columns.
            timezone: Time zone of moments without one, such as ``Europe/Berlin``.
            delete_failed: Delete the new table of an import that failed; it is left behind otherwise.
            concurrency: Parts that are sent at a time, 1 to 64.
            timeout: Seconds to wait after the upload; None waits for ever.
            on_progress: Called with the progress of the upload, and then with the state of the import.

        Raises:
            InvalidInputError: The file cannot be read, or is not UTF-8.
            ConflictError: A table has the name of the new table.
            JobFailedError: The import failed; ``error.job`` is its state.
            JobTimeoutError: The import was not done in time; it continues.

        Example:
            >>> target = {"type": "new", "name": "stock"}  # doctest: +SKIP
            >>> stock = Path("stock.csv")  # doctest: +SKIP
            >>> client.v2.tables.import_csv(stock, workspace_id="ws", target=target).table_id  # doctest: +SKIP
        """
        from simstudio.resources.v2.table_importing import import_file  # few programs import files

        return (
            yield from import_file(
                self.imports,
                file,
                workspace_id=workspace_id,
                target=target,
                mapping=mapping,
                create_columns=create_columns,
                timezone=timezone,
                concurrency=concurrency,
                timeout=timeout,
                on_progress=on_progress,
                delete_table=partial(Tables.delete.flow, self, workspace_id=workspace_id) if delete_failed else None,
            )
        )

    @operation
    def export_csv(
        self,
        table_id: str,
        path: str | os.PathLike[str],
        *,
        workspace_id: str,
        overwrite: bool = False,
        timeout: float | None = 3600.0,
        on_progress: Callable[[int], Any] | None = None,
    ) -> Flow[Path]:
        """Export a table to a CSV file, which appears under its name when it is complete.

        The server's export is downloaded where it can be. A server that stores files on its own disk lets only
        browsers download it: the file is then written from the rows, with an
        :class:`~simstudio.resources.v2.table_csv.ExportFromRowsWarning`.

        Args:
            overwrite: Whether to replace a regular file.
            timeout: Seconds to wait for the server's export; None waits for ever.
            on_progress: Called with the number of exported rows.

        Raises:
            InvalidInputError: There is a file at the path, which is not to be replaced.
            NotFoundError: No table has this id.
            JobFailedError: The export failed.

        Example:
            >>> client.v2.tables.export_csv("tbl_1", "stock.csv", workspace_id="workspace-id")  # doctest: +SKIP
            PosixPath('stock.csv')
        """
        from simstudio.resources.v2.table_csv import export_table  # few programs export files

        return (
            yield from export_table(
                self.exports,
                self.rows,
                table_id,
                path,
                workspace_id=workspace_id,
                overwrite=overwrite,
                timeout=timeout,
                on_progress=on_progress,
            )
        )

    @operation
    def from_dataframe(
        self,
        frame: Any,
        *,
        workspace_id: str,
        name: str,
        columns: Mapping[str, ColumnChanges | Mapping[str, Any]] | None = None,
        description: str | Unset = UNSET,
        folder_path: FolderPath | Unset = UNSET,
        delete_failed: bool = False,
        on_batch: Callable[[InsertedRows], Any] | None = None,
    ) -> Flow[Table]:
        """Create a table with the columns and rows of a data frame.

        Texts, numbers, booleans and dates have columns of these types; all else is a ``json`` column. See also
        ``rows.insert_dataframe`` for an existing table, and ``rows.list(…).to_dataframe()``.

        Args:
            frame: A DataFrame of pandas (its index is left out) or polars, or a table or stream of Arrow data.
            name: As in :meth:`create`, like the names of the columns.
            columns: Settings of columns by name, such as ``{"price": {"type": "currency", "currencyCode": "EUR"}}``.
            delete_failed: Delete the table if not all rows could be inserted; it is left behind otherwise.
            on_batch: Called with each 1,000 inserted rows, which have their ids.

        Raises:
            InvalidInputError: The frame cannot be read, or its first rows hold values that are no JSON data; nothing
                was created.
            ConflictError: A table has this name.
            InvalidRequestError: The name of the table or of a column is invalid.
            BulkWriteError: Not all rows were inserted; ``error.table_id`` is the table.

        Example:
            >>> frame = pandas.read_parquet("stock.parquet")  # doctest: +SKIP
            >>> client.v2.tables.from_dataframe(frame, workspace_id="ws", name="stock").row_count  # doctest: +SKIP
        """
        from simstudio.core.frame_readers import read_frame  # few programs have data frames
        from simstudio.models.v2.table_errors import BulkWriteError
        from simstudio.resources.table_frames import columns_for, rows_for
        from simstudio.resources.v2.table_rows import TableRows

        reader = yield Blocking(read_frame, frame)
        made = columns_for(reader, columns or {})
        rows = rows_for(reader, {column["name"]: column["type"] for column in made})
        first = list(islice(rows, 1))  # unreadable rows are found before the table is made
        table = yield from Tables.create.flow(
            self, workspace_id, name=name, schema={"columns": made}, description=description, folder_path=folder_path
        )
        try:
            yield from TableRows.insert_many.flow(
                self.rows, table.id, chain(first, rows), workspace_id=workspace_id, on_batch=on_batch
            )
        except SimStudioError as error:
            if delete_failed:
                with suppress(SimStudioError):
                    yield from Tables.delete.flow(self, table.id, workspace_id=workspace_id)
            elif isinstance(error, BulkWriteError):
                error.table_id = table.id
            raise
        filled: Table = yield from Tables.get.flow(self, table.id, workspace_id=workspace_id)
        return filled

    @paged("GET", "/api/v2/tables", "listTables")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        scope: Literal["active", "archived"] | None = None,
        folder_path: FolderPath | None = None,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: Annotated[int | None, between(1, 1000)] = None,
        cursor: str | None = None,
    ) -> Pages[Table]:
        """List the tables of a workspace.

        Args:
            scope: Default ``active``.
            folder_path: Only tables of this folder; none if it does not exist.
            sort_by: Default ``createdAt``.
            sort_order: Default ``asc``.
            limit: Tables per page, 1 to 1,000; default 100.
            cursor: ``next_cursor`` of an earlier page with the same filters and order.

        Raises:
            NotFoundError: No workspace has this id.

        Example:
            >>> [table.name for table in client.v2.tables.list("workspace-id")]  # doctest: +SKIP
        """
        return send.pages(Table)

    @endpoint("POST", "/api/v2/tables", "createTable")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        name: _Name,
        schema: TableSchemaInput,
        description: _Description | Unset = UNSET,
        folder_path: FolderPath | Unset = UNSET,
    ) -> Flow[Table]:
        """Create a table.

        Args:
            name: 1 to 128 characters; unique in the workspace, without regard to case.
            schema: 1 to 1,000 columns; ``schema`` of another table is accepted.
            description: At most 500 characters.

        Raises:
            InvalidRequestError: A name or a column is invalid, or the plan's number of tables is reached.
            ConflictError: A table has this name.
            NotFoundError: The workspace or the folder does not exist.

        Example:
            >>> columns = [{"name": "sku", "type": "string", "unique": True}]  # doctest: +SKIP
            >>> client.v2.tables.create("workspace-id", name="stock", schema={"columns": columns}).id  # doctest: +SKIP
        """
        return send.one(Table)

    @endpoint("GET", "/api/v2/tables/{tableId}", "getTable")
    def get(self, send: Sender, table_id: str, *, workspace_id: WorkspaceId) -> Flow[Table]:
        """Retrieve a table and its columns.

        Raises:
            NotFoundError: No table has this id, or it is archived.

        Example:
            >>> client.v2.tables.get("tbl_1", workspace_id="workspace-id").schema.columns[0].name  # doctest: +SKIP
        """
        return send.one(Table)

    @endpoint("PATCH", "/api/v2/tables/{tableId}", "updateTable")
    def update(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        name: _Name | Unset = UNSET,
        description: _Description | Unset | None = UNSET,
        folder_path: FolderPath | Unset = UNSET,
    ) -> Flow[Table]:
        """Rename a table, describe it or move it to another folder; at least one of these.

        Args:
            description: None removes it.

        Raises:
            ConflictError: Another table has this name. ``details["applied"]`` may list changes that were made.
            NotFoundError: The table or the folder does not exist.
        """
        return send.one(Table)

    @endpoint("DELETE", "/api/v2/tables/{tableId}", "deleteTable")
    def delete(self, send: Sender, table_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Archive a table; :meth:`restore` brings it back.

        Raises:
            NotFoundError: No table has this id, or it is archived already.
            LockedError: The table's rows cannot be deleted.
        """
        return send.one(Deleted)

    @endpoint("POST", "/api/v2/tables/{tableId}/restore", "restoreTable")
    def restore(self, send: Sender, table_id: str, *, workspace_id: WorkspaceId) -> Flow[Table]:
        """Restore an archived table, under a new name if the old one was taken.

        Raises:
            NotFoundError: No table has this id.
        """
        return send.one(Table)

    @endpoint("POST", "/api/v2/tables/move", "moveTables")
    def move(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        table_ids: _Ids | Unset = UNSET,
        folder_paths: _Paths | Unset = UNSET,
        target_folder_path: FolderPath | Unset = UNSET,
    ) -> Flow[MovedTables]:
        """Move tables and folders, at most 100 together, to one folder.

        Args:
            target_folder_path: Default: the root.

        Returns:
            What became of each: an item that cannot be moved is no error of the call.

        Raises:
            NotFoundError: The target folder does not exist.

        Example:
            >>> client.v2.tables.move(  # doctest: +SKIP
            ...     "workspace-id", table_ids=["tbl_1"], target_folder_path="/Sales"
            ... ).moved
        """
        return send.one(MovedTables)

    @endpoint("POST", "/api/v2/tables/bulk-delete", "bulkDeleteTables")
    def bulk_delete(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        table_ids: _Ids | Unset = UNSET,
        folder_paths: _Paths | Unset = UNSET,
    ) -> Flow[DeletedTables]:
        """Archive tables, and delete folders with their tables; at most 100 together.

        Returns:
            What became of each: an item that cannot be deleted is no error of the call.
        """
        return send.one(DeletedTables)

    @endpoint("POST", "/api/v2/tables/{tableId}/cancel-runs", "cancelTableRuns")
    def cancel_runs(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        scope: Literal["all", "row"],
        row_id: str | Unset = UNSET,
        filter: RowFilter | Unset = UNSET,
        exclude_row_ids: Sequence[str] | Unset = UNSET,
    ) -> Flow[CancelledRuns]:
        """Cancel the runs of groups in the cells of a table; see also ``dispatches.cancel``.

        Args:
            row_id: The row, if the scope is ``row``.
            filter: Only rows that match, if the scope is ``all``.
            exclude_row_ids: Rows that go on, if the scope is ``all``.

        Raises:
            NotFoundError: No table has this id.
        """
        return send.one(CancelledRuns)
