"""CSV and TSV files as imports of tables read them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import attrs

from simstudio.sandbox.data.cells import NUMBER, coerce, fits
from simstudio.sandbox.data.tables import LONGEST_NAME, Column

_ZONELESS = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{3})?)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


class NoRowsError(ValueError):
    """The file has no rows, or cannot be read."""


@attrs.frozen
class CSVFile:
    """A parsed file.

    Attributes:
        header: Names of the columns in the file; of two columns with one name the last counts.
        lines: Cells of the rows; a short row has none for the last columns.
    """

    header: Sequence[str]
    lines: Sequence[Sequence[str]]

    @classmethod
    def parse(cls, content: bytes, *, is_tsv: bool) -> CSVFile:
        """Read a file in UTF-8; other bytes become replacement characters.

        Raises:
            NoRowsError: The text is no CSV, or has no header.
        """
        text = content.decode("utf-8-sig", "replace").replace("\0", "")
        first = text.partition("\n")[0]
        delimiter = "\t" if is_tsv else max(",;\t", key=first.count) if first else ","
        try:
            header, *lines = (line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if line)
        except csv.Error as error:
            raise NoRowsError(f"Invalid CSV: {error}") from None
        except ValueError:
            raise NoRowsError("CSV file has no data rows") from None
        return cls(header, lines)

    def cells(self, name: str) -> Iterator[str]:
        """The cells of a column."""
        index = self._index(name)
        return (line[index] if index < len(line) else "" for line in self.lines)

    def rows(self, columns: Sequence[tuple[str, Column]], zone: str | None) -> Iterator[dict[str, object]]:
        """The rows as they are stored; an empty cell is null, and one that does not fit its column as well.

        Args:
            columns: Columns of the file and of the table.
            zone: Time zone of moments without one.
        """
        places = [(self._index(name), column) for name, column in columns]
        for line in self.lines:
            yield {
                column.name: _value(line[index] if index < len(line) else "", column, zone) for index, column in places
            }

    def infer_column(self, name: str) -> Column:
        """Make a column for a column of the file, with the type that all its cells have."""
        return Column(column_name(name), _kind(cell for cell in self.cells(name) if cell))

    def _index(self, name: str) -> int:
        return len(self.header) - 1 - list(reversed(self.header)).index(name)


def column_name(header: str) -> str:
    """The name of a column of a table for a column of a file."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", header.strip()).rstrip("_")
    return (name if re.match(r"[A-Za-z_]", name) else f"col_{name}")[:LONGEST_NAME]


def _kind(cells: Iterable[str]) -> str:
    kinds = ["number", "boolean", "date"]
    is_empty = True
    for cell in cells:
        is_empty = False
        kinds = [kind for kind in kinds if _is(kind, cell)]
        if not kinds:
            break
    return "string" if is_empty or not kinds else kinds[0]


def _is(kind: str, cell: str) -> bool:
    if kind == "boolean":
        return cell.lower() in ("true", "false")
    return (NUMBER if kind == "number" else _DATE).fullmatch(cell) is not None


def _value(cell: str, column: Column, zone: str | None) -> object:
    if not cell:
        return None
    text = cell.lower() if column.kind == "boolean" else cell
    if column.kind == "date" and zone is not None and _ZONELESS.fullmatch(text):
        text = _in_zone(text, zone)
    value = coerce(text, column)
    return value if fits(value, column) else None


def _in_zone(text: str, zone: str) -> str:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).isoformat()
    except ValueError:  # the 30th of February is a date, but not one that has a time zone
        return text
