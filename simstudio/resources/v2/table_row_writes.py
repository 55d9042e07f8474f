"""Writes of many rows; part of ``client.v2.tables.rows``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from simstudio.core.conversion import structure
from simstudio.core.endpoint import Sender, endpoint, extract
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.parameters import items
from simstudio.core.resource import APIResource
from simstudio.models.v2.table_errors import BulkWriteReport
from simstudio.models.v2.table_params import RowChanges
from simstudio.models.v2.table_rows import InsertedRows, UpdatedRows
from simstudio.models.v2.table_values import check_updates, exact_integers
from simstudio.models.v2.tables import Table
from simstudio.resources.parameters import WorkspaceId
from simstudio.resources.v2.row_batches import BatchWriter
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.flow import Blocking, Flow

ROWS = "/api/v2/tables/{tableId}/rows"


class TableRowWrites(APIResource[M]):
    """Inserts and updates of many rows: up to 1,000 in one request, or any number in several requests."""

    @endpoint("POST", ROWS, "createTableRows")
    def bulk_insert(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        rows: Annotated[Sequence[Mapping[str, Any]], items(1, 1000), exact_integers],
    ) -> Flow[InsertedRows]:
        """Insert 1 to 1,000 rows: all of them, or none.

        Args:
            rows: Values by column, of each row.

        Raises:
            InvalidRequestError: A value does not fit its column, or repeats a unique value; ``details`` is a list of
                ``{"row": index, "errors": […]}``.
            NotFoundError: No table has this id.
            LockedError: Rows cannot be inserted.
        """
        return send.one(InsertedRows)

    @operation
    def insert_many(
        self,
        table_id: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        workspace_id: str,
        errors: Literal["raise", "return"] = "raise",
        on_batch: Callable[[InsertedRows], Any] | None = None,
    ) -> Flow[BulkWriteReport]:
        """Insert any number of rows, 1,000 with each request. The rows are read as they are sent.

        A batch is inserted completely or not at all. If the rate limit refuses it, the call waits.

        Args:
            rows: Values by column, of each row.
            errors: ``raise``: stop at the first batch with rows that do not fit; ``return``: leave such rows out, and
                list them in the result.
            on_batch: Called with the rows of each batch, which have their ids.

        Raises:
            BulkWriteError: A batch was refused, or failed. It says how many rows were inserted, and of which rows that
                is unknown.

        Example:
            >>> with open("stock.csv", newline="") as file:  # doctest: +SKIP
            ...     client.v2.tables.rows.insert_many("tbl_1", csv.DictReader(file), workspace_id="ws").count
        """
        _check_choice(errors)
        insert = partial(TableRowWrites.bulk_insert.flow, self, table_id, workspace_id=workspace_id)
        writer = BatchWriter(lambda batch: insert(rows=batch), errors=errors, on_batch=on_batch)
        return (yield from writer.write(_check_rows(rows)))

    @operation
    def insert_dataframe(
        self,
        table_id: str,
        frame: Any,
        *,
        workspace_id: str,
        errors: Literal["raise", "return"] = "raise",
        on_batch: Callable[[InsertedRows], Any] | None = None,
    ) -> Flow[BulkWriteReport]:
        """Insert the rows of a data frame, as :meth:`insert_many` does. The table's columns are requested first.

        Args:
            frame: A DataFrame of pandas (its index is left out) or polars, or a table or stream of Arrow data. A
                stream is read as its rows are sent. In polars and Arrow data, a text for a ``json`` column is JSON.
            errors: As in :meth:`insert_many`.
            on_batch: Called with the rows of each batch, which have their ids.

        Raises:
            InvalidInputError: The table lacks a column of the frame, or a value is no JSON data; nothing was inserted.
            NotFoundError: No table has this id.
            BulkWriteError: A batch was refused, or failed. It says how many rows were inserted, and of which rows that
                is unknown.

        Example:
            >>> client.v2.tables.rows.insert_dataframe("tbl_1", frame, workspace_id="ws").count  # doctest: +SKIP
        """
        from simstudio.core.frame_readers import read_frame  # few programs have data frames
        from simstudio.resources.table_frames import rows_for

        _check_choice(errors)
        reader = yield Blocking(read_frame, frame)
        table = yield from self._fetch_table(table_id, workspace_id)
        rows = rows_for(reader, {column.name: column.type for column in table.schema.columns})
        report: BulkWriteReport = yield from TableRowWrites.insert_many.flow(
            self, table_id, rows, workspace_id=workspace_id, errors=errors, on_batch=on_batch
        )
        return report

    @endpoint("POST", ROWS + "/bulk-update", "bulkUpdateTableRows")
    def bulk_update(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        updates: Annotated[Sequence[RowChanges | Mapping[str, Any]], items(1, 1000), exact_integers],
    ) -> Flow[UpdatedRows]:
        """Change values of 1 to 1,000 rows: all of them, or none.

        **A value of the wrong type is stored as null, without an error.** :meth:`update_many` checks the values first.

        Args:
            updates: ``{"rowId": …, "data": …}`` of each row; other columns keep their values.

        Raises:
            InvalidRequestError: A row or column does not exist, or a unique value would repeat.
            NotFoundError: No table has this id.
            LockedError: Rows cannot be updated.
        """
        return send.one(UpdatedRows)

    @operation
    def update_many(
        self,
        table_id: str,
        updates: Sequence[RowChanges | Mapping[str, Any]],
        *,
        workspace_id: str,
        on_batch: Callable[[UpdatedRows], Any] | None = None,
    ) -> Flow[BulkWriteReport]:
        """Change values of any number of rows, 1,000 with each request.

        The table's columns are requested first, and all values are checked against them before anything is changed:
        the server would store null for a value of the wrong type.

        Args:
            updates: ``{"rowId": …, "data": …}`` of each row; other columns keep their values.
            on_batch: Called with the ids of each batch.

        Raises:
            InvalidInputError: A value does not fit its column; nothing was changed.
            NotFoundError: No table has this id.
            BulkWriteError: A batch was refused, or failed. It says how many rows were changed, and of which rows that
                is unknown.

        Example:
            >>> updates = [{"rowId": "row_1", "data": {"qty": 3}}]  # doctest: +SKIP
            >>> client.v2.tables.rows.update_many("tbl_1", updates, workspace_id="ws").count  # doctest: +SKIP
            1
        """
        table = yield from self._fetch_table(table_id, workspace_id)
        check_updates(table.schema.columns, updates)
        update = partial(TableRowWrites.bulk_update.flow, self, table_id, workspace_id=workspace_id)
        return (yield from BatchWriter(lambda batch: update(updates=batch), on_batch=on_batch).write(updates))

    def _fetch_table(self, table_id: str, workspace_id: str) -> Flow[Table]:
        path = f"/api/v2/tables/{segment(table_id, 'table_id')}"
        response = yield from self._call_explained(
            self._request("GET", path, params={"workspaceId": workspace_id}, resend="read")
        )
        return structure(extract(response, ("data",)), Table, response=response)


def _check_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise InvalidInputError(
                f"rows must be mappings of values by column, but row {index} is of type {type(row).__name__}. "
                "insert_dataframe inserts the rows of a data frame."
            )
        yield row


def _check_choice(errors: object) -> None:
    if errors not in ("raise", "return"):
        raise InvalidInputError(f"errors must be 'raise' or 'return', not {errors!r}.")
