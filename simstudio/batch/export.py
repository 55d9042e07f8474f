"""Export of a ledger as JSON lines, CSV or Parquet: one row for each item, in the order of the inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime, timezone
from typing import Any, BinaryIO

from simstudio.batch.export_target import Target, open_target
from simstudio.batch.formats import FORMATS, FileFormat, Format, open_writer
from simstudio.batch.ledger import Entry, LedgerView
from simstudio.batch.ledger.lock import canonical
from simstudio.batch.option import check_no_address
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
    """Write all entries of a ledger to a file, one at a time; also while its batch runs.

    The columns are ``index``, ``key``, ``state``, ``input``, ``output``, ``error``, ``attempts``, ``elapsed``
    (seconds), ``run_id``, ``task_id``, ``execution_id``, ``started_at`` and ``ended_at`` (ISO 8601 in UTC; in Parquet
    timestamps). In CSV and Parquet ``input`` and ``output`` are JSON texts, and ``error_type``, ``error_message`` and
    ``error_code`` stand for the error. A missing value is null, in CSV empty. Items of all states are written, also
    ``sending`` and ``submitted``.

    The file appears when it is complete, and replaces a file of that name. A pipe, a terminal or ``/dev/stdout`` is
    written to directly.

    Args:
        ledger: A ledger, or the path of one, which is opened read-only.
        target: Path of the file to write, or an open binary file such as ``sys.stdout.buffer``.
        format: ``jsonl``, ``csv`` or ``parquet``; default: by the suffix of the file, which may end with ``.gz`` for
            JSON lines and CSV.

    Returns:
        Number of items that were written.

    Raises:
        InvalidInputError: The format is not known, or the target is the ledger or an address.
        ConfigurationError: The format is Parquet, and pyarrow is not installed.
        LedgerError: The ledger cannot be read, or the file cannot be written.
        BrokenPipeError: The reader of a pipe has closed it.

    Example:
        >>> import pathlib, tempfile
        >>> from simstudio.batch.ledger import Ledger
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with Ledger.open(folder / "runs.sqlite", workflow_id="wf", mode="sync", api_version="v1") as ledger:
        ...     export(ledger, folder / "results.jsonl")
        0
    """
    path = ""
    if isinstance(target, (str, os.PathLike)):
        check_no_address("target", target)
        path = canonical(target)
    form = _format(path, format)
    if form.name == "parquet":
        import_package("pyarrow.parquet", "Parquet")
    with nullcontext(ledger) if isinstance(ledger, LedgerView) else LedgerView(ledger) as view:
        if path in {f"{view.path}{suffix}" for suffix in ("", "-wal", "-shm", "-lock")}:
            raise InvalidInputError(f"The export would overwrite the ledger {view.path}: name another file.")
        with open_target(target) as file:
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
    """An entry as ``BatchItem.to_dict`` returns it, with further values of the ledger."""
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
