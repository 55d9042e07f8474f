"""A ledger as a file for others: JSON lines, CSV or Parquet, one row an item, in the order of the inputs."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from simstudio.batch.errors import LedgerError
from simstudio.batch.export_target import Target, opened
from simstudio.batch.ledger import Entry, LedgerView
from simstudio.batch.ledger.lock import canonical
from simstudio.batch.records import dump
from simstudio.transport.errors import ConfigurationError, InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

Format: TypeAlias = Literal["jsonl", "csv", "parquet"]
_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COLUMNS: tuple[str, ...] = (
    "index",
    "key",
    "state",
    "input",
    "output",
    "error_type",
    "error_message",
    "error_code",
    "attempts",
    "elapsed",
    "run_id",
    "task_id",
    "execution_id",
    "started_at",
    "ended_at",
)
_ROWS = 5_000
_CHARACTERS = 16 * 1024 * 1024
"""How many rows, and how much text, a row group of a Parquet file may have: they are in memory together."""


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
    write = _WRITERS[_format(path, format)]
    if write is _write_parquet:
        _pyarrow()
    with nullcontext(ledger) if isinstance(ledger, LedgerView) else LedgerView(ledger) as view:
        if path in {f"{view.path}{suffix}" for suffix in ("", "-wal", "-shm", "-lock")}:
            raise InvalidInputError(f"The export would overwrite the ledger {view.path}: name another file.")
        with opened(target) as file:
            return write(view.entries(), file)


def _format(path: str, named: str | None) -> Format:
    if named is None:
        named = _SUFFIXES.get(Path(path).suffix.lower())
        if named is None:
            raise InvalidInputError(
                f"The suffix of {path} says no format: use .jsonl, .csv or .parquet, or say format=."
                if path
                else "A file that is open says no format: say format=."
            )
    if named not in _WRITERS:
        raise InvalidInputError(f"format must be jsonl, csv or parquet, not {named!r}.")
    return named  # type: ignore[return-value] # a key of _WRITERS


@contextmanager
def _as_text(file: BinaryIO) -> Iterator[io.TextIOWrapper]:
    """A file as text in UTF-8, its line ends as they are written."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        yield text
        text.flush()
    finally:
        with suppress(OSError):  # of what could not be written even now; the first error is on its way
            text.detach()


def _write_jsonl(entries: Iterable[Entry], file: BinaryIO) -> int:
    count = 0
    with _as_text(file) as text:
        for count, entry in enumerate(entries, 1):  # noqa: B007 - returned
            text.write(dump(_row(entry), f"Item {entry.index}"))
            text.write("\n")
    return count


def _write_csv(entries: Iterable[Entry], file: BinaryIO) -> int:
    count = 0
    with _as_text(file) as text:
        writer = csv.DictWriter(text, _COLUMNS)
        writer.writeheader()
        for count, entry in enumerate(entries, 1):  # noqa: B007 - returned
            writer.writerow(_flat(entry))
    return count


def _write_parquet(entries: Iterable[Entry], file: BinaryIO) -> int:
    pa, pq = _pyarrow()
    moment = pa.timestamp("us", tz="UTC")
    kinds = {"index": pa.int64(), "attempts": pa.int32(), "elapsed": pa.float64()}
    kinds |= {"started_at": moment, "ended_at": moment}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in _COLUMNS])
    count = 0
    try:
        with pq.ParquetWriter(file, schema, compression="snappy") as writer:
            for rows in _groups(entries):
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                count += len(rows)
    except pa.ArrowException as error:
        raise LedgerError(f"The export cannot be written as Parquet: {error}.") from error
    return count


def _groups(entries: Iterable[Entry]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    characters = 0
    for entry in entries:
        row = _flat(entry)
        row["started_at"], row["ended_at"] = _moment(entry.started_at), _moment(entry.ended_at)
        rows.append(row)
        characters += len(row["input"] or "") + len(row["output"] or "")
        if len(rows) == _ROWS or characters >= _CHARACTERS:
            yield rows
            rows, characters = [], 0
    if rows:
        yield rows


def _pyarrow() -> tuple[Any, Any]:
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")  # it has no types
    except ImportError as error:
        raise ConfigurationError(
            "Parquet needs pyarrow, which is not installed: pip install pyarrow; or export JSON lines or CSV."
        ) from error
    return pyarrow, parquet


_WRITERS: dict[str, Callable[[Iterable[Entry], BinaryIO], int]] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "parquet": _write_parquet,
}


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


def _flat(entry: Entry) -> dict[str, Any]:
    """An entry as one row of columns, none of them nested."""
    row = _row(entry)
    error = row.pop("error") or {}
    row["input"] = dump(entry.input, f"Input {entry.index}")
    row["output"] = None if entry.result is None else dump(entry.output, f"The output of input {entry.index}")
    for name in ("type", "message", "code"):
        row[f"error_{name}"] = _text(error.get(name))
    return row


def _text(value: object) -> str | None:
    """A text that any file can hold."""
    return None if value is None else str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
