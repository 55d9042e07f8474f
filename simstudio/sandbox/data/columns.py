"""Changes to the columns of a table, and to the values in its rows."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.sandbox.checks import as_number
from simstudio.sandbox.data.cells import coerce
from simstudio.sandbox.data.filters import NAME
from simstudio.sandbox.data.tables import LONGEST_NAME, Column, Table
from simstudio.sandbox.data.values import moment_of, order_object_keys, text_of
from simstudio.sandbox.http import Refusal


def add(table: Table, column: Column, position: int | None, now: float) -> None:
    """Put a column in a place, or at the end.

    Raises:
        Refusal: 400, the name is taken or there are too many columns; 500, the name is not allowed.
    """
    if not NAME.fullmatch(column.name) or len(column.name) > LONGEST_NAME:
        raise Refusal(500, "Failed to add column")
    if _index(table, column.name) is not None:
        raise Refusal(400, f'Column "{column.name}" already exists')
    if len(table.columns) >= table.plan.columns:
        raise Refusal(400, f"Table has reached maximum column limit ({table.plan.columns})")
    table.columns.insert(len(table.columns) if position is None else position, column)
    table.updated = now


def change(table: Table, name: str, updates: dict[str, Any], now: float) -> None:
    """Rename a column, then change its type, then its constraints. A failure leaves the earlier changes.

    Raises:
        Refusal: there is no such column or nothing to change, a name is not allowed or taken, or the rows do not fit.
    """
    if not updates:
        raise Refusal(400, "No updates specified")
    index = _require_index(table, name)
    if "name" in updates:
        _rename(table, index, updates["name"])
    if "type" in updates:
        _retype(table, index, updates["type"])
    if "required" in updates or "unique" in updates:
        _constrain(table, index, updates)
    if "options" in updates or "multiple" in updates:
        _redefine_choices(table, index, updates)
    if "currencyCode" in updates:
        table.columns[index] = attrs.evolve(table.columns[index], currency=updates["currencyCode"])
    table.updated = now


def recast(table: Table, name: str) -> None:
    """Turn the values of a column into its new type, as v2 does."""
    column = table.columns[_require_index(table, name)]
    for row in table.rows:
        value = row.data.get(column.name)
        if value is not None:
            row.data[column.name] = _cast(value, column)


def drop(table: Table, name: str, now: float) -> None:
    """Delete a column with its values.

    Raises:
        Refusal: there is no such column, or it is the last one.
    """
    index = _require_index(table, name)
    if len(table.columns) == 1:
        raise Refusal(400, "Cannot delete the last column in a table")
    column = table.columns.pop(index)
    for row in table.rows:
        row.data.pop(column.name, None)
    for group in table.groups:
        group.settings["outputs"] = [each for each in group.outputs if each["columnName"] != column.name]
    table.updated = now


def _index(table: Table, name: str) -> int | None:
    names = [column.name.lower() for column in table.columns]
    return names.index(name.lower()) if name.lower() in names else None


def _require_index(table: Table, name: str) -> int:
    index = _index(table, name)
    if index is None:
        raise Refusal(404, f'Column "{name}" not found')
    return index


def _rename(table: Table, index: int, name: str) -> None:
    old = table.columns[index]
    if not NAME.fullmatch(name):
        rule = (
            "Column names must start with a letter or underscore, followed by alphanumeric characters or underscores."
        )
        raise Refusal(400, f'Invalid column name "{name}". {rule}')
    if len(name) > LONGEST_NAME:
        raise Refusal(400, f"Column name exceeds maximum length ({LONGEST_NAME} characters)")
    if _index(table, name) not in (None, index):
        raise Refusal(400, f'Column "{name}" already exists')
    table.columns[index] = attrs.evolve(old, name=name)
    for row in table.rows:
        if old.name in row.data:
            row.data[name] = row.data.pop(old.name)
            row.data = order_object_keys(row.data)
    for group in table.groups:
        group.rename_column(old.name, name)


def _retype(table: Table, index: int, kind: str) -> None:
    column = table.columns[index]
    values = [row.data.get(column.name) for row in table.rows]
    misfits = sum(value is not None and not _convertible(value, kind) for value in values)
    if misfits:
        raise Refusal(
            400,
            f'Cannot change column "{column.name}" to type "{kind}": {misfits} row(s) have incompatible values. '
            "Fix or remove the incompatible values first.",
        )
    table.columns[index] = attrs.evolve(column, kind=kind)


def _constrain(table: Table, index: int, updates: dict[str, Any]) -> None:
    column = table.columns[index]
    required, unique = updates.get("required", column.required), updates.get("unique", column.unique)
    values = [row.data.get(column.name) for row in table.rows]
    empty = sum(value is None or (table.plan.since_v08 and value in ("", [])) for value in values)
    if required and not column.required and empty:
        kinds = "null, missing, or empty" if table.plan.since_v08 else "null or missing"
        reason = f"{empty} row(s) have {kinds} values"
        raise Refusal(400, f'Cannot set column "{column.name}" as required: {reason}')
    texts = [text_of(value) for value in values if value is not None]
    if unique and not column.unique and len(set(texts)) < len(texts):
        raise Refusal(400, f'Cannot set column "{column.name}" as unique: duplicate values exist')
    table.columns[index] = attrs.evolve(column, required=required, unique=unique)


def _redefine_choices(table: Table, index: int, updates: dict[str, Any]) -> None:
    """Change the choices, or whether there may be several; a cell whose choice is gone becomes null."""
    old = table.columns[index]
    options = old.options or {}
    if "options" in updates:
        options = {each["id"]: each["name"] for each in updates["options"]}
    new = attrs.evolve(old, options=options, multiple=updates.get("multiple", old.multiple))
    table.columns[index] = new
    names = {name: options[key] for key, name in (old.options or {}).items() if key in options}
    for row in table.rows:
        if old.name not in row.data:
            continue
        value = row.data[old.name]
        held: list[Any] = value if isinstance(value, list) else [value]
        chosen = [names[each] for each in held if each in names]
        row.data[old.name] = chosen if new.multiple else next(iter(chosen), None)


def _cast(value: object, column: Column) -> object:
    text = text_of(value) or ""
    if column.kind == "boolean":
        return text.lower() in ("true", "1")
    return text if column.kind == "string" else coerce(text if column.kind == "date" else value, column)


def _convertible(value: object, kind: str) -> bool:
    """Whether a value may stay when its column changes its type; less strict than the check of new rows."""
    text = value if isinstance(value, str) else None
    if kind in ("number", "currency"):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number or (text is not None and bool(text.strip()) and as_number(text) == as_number(text))
    if kind == "boolean":
        return value in (True, False) if text is None else text.lower() in ("true", "false", "1", "0")
    if kind == "date":
        return text is not None and moment_of(text) is not None
    return True
