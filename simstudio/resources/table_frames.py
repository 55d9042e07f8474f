"""Columns of Sim's tables as columns of data frames, and the other way round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from simstudio.core.frame_readers import FrameReader
from simstudio.core.frames import Column, Kind, Layout
from simstudio.transport.errors import InvalidInputError

_KINDS: Final[Mapping[str, Kind]] = {
    "string": "text",
    "select": "text",
    "number": "number",
    "currency": "number",
    "boolean": "boolean",
    "date": "date",
}
"""Kinds by type of column; others hold JSON data."""
_TYPES: Final[Mapping[Kind, str]] = {
    "text": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
}
"""Types of column by kind; others hold JSON data."""
_OTHERS: Final = (Column("id", "text"), Column("created_at", "date"), Column("updated_at", "date"))


def layout_of(columns: Iterable[Any]) -> Layout:
    """Make the layout of a list of rows from the columns of their table."""
    names = [column.name for column in _OTHERS]

    def read(row: Any) -> Mapping[str, Any]:
        data = getattr(row, "data", None)
        return {**{name: getattr(row, name, None) for name in names}, **(data if isinstance(data, dict) else {})}

    return Layout([Column(column.name, _kind_of(column)) for column in columns], read, _OTHERS)


def _kind_of(column: Any) -> Kind:
    if column.type == "select" and column.multiple:
        return "list"
    return _KINDS.get(column.type, "json")


def columns_for(reader: FrameReader, settings: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Make the columns of a new table for a data frame.

    Args:
        settings: Settings of columns by name, which replace those that follow from the frame.

    Raises:
        InvalidInputError: The frame has no column with one of these names.
    """
    _check_names(settings, [column.name for column in reader.columns], "The data frame")
    return [
        {"type": _TYPES.get(column.kind, "json"), **settings.get(column.name, {}), "name": column.name}
        for column in reader.columns
    ]


def rows_for(reader: FrameReader, types: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Iterate over the rows of a data frame as values of a table whose columns have these types.

    Raises:
        InvalidInputError: The table lacks a column of the frame, or a value is no JSON data.
    """
    _check_names([column.name for column in reader.columns], list(types), "The table")
    return reader.rows(name for name, kind in types.items() if kind == "json")


def _check_names(names: Iterable[str], known: Sequence[str], owner: str) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidInputError(
            f"{owner} has no column {', '.join(map(repr, unknown))}. It has {', '.join(map(repr, known))}."
        )
