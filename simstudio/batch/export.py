"""A ledger as a file for others: JSON lines, CSV or Parquet, one row an item, in the order of the inputs."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from simstudio.batch.ledger import Entry, LedgerView
from simstudio.batch.ledger.lock import canonical
from simstudio.batch.records import dump
from simstudio.errors import ConfigurationError, InvalidInputError, LedgerError

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
    target: str | os.PathLike[str],
    *,
    format: Format | None = None,
) -> int:
    """Write everything a ledger knows to a file, one item at a time; also while its batch runs.

    The columns: ``index, key, state, input, output, error, attempts, elapsed`` (seconds)``, run_id, task_id,
    execution_id, started_at, ended_at`` (ISO 8601, UTC; of Parquet timestamps). In CSV and Parquet ``input`` and
    ``output`` are JSON texts, and the error is ``error_type, error_message, error_code``. What has no value is null, in
    CSV empty. All states are written, also ``sending`` and ``submitted``.

    The file appears when it is complete; one of that name is replaced.

    Args:
        ledger: The ledger, or its path: it is opened read-only then.
        target: The file to write.
        format: ``jsonl``, ``csv`` or ``parquet``; by default what the file's suffix says.

    Returns:
        How many items were written.

    Raises:
        InvalidInputError: The format is none of these, or cannot be told from the suffix; the target is the ledger.
        ConfigurationError: pyarrow is not installed, and Parquet asked for.
        LedgerError: The ledger cannot be read, or the file not written.

    Example:
        >>> import pathlib, tempfile
        >>> from simstudio.batch.ledger import Ledger
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with Ledger.open(folder / "runs.sqlite", workflow_id="wf", mode="sync", api_version="v1") as ledger:
        ...     export(ledger, folder / "results.jsonl")
        0
    """
    path = canonical(target)
    write = _WRITERS[_format(path, format)]
    if write is _write_parquet:
        _pyarrow()
    with nullcontext(ledger) if isinstance(ledger, LedgerView) else LedgerView(ledger) as view:
        if path in {f"{view.path}{suffix}" for suffix in ("", "-wal", "-shm", "-lock")}:
            raise InvalidInputError(f"The export would overwrite the ledger {view.path}: name another file.")
        with _replacing(path) as part:
            return write(view.entries(), part)


def _format(path: str, named: str | None) -> Format:
    if named is None:
        named = _SUFFIXES.get(Path(path).suffix.lower())
        if named is None:
            raise InvalidInputError(
                f"The suffix of {path} says no format: use .jsonl, .csv or .parquet, or say format=."
            )
    if named not in _WRITERS:
        raise InvalidInputError(f"format must be jsonl, csv or parquet, not {named!r}.")
    return named  # type: ignore[return-value] # a key of _WRITERS


@contextmanager
def _replacing(path: str) -> Iterator[str]:
    """A file that becomes ``path`` when it is complete; of what is no plain file (a pipe, a terminal) itself."""
    try:
        plain = stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        plain = True
    part = f"{path}.{os.getpid()}.part" if plain else path
    try:
        yield part
        if plain:
            Path(part).replace(path)
    except BaseException as error:
        if plain:
            with suppress(OSError):
                Path(part).unlink()
        if isinstance(error, OSError):
            raise LedgerError(f"The export {path} cannot be written: {error.strerror or error}.") from error
        raise


def _write_jsonl(entries: Iterable[Entry], path: str) -> int:
    count = 0
    with open(path, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123
        for count, entry in enumerate(entries, 1):  # noqa: B007 - returned
            file.write(dump(_row(entry), f"Item {entry.index}"))
            file.write("\n")
    return count


def _write_csv(entries: Iterable[Entry], path: str) -> int:
    count = 0
    with open(path, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        for count, entry in enumerate(entries, 1):  # noqa: B007 - returned
            writer.writerow(_flat(entry))
    return count


def _write_parquet(entries: Iterable[Entry], path: str) -> int:
    pa, pq = _pyarrow()
    moment = pa.timestamp("us", tz="UTC")
    kinds = {"index": pa.int64(), "attempts": pa.int32(), "elapsed": pa.float64()}
    kinds |= {"started_at": moment, "ended_at": moment}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in _COLUMNS])
    count = 0
    try:
        with pq.ParquetWriter(path, schema, compression="snappy") as writer:
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
            'Parquet needs pyarrow, which is not installed: pip install "simstudio-sdk[parquet]"; '
            "or export JSON lines or CSV."
        ) from error
    return pyarrow, parquet


_WRITERS: dict[str, Callable[[Iterable[Entry], str], int]] = {
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
