"""Items as rows of a table, and the columns of that table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from simstudio.batch.money import Credits, Dollars, Money
from simstudio.batch.records import dump
from simstudio.core.frames import Column, Kind

COLUMNS = (
    Column("index", "integer"),
    Column("key", "text"),
    Column("state", "text"),
    Column("input", "json"),
    Column("output", "json"),
    Column("error_type", "text"),
    Column("error_message", "text"),
    Column("error_code", "text"),
    Column("attempts", "integer"),
    Column("elapsed", "number"),
    Column("run_id", "text"),
)
"""Columns of a table of items."""
_COSTS = {unit: Column(f"cost_{unit}", "number") for unit in (Dollars.unit, Credits.unit)}
"""Columns of costs by their units. A table has one if its batch has a budget."""
COST_NAMES = frozenset(column.name for column in _COSTS.values())
FILE_COLUMNS = tuple(attrs.evolve(column, kind="text") if column.kind == "json" else column for column in COLUMNS)
"""The same for files, which hold input and output as JSON texts."""
_OUTPUT = "output"
_MOST_COLUMNS = 1_000
"""Columns that outputs may add: outputs whose keys are ids would add one for each item."""
_KINDS: Mapping[type, Kind] = {str: "text", bool: "boolean", float: "number"}


def row_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the table.

    Args:
        told: The item as :meth:`BatchItem.to_dict() <simstudio.BatchItem.to_dict>` returns it.
    """
    row = dict(told)
    row.update({_COSTS[unit].name: amount for unit, amount in row.pop("cost", {}).items()})
    error = row.pop("error") or {}
    for name in ("type", "message", "code"):
        value = error.get(name)
        row[f"error_{name}"] = None if value is None else str(value)
    return row


def with_texts(row: Mapping[str, Any], *, has_output: bool) -> dict[str, Any]:
    """A row for a file: with its input and output as JSON texts.

    Args:
        has_output: Whether an output that is None is a null; if not, there is none.
    """
    texts: dict[str, Any] = {"input": dump(row["input"], "An input")}
    output = row.get(_OUTPUT)
    if output is not None or (has_output and _OUTPUT in row):
        texts[_OUTPUT] = dump(output, "An output")
    return {**row, **texts}


def flatten(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with a column for each value of a nested output: ``output.a.b``.

    Lists stay one value. So do outputs that are no object, or in which two values have the same path.

    Example:
        >>> flatten({"index": 0, "output": {"a": {"b": 1}, "c": [2]}})
        {'index': 0, 'output.a.b': 1, 'output.c': [2]}
    """
    if not isinstance(row.get(_OUTPUT), dict):
        return dict(row)
    found: dict[str, Any] = {}
    waiting = [(_OUTPUT, row[_OUTPUT])]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict) and (value or path == _OUTPUT):
            waiting += [(f"{path}.{key}", each) for key, each in reversed(value.items())]
        elif path in found:
            return dict(row)
        else:
            found[path] = value
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat.update(found if name == _OUTPUT else {name: value})
    return flat


class OutputColumns:
    """The columns of flattened outputs, found by looking at all of them."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind | None] = {}

    def look(self, row: Mapping[str, Any]) -> None:
        """Look at a row that :func:`flatten` returned."""
        for name, value in row.items():
            if name.startswith(f"{_OUTPUT}.") and (name in self._kinds or len(self._kinds) < _MOST_COLUMNS):
                self._kinds[name] = _join(self._kinds.get(name), _kind_of(value))

    def columns(self) -> list[Column]:
        """The columns, in the order in which they were found."""
        return [Column(name, kind or "text") for name, kind in self._kinds.items()]

    def fit(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row with the values that have no column of their own in the column ``output``, by their paths."""
        others = {name for name in row.keys() - self._kinds.keys() if name.startswith(f"{_OUTPUT}.")}
        if not others:
            return row
        kept = {name: value for name, value in row.items() if name not in others}
        return {**kept, _OUTPUT: {name: value for name, value in row.items() if name in others}}


def with_cost(columns: Sequence[Column], cost: Money | None) -> Sequence[Column]:
    """The columns of a table, with that of costs if the batch has a budget; ``cost`` is any amount in its unit."""
    return columns if cost is None else (*columns, _COSTS[cost.unit])


def with_outputs(columns: Sequence[Column], outputs: Sequence[Column]) -> list[Column]:
    """The columns of a table, those of flattened outputs after ``output``."""
    at = next(place for place, column in enumerate(columns) if column.name == _OUTPUT) + 1
    return [*columns[:at], *outputs, *columns[at:]]


def _kind_of(value: Any) -> Kind | None:
    if value is None:
        return None
    if type(value) is int:
        return "integer" if -(2**63) <= value < 2**63 else "json"
    if type(value) is float and not abs(value) < 2.0**1023:  # NaN among them
        return "json"
    return _KINDS.get(type(value), "json")


def _join(one: Kind | None, other: Kind | None) -> Kind | None:
    """The kind of a column with values of two kinds."""
    if one is None or other is None or one == other:
        return one or other
    return "number" if {one, other} == {"integer", "number"} else "json"
