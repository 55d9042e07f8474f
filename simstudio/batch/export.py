"""A ledger as a file for others: JSON lines, CSV or Parquet, one row an item, in the order of the inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime, timezone
from typing import Any, BinaryIO

from simstudio.batch.export_target import Target, opened
from simstudio.batch.formats import FORMATS, FileFormat, Format, open_writer
from simstudio.batch.ledger import Entry, LedgerView
from simstudio.batch.ledger.lock import canonical
from simstudio.batch.result_rows import FILE_COLUMNS, row_of, with_texts
from simstudio.core.frame_libraries import import_package
from simstudio.core.frames import Column
from simstudio.transport.errors import InvalidInputError

_COLUMNS = (
    *FILE_COLUMNS,
    Column("task_id", "text"),
    Column("execution_id", "text"),
    Column("started_at", "moment"),
    Column("ended_at", "moment"),
)


def export(
    ledger: LedgerView | str | os.PathLike[str],
    target: Target,
    *,
    format: Format | None = None,
) -> int:
    """Write everything a ledger knows to a file, one item at a time; also while its batch runs.

    The columns: ``index, key, state, input, output, error, attempts, elapsed`` (seconds)``, run_id, task_id,
    execution_id, started_at, ended_at`` (ISO 8601, UTC; of Parquet timestamps). In CSV and Parquet ``input`` and
    ``output`` are JSON texts, and the error is ``error_type, error_message, error_code``. What has no value is null, in
    CSV empty. All states are written, also ``sending`` and ``submitted``.

    The file appears when it is complete; one of that name is replaced. A pipe, a terminal or ``/dev/stdout`` is written
    to as it is.

    Args:
        ledger: The ledger, or its path: it is opened read-only then.
        target: The path of the file to write, or a binary file that is open, such as ``sys.stdout.buffer``.
        format: ``jsonl``, ``csv`` or ``parquet``; by default what the file's suffix says.

    Returns:
        How many items were written.

    Raises:
        InvalidInputError: The format is none of these, or cannot be told from the suffix; the target is the ledger.
        ConfigurationError: pyarrow is not installed, and Parquet asked for.
        LedgerError: The ledger cannot be read, or the file not written.
        BrokenPipeError: It is a pipe, and nobody reads it any more.

    Example:
        >>> import pathlib, tempfile
        >>> from simstudio.batch.ledger import Ledger
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with Ledger.open(folder / "runs.sqlite", workflow_id="wf", mode="sync", api_version="v1") as ledger:
        ...     export(ledger, folder / "results.jsonl")
        0
    """
    path = canonical(target) if isinstance(target, (str, os.PathLike)) else ""
    form = _format(path, format)
    if form.name == "parquet":
        import_package("pyarrow.parquet", "Parquet")
    with nullcontext(ledger) if isinstance(ledger, LedgerView) else LedgerView(ledger) as view:
        if path in {f"{view.path}{suffix}" for suffix in ("", "-wal", "-shm", "-lock")}:
            raise InvalidInputError(f"The export would overwrite the ledger {view.path}: name another file.")
        with opened(target) as file:
            return _write(view.entries(), file, form)


def _write(entries: Iterable[Entry], file: BinaryIO, form: FileFormat) -> int:
    count = 0
    with open_writer(file, form, _COLUMNS) as writer:
        for count, entry in enumerate(entries, 1):  # noqa: B007 - returned
            writer.write(_row(entry) if form.name == "jsonl" else _table_row(entry))
    return count


def _format(path: str, named: Format | None) -> FileFormat:
    if named is None:
        found = FileFormat.of(path)
        if found is None:
            raise InvalidInputError(
                f"The suffix of {path} says no format: use .jsonl, .csv or .parquet, or say format=."
                if path
                else "A file that is open says no format: say format=."
            )
        return found
    if named not in FORMATS:
        raise InvalidInputError(f"format must be jsonl, csv or parquet, not {named!r}.")
    return FileFormat(named)


def _row(entry: Entry) -> dict[str, Any]:
    """An entry as ``BatchItem.to_dict`` has it, and what the ledger knows beyond."""
    row = entry.to_item().to_dict()
    if row["error"] is not None:
        row["error"]["type"] = entry.error_type
    started, ended = _moment(entry.started_at), _moment(entry.ended_at)
    return {
        **row,
        "state": entry.state,
        "task_id": entry.task_id,
        "execution_id": entry.execution_id,
        "started_at": started.isoformat() if started else None,
        "ended_at": ended.isoformat() if ended else None,
    }


def _table_row(entry: Entry) -> dict[str, Any]:
    times = {"started_at": _moment(entry.started_at), "ended_at": _moment(entry.ended_at)}
    row = {**row_of(_row(entry)), **times}
    return with_texts(row, has_output=entry.result is not None)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
