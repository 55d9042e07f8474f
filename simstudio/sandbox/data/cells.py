"""Values of v2 rows: conversion before they are stored, and whether they fit their columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from simstudio.sandbox import jsontext
from simstudio.sandbox.data.values import moment_of
from simstudio.sandbox.http import Refusal

if TYPE_CHECKING:
    from simstudio.sandbox.data.tables import Column

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_AMOUNT = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+(\.\d+)?\s*", re.ASCII)
_ANY_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T.*)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


def coerce_row(columns: Iterable[Column], data: Mapping[str, object]) -> dict[str, object]:
    """The values of a row as they are stored: texts of numbers as numbers, choices by their names.

    Raises:
        Refusal: 400, there is no such column.
    """
    by_name = {column.name: column for column in columns}
    for name in data:
        if name not in by_name:
            raise Refusal(400, f"Unknown column: {name}")
    return {name: coerce(value, by_name[name]) for name, value in data.items()}


def coerce(value: object, column: Column) -> object:
    """A value as it is stored; unchanged if it cannot be converted."""
    if column.kind == "select":
        return _name_choices(value, column)
    if not isinstance(value, str):
        return value
    if column.kind in ("number", "currency"):
        text = value.replace(",", "") if column.kind == "currency" and _AMOUNT.fullmatch(value) else value
        return number(text) if NUMBER.fullmatch(text) else value
    if column.kind == "boolean":
        return _BOOLEANS.get(value, value)
    return value


def number(text: str) -> int | float:
    """A number as JSON shows it: an integer without a fraction."""
    found = float(text)
    return int(found) if found.is_integer() and abs(found) <= 2**53 else found


def fits(value: object, column: Column) -> bool:
    """Whether a value that is not null fits its column."""
    if column.kind == "date":
        return isinstance(value, str) and is_date(value)
    if column.kind == "select":
        names = (column.options or {}).values()
        chosen = value if column.multiple and isinstance(value, list) else [value]
        return all(each in names for each in chosen)
    kind = "number" if column.kind == "currency" else column.kind
    return kind == "json" or jsontext.type_name(value) == kind


def misfit(value: object, column: Column) -> str | None:
    """Error text for a value; None if it fits its column."""
    if value is None:
        return f"Missing required field: {column.name}" if column.required else None
    if fits(value, column):
        return None
    if column.kind == "select":
        return f"{column.name} must be one of the defined options"
    kind = {"date": "valid date", "currency": "number"}.get(column.kind, column.kind)
    return f"{column.name} must be {kind}"


def is_date(text: str) -> bool:
    """Whether a text is a date; the 31st of any month is one."""
    return moment_of(text) is not None or _ANY_DAY.fullmatch(text) is not None


def _name_choices(value: object, column: Column) -> object:
    options = column.options or {}
    if not column.multiple:
        return options.get(value, value) if isinstance(value, str) else value
    if value is None:
        return []
    chosen = value if isinstance(value, list) else [value]
    return [options.get(each, each) if isinstance(each, str) else each for each in chosen]
