"""Filters and sort orders of v1 rows, with the semantics of the server's SQL."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.data.values import contains, moment_of, number_of, text_of

if TYPE_CHECKING:
    from simstudio.sandbox.data.tables import Column, Row

NAME = re.compile(r"[a-z_][a-z0-9_]*", re.IGNORECASE | re.ASCII)
"""Pattern of the names of tables, columns and fields of a filter."""

_COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
_OPERATORS = (*_COMPARISONS, "$eq", "$ne", "$in", "$nin", "$contains")

Condition = Callable[[Mapping[str, object]], bool]


def condition(wanted: Mapping[str, object]) -> Condition:
    """The test of a filter; an empty filter accepts every row.

    Raises:
        ValueError: the name of a field or an operator is not allowed. The test raises it for a value that cannot
            be compared.
    """
    parts = [part for field, value in wanted.items() for part in _parts(field, value)]
    return lambda data: all(part(data) for part in parts)


def _parts(field: str, value: object) -> list[Condition]:
    if field in ("$or", "$and") and isinstance(value, list):
        group = [condition(each) for each in value if isinstance(each, Mapping) and each]
        if not group:
            return []
        either = any if field == "$or" else all
        return [lambda data: either(each(data) for each in group)]
    if isinstance(value, list):
        return []  # the server ignores it
    if not NAME.fullmatch(field):
        raise ValueError(f"Invalid field name {field!r}")
    if isinstance(value, Mapping):
        return [part for name, operand in value.items() for part in _operation(field, name, operand)]
    return [_equals(field, value)]


def _operation(field: str, name: str, operand: object) -> list[Condition]:
    if name not in _OPERATORS:
        raise ValueError(f"Invalid operator {name!r}")
    if name in _COMPARISONS:
        return [_compares(field, _COMPARISONS[name], operand)]
    if name == "$contains":
        return [_matches(field, operand)]
    if name in ("$in", "$nin"):
        if not isinstance(operand, list) or not operand:
            return []
        group = [_equals(field, each) for each in operand]
        among = name == "$in"
        return [lambda data: any(each(data) for each in group) == among]
    equals = _equals(field, operand)
    return [equals if name == "$eq" else lambda data: not equals(data)]


def _equals(field: str, value: object) -> Condition:
    return lambda data: contains(data, {field: value})


def _compares(field: str, comparison: Callable[[Decimal, Decimal], bool], operand: object) -> Condition:
    if isinstance(operand, bool):
        raise ValueError("a boolean cannot be compared")
    bound = number_of(operand)

    def compare(data: Mapping[str, object]) -> bool:
        number = number_of(data.get(field))
        return number is not None and bound is not None and comparison(number, bound)

    return compare


def _matches(field: str, operand: object) -> Condition:
    """SQL's ``ILIKE '%…%'``, its wildcards included."""
    pattern = "".join(
        {"%": ".*", "_": "."}.get(character, re.escape(character)) for character in text_of(operand) or "null"
    )
    search = re.compile(pattern, re.IGNORECASE | re.DOTALL).search

    def match(data: Mapping[str, object]) -> bool:
        text = text_of(data.get(field))
        return text is not None and search(text) is not None

    return match


def sort_rows(rows: Sequence[Row], sort: Mapping[str, str], columns: Sequence[Column]) -> list[Row]:
    """Sort rows: numbers and dates with nulls last, anything else as text, where null is the largest.

    Raises:
        ValueError: a field's name is not allowed, or a value is not of its column's type.
    """
    kinds = {column.name: column.kind for column in columns}
    result = list(rows)
    for field, direction in reversed(list(sort.items())):
        if not NAME.fullmatch(field):
            raise ValueError(f"Invalid field name {field!r}")
        key = _key(field, kinds.get(field))
        keyed = [(key(row), row) for row in result]
        present = sorted((each for each in keyed if each[0] is not None), key=_first, reverse=direction == "desc")
        absent = [row for key_of_row, row in keyed if key_of_row is None]
        nulls_last = direction == "asc" or kinds.get(field) in ("number", "currency", "date")
        found = [row for _, row in present]
        result = found + absent if nulls_last else absent + found
    return result


def _first(pair: tuple[Any, Row]) -> Any:  # keys of one field are all of one type
    return pair[0]


def _key(field: str, kind: str | None) -> Callable[[Row], object]:
    if field in ("createdAt", "updatedAt"):
        return lambda row: row.created if field == "createdAt" else row.updated
    if field == "id":
        return lambda row: row.id
    if kind in ("number", "currency"):
        return lambda row: number_of(row.data.get(field))
    if kind == "date":
        return lambda row: _moment(row.data.get(field))
    return lambda row: text_of(row.data.get(field))


def _moment(value: object) -> float | None:
    text = text_of(value)
    if text is None:
        return None
    moment = moment_of(text)
    if moment is None:
        raise ValueError(f"{text!r} is no date")
    return moment
