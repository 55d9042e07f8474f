"""File formats of results: JSON lines, CSV and Parquet; JSON lines and CSV also compressed with gzip.

A writer takes one row at a time and holds few of them, so that a file of any size needs little memory.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol

import attrs

from simstudio.batch.errors import ResultsError
from simstudio.batch.records import dump
from simstudio.core.frame_libraries import import_package
from simstudio.core.frames import Column, FrameBuilder

if TYPE_CHECKING:
    from typing import TypeAlias

Format: TypeAlias = Literal["jsonl", "csv", "parquet"]

_SUFFIXES: Mapping[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
FORMATS = ("jsonl", "csv", "parquet")
_GZIP = ".gz"
_ROWS = 5_000
_CHARACTERS = 16 * 1024 * 1024
"""Rows and characters of a Parquet row group, which is held in memory."""


@attrs.frozen
class FileFormat:
    """Format of a file.

    Attributes:
        gzipped: Whether the file is compressed with gzip.
    """

    name: Format
    gzipped: bool = False

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> FileFormat | None:
        """The format that the suffix of a path names; None if it names none."""
        name = Path(os.fsdecode(path)).name.lower()
        gzipped = name.endswith(_GZIP)
        found = _SUFFIXES.get(Path(name.removesuffix(_GZIP)).suffix)
        if found is None or (gzipped and found == "parquet"):  # Parquet compresses its columns itself
            return None
        return cls(found, gzipped)


class RowWriter(Protocol):
    """A file that rows are written to."""

    def write(self, row: Mapping[str, Any]) -> None:
        """Write a row: its values by column. CSV and Parquet leave out values that have no column."""
        ...

    def finish(self) -> None:
        """Write the end of the format. The file stays open."""
        ...

    def discard(self) -> None:
        """Write nothing more: the file is not complete."""
        ...


@contextmanager
def open_writer(file: BinaryIO, form: FileFormat, columns: Sequence[Column]) -> Iterator[RowWriter]:
    """Write a file, which is complete at the end of the block. The file stays open.

    Args:
        columns: Columns of CSV and Parquet. In JSON lines each row has its own.

    Raises:
        ConfigurationError: The format is Parquet, and pyarrow is not installed.
    """
    writer: RowWriter
    if form.name == "parquet":
        writer = _Parquet(file, columns)
    else:
        text = _Text(gzip.GzipFile(fileobj=file, mode="wb", mtime=0) if form.gzipped else file, file)
        writer = _JSONLines(text) if form.name == "jsonl" else _CSV(text, columns)
    try:
        yield writer
        writer.finish()
    except BaseException:
        writer.discard()
        raise


@attrs.frozen
class _Text:
    """Text in UTF-8. Half of a surrogate pair is written as JSON escapes it."""

    output: Any
    file: BinaryIO

    def write(self, text: str) -> None:
        self.output.write(text.encode("utf-8", "backslashreplace"))

    def finish(self) -> None:
        if self.output is not self.file:
            self.output.close()  # the end of the gzip stream; the file stays open

    def discard(self) -> None:
        with suppress(OSError, ValueError):
            self.finish()


@attrs.frozen
class _JSONLines:
    text: _Text

    def write(self, row: Mapping[str, Any]) -> None:
        self.text.write(f"{dump(row, 'A row')}\n")

    def finish(self) -> None:
        self.text.finish()

    def discard(self) -> None:
        self.text.discard()


class _CSV:
    def __init__(self, text: _Text, columns: Sequence[Column]) -> None:
        self._text = text
        self._columns = columns
        self._csv = csv.writer(text)
        self._csv.writerow(column.name for column in columns)

    def write(self, row: Mapping[str, Any]) -> None:
        self._csv.writerow([_cell(column, row.get(column.name)) for column in self._columns])

    def finish(self) -> None:
        self._text.finish()

    def discard(self) -> None:
        self._text.discard()


def _cell(column: Column, value: Any) -> str | None:
    """A value as CSV has it: texts and times as they are, others as JSON, null as nothing."""
    if value is None or (column.kind != "json" and isinstance(value, str)):
        return value
    return value.isoformat() if isinstance(value, datetime) else dump(value, f"A value of {column.name}")


class _Parquet:
    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        parquet = import_package("pyarrow.parquet", "Parquet")
        self._failure: type[Exception] = import_package("pyarrow", "Parquet").ArrowException
        self._json = {column.name for column in columns if column.kind == "json"}
        self._columns = [
            attrs.evolve(column, kind="text") if column.name in self._json else column for column in columns
        ]
        self._builder = FrameBuilder("arrow", self._columns)
        schema = FrameBuilder("arrow", self._columns).finish().schema
        self._writer = parquet.ParquetWriter(file, schema, compression="snappy")
        self._rows = self._characters = 0

    def write(self, row: Mapping[str, Any]) -> None:
        texts = {name: dump(row[name], f"A value of {name}") for name in self._json if row.get(name) is not None}
        row = {**row, **texts}
        self._builder.add([row])
        self._rows += 1
        self._characters += sum(len(value) for value in row.values() if isinstance(value, str))
        if self._rows == _ROWS or self._characters >= _CHARACTERS:
            self._end_group()

    def finish(self) -> None:
        self._end_group()
        self._writer.close()

    def discard(self) -> None:
        with suppress(Exception):  # pyarrow writes the end of the file, which may fail as what was before did
            self._writer.close()

    def _end_group(self) -> None:
        if not self._rows:
            return
        try:
            self._writer.write_table(self._builder.finish())
        except self._failure as error:
            raise ResultsError(f"The rows cannot be written as Parquet: {error}.") from error
        self._builder = FrameBuilder("arrow", self._columns)
        self._rows = self._characters = 0


def read_rows(path: str | os.PathLike[str], form: FileFormat) -> Iterator[Mapping[str, Any]]:
    """The rows of a file; in CSV and Parquet, columns with JSON are texts.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file has another format.
        ConfigurationError: The format is Parquet, and pyarrow is not installed.
    """
    if form.name == "parquet":
        yield from _read_parquet(path)
        return
    opened: Any = gzip.open if form.gzipped else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            if form.name == "csv":
                yield from csv.DictReader(file)
                return
            for line in file:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("a line is no JSON object")
                yield row
    except (EOFError, zlib.error, csv.Error, RecursionError) as error:
        raise ValueError(str(error)) from error


def _read_parquet(path: str | os.PathLike[str]) -> Iterator[Mapping[str, Any]]:
    parquet = import_package("pyarrow.parquet", "Parquet")
    failure: type[Exception] = import_package("pyarrow", "Parquet").ArrowException
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                yield from batch.to_pylist()
    except failure as error:
        raise ValueError(str(error)) from error
