"""Inputs in CSV and TSV: a header, then one row of texts an input."""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from typing import Any

from simstudio.batch.input_files import MOST_IN_A_LINE, lines_of
from simstudio.batch.rows import BadRow, check_header
from simstudio.transport.errors import InvalidInputError

_QUOTED = re.compile(rb'"[^"]*"')
_REASONS = {
    "new-line character": "a carriage return alone ends no line: write \\n or \\r\\n, or put the value in quotes",
    "unexpected end of data": "no quotation mark closes a value",
    "field limit": "a value is longer than 64 MB, as when no quotation mark closes it",
}
"""Faults that the module ``csv`` finds, by a part of its message."""


def read_csv(
    file: io.BufferedReader, source: str, wanted: Sequence[str] | None = None, *, delimiter: str = ","
) -> Iterator[Any]:
    """Rows of a CSV file as texts by column; numbers and dates stay texts. Blank lines are left out.

    Columns of a header without commas may also be separated by semicolons, as Excel writes where commas are decimal, or
    by tabs.

    Raises:
        InvalidInputError: The file is no text, has no header, or lacks a column.
    """
    _allow_documents()
    if delimiter == ",":
        delimiter = _find_delimiter(file.peek(1))
    lines = _Lines(lines_of(file, source))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    names: list[str] | None = None
    while True:
        lines.begin_row()
        begin = reader.line_num + 1
        place = f"{source}, line {begin}"
        try:
            row = next(reader, None)
        except csv.Error as error:
            extent = f"; the row ends at line {reader.line_num}" if reader.line_num > begin else ""
            reasons = [why for text, why in _REASONS.items() if text in str(error)]
            lines.problem, row = f"no CSV ({reasons[0] if reasons else error}{extent})", [""]
        if row is None:
            return
        if not row:
            continue
        if lines.problem is None and names is not None and len(row) != len(names):
            lines.problem = f"the number of values is {len(row)}, and that of the columns {len(names)}"
        problem = None if lines.problem is None else InvalidInputError(f"{place}: {lines.problem}.")
        if names is None:
            if problem is not None:
                raise problem
            check_header(row, wanted, source)
            names = row
        elif problem is not None:
            yield BadRow(lines.text, problem)
        else:
            yield dict(zip(names, row, strict=True))


def count_csv(file: io.BufferedReader, source: str, *, delimiter: str = ",") -> int:
    """Count the rows of a CSV file; see :func:`read_csv`."""
    _allow_documents()
    if delimiter == ",":
        delimiter = _find_delimiter(file.peek(1))
    if file.peek(1).startswith(BOM_UTF8):
        file.read(len(BOM_UTF8))
    texts = (line.decode(errors="replace") for line in lines_of(file, source))
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    count = -1  # of the header
    while True:
        try:
            for row in reader:
                count += bool(row)
            return max(0, count)
        except csv.Error:
            count += 1


def _allow_documents() -> None:
    """Raise the limit of a value, which is the module's, for all readers, and at first lower than many documents."""
    csv.field_size_limit(max(csv.field_size_limit(), MOST_IN_A_LINE))


def _find_delimiter(begin: bytes) -> str:
    """The separator of the header with which a file begins."""
    header, _, _ = _QUOTED.sub(b"", begin.removeprefix(BOM_UTF8)).lstrip().partition(b"\n")
    return next((mark for mark in ",;\t" if mark.encode() in header), ",")


def read_tsv(file: io.BufferedReader, source: str, wanted: Sequence[str] | None = None) -> Iterator[Any]:
    """Rows of a TSV file; see :func:`read_csv`."""
    return read_csv(file, source, wanted, delimiter="\t")


class _Lines(Iterator[str]):
    """Lines for a CSV reader; keeps those of the current row.

    Attributes:
        problem: Fault for which the row cannot be read; None if there is none.
    """

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.problem: str | None = None
        self._lines = lines
        self._row: list[str] = []
        self._is_first = True

    def begin_row(self) -> None:
        """Forget the lines of the last row."""
        self.problem = None
        self._row.clear()

    @property
    def text(self) -> str:
        """The lines of the row."""
        return "".join(self._row).rstrip("\r\n")

    def __next__(self) -> str:
        line = next(self._lines)
        if self._is_first:
            line, self._is_first = line.removeprefix(BOM_UTF8), False
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            self.problem = f"not UTF-8 ({error.reason}, byte {error.start + 1})"
            text = line.decode(errors="replace")
        self._row.append(text)
        return text
