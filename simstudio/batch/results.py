"""``out=``: the file of a batch's results, written as items finish.

JSON lines are written to the file itself (:mod:`~simstudio.batch.result_lines`). Other formats cannot be appended to
after a crash: their items are first written to ``<file>.part.jsonl``, and the file is made of it at the end of the
batch, also at an early end. It replaces an older file when it is complete, and ``<file>.part.jsonl`` is removed.

A batch with a ledger notes its file in the ledger. The next run with that ledger and file goes on with what the file
has; any other run writes it anew.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from simstudio.batch.errors import ResultsError
from simstudio.batch.formats import FileFormat, open_writer
from simstudio.batch.items import BatchItem
from simstudio.batch.ledger import Ledger, LedgerView
from simstudio.batch.money import Money
from simstudio.batch.option import Target, check_no_address
from simstudio.batch.result_lines import ResultLines
from simstudio.batch.result_rows import (
    FILE_COLUMNS,
    OutputColumns,
    flatten,
    row_of,
    with_cost,
    with_outputs,
    with_texts,
)
from simstudio.core.disk import PartialFile
from simstudio.core.frame_libraries import import_package
from simstudio.transport.errors import InvalidInputError, SimStudioError

_NOTE = "results"
_STEP = 500
"""Rows between two pauses, in which the event loop runs."""
_PART = ".part"
_LINES = ".part.jsonl"


def check_out(out: object, *, flat: object) -> FileFormat:
    """Check the arguments ``out=`` and ``flatten=``.

    Raises:
        InvalidInputError: An argument cannot be used.
        ConfigurationError: The format is Parquet, and pyarrow is not installed.
    """
    if not isinstance(out, (str, os.PathLike)) or not os.fspath(out):
        raise InvalidInputError(f"out must be the path of a file, such as results.jsonl, not {out!r}.")
    if not isinstance(flat, bool):
        raise InvalidInputError(f"flatten must be True or False, not {flat!r}.")
    path = os.fsdecode(out)
    try:
        unnameable = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        unnameable = True
    if unnameable:
        raise InvalidInputError(f"out must be the path of a file: no file can be called {path!r}.")
    form = FileFormat.of(path)
    if form is None and (not Path(path).suffix or _is_special(path)):
        form = FileFormat("jsonl")
    if form is None:
        raise InvalidInputError(
            f"out must end with .jsonl or .csv (also with .gz) or .parquet, which says the format, not {path!r}."
        )
    check_no_address("out", path)
    if os.path.isdir(path):  # noqa: PTH112 - os.fsdecode() keeps paths that are no UTF-8
        raise InvalidInputError(f"out is {path!r}, which is a folder: name a file for the results.")
    if _is_special(path) and form != FileFormat("jsonl"):
        raise InvalidInputError(f"out is {path}, which is no regular file: only JSON lines can be written there.")
    if form.name == "parquet":
        import_package("pyarrow.parquet", "Parquet")
    return form


def _is_special(path: str) -> bool:
    """Whether a path names a pipe, a terminal or a device."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - os.fsdecode() keeps paths that are no UTF-8
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def lines_path(path: str | os.PathLike[str]) -> Path:
    """The file of JSON lines that items are written to: the file of results, or the one that it is made of."""
    real = Path(os.fsdecode(path))
    if FileFormat.of(real) in (None, FileFormat("jsonl")):
        return real
    real = Path(os.path.realpath(real))
    return real.with_name(f"{real.name}{_LINES}")


class Results:
    """The file of a batch's results.

    Args:
        out: Path of the file; see :func:`check_out`.
        flat: Whether nested outputs become columns.
        ordered: Whether items come in the order of the inputs.
        ledger: The batch's ledger, open; None without one.
        cost: Any amount in the unit of the batch's budget; None without one.

    Raises:
        ResultsError: The file cannot be written, or another batch is writing it.
    """

    def __init__(
        self,
        out: str | os.PathLike[str],
        *,
        flat: bool,
        ordered: bool,
        ledger: Ledger | None,
        cost: Money | None = None,
    ) -> None:
        self._path = Path(os.fsdecode(out))
        self._format = check_out(out, flat=flat)
        self._in_words = out.in_words if isinstance(out, Target) else str
        self._flat = flat
        self._columns = with_cost(FILE_COLUMNS, cost)
        self._ledger = ledger
        self._direct = self._format == FileFormat("jsonl")
        self._came = self._refused = 0
        self._broken = False
        note = {"path": os.path.realpath(self._path), "flatten": flat and self._direct}
        self._goes_on = ledger is not None and ledger.recall(_NOTE) == note

        def remember() -> None:
            if ledger is not None and not self._goes_on:
                ledger.remember(_NOTE, note)

        self._lines = ResultLines(
            lines_path(self._path),
            self._encode,
            ordered=ordered,
            goes_on=self._goes_on,
            before=remember,
            name=self._path,
        )

    def add(self, item: BatchItem) -> None:
        """Write an item. After a failure nothing more is written.

        Raises:
            SimStudioError: The file, or the ledger, cannot be written.
        """
        if self._broken:
            return
        self._came += 1
        self._refused += item._refused
        try:
            self._lines.add(item)
        except BaseException:
            self._broken = True
            raise

    def finish(self, *, complete: bool) -> Generator[None, None, None]:
        """End the file, in steps between which the event loop may run.

        Args:
            complete: Whether all items have come.

        Raises:
            SimStudioError: The file cannot be written, or the ledger not read.
        """
        if self._broken:
            return
        others = self._others() if complete else None
        self._lines.finish(complete=complete, others=others)
        if self._direct:
            return
        if self._came or (complete and (others is None or self._goes_on)):
            yield from self._convert()
            if complete or self._ledger is None:
                self._lines.remove()
        elif self._lines.empty:
            self._lines.remove()

    def close(self) -> None:
        """Close the file and release its lock. A second call does nothing."""
        if not self._direct and self._lines.empty:
            self._lines.remove()
        self._lines.close()

    def _others(self) -> Iterator[BatchItem] | None:
        """All finished items of the ledger; None if all of them were among the inputs."""
        ledger = self._ledger
        if ledger is None or not count_missing(ledger, self._came, self._refused):
            return None
        ends = (entry.to_item() for entry in ledger.entries() if entry.state not in ("sending", "submitted"))
        return iter(ends)

    def _encode(self, item: BatchItem) -> bytes:
        return encode(item, self._in_words, flat=self._flat and self._direct)

    # -- other formats -----------------------------------------------------------------------------------------------

    def _convert(self) -> Iterator[None]:
        """Make the file of its lines."""
        target = Path(os.path.realpath(self._path))
        path = target.with_name(f"{target.name}{_PART}")
        try:
            path.unlink(missing_ok=True)  # of a process that was killed
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            part = PartialFile(path, target, os.open(path, flags, 0o600))
            try:
                with os.fdopen(part.fd, "wb") as file:
                    yield from self._write(file)
                    file.flush()
                    os.fsync(file.fileno())  # the lines are removed after this: no power failure may lose both
                part.replace_target()
            except BaseException:
                with suppress(OSError):
                    path.unlink()
                raise
        except OSError as error:
            raise ResultsError(
                f"The results {self._path} cannot be written: {error.strerror or error}. "
                f"The items are in {self._lines.path}."
            ) from error

    def _write(self, file: Any) -> Iterator[None]:
        found = OutputColumns()
        if self._flat and self._format.name != "jsonl":
            for number, row in enumerate(self._rows()):
                found.look(flatten(row))
                if number % _STEP == 0:
                    yield
        with open_writer(file, self._format, with_outputs(self._columns, found.columns())) as writer:
            for number, row in enumerate(self._rows()):
                writer.write(self._row(row, found))
                if number % _STEP == 0:
                    yield

    def _row(self, row: Mapping[str, Any], found: OutputColumns) -> Mapping[str, Any]:
        flat = flatten(row) if self._flat else row
        if self._format.name == "jsonl":
            return flat
        return with_texts(found.fit(row_of(flat)), has_output=row["state"] == "done")

    def _rows(self) -> Iterator[dict[str, Any]]:
        with self._lines.path.open("rb") as file:
            for line in file:
                yield json.loads(line)


def encode(item: BatchItem, in_words: Callable[[str], str] = str, *, flat: bool = False) -> bytes:
    """An item as a line of JSON.

    Args:
        in_words: Rewrites error messages.
        flat: Whether a nested output becomes several values.
    """
    told = item.to_dict()
    if told["error"] is not None:
        told["error"]["message"] = in_words(told["error"]["message"])
    if flat:
        told = flatten(told)
    try:
        text = json.dumps(told, ensure_ascii=False, allow_nan=False, default=_make_object)
    except ValueError:  # an input with NaN, which was refused for that
        text = json.dumps({**told, "input": None}, ensure_ascii=False, default=_make_object)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(json.loads(text)).encode() + b"\n"


def _make_object(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise SimStudioError(f"A value of type {type(value).__name__} cannot be written as JSON.")


def count_missing(ledger: LedgerView, came: int, refused: int) -> int:
    """Number of items in a ledger that were not among the inputs of a run.

    Args:
        came: Number of items of the run.
        refused: Number of these that were refused before they were sent. They are not compared, because a mended input
            may have another key.
    """
    total = ledger.counts().total
    if total <= came:
        return 0
    known = total - sum(1 for entry in ledger.entries("failed") if not entry.fingerprint)
    return max(0, known - (came - refused))
