"""Changes to the rows of a table; each is made completely or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from simstudio.sandbox import jsontext
from simstudio.sandbox.data.cells import misfit
from simstudio.sandbox.data.filters import condition
from simstudio.sandbox.data.tables import NOTHING, Column, Row, Table
from simstudio.sandbox.data.values import order_object_keys, text_of
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.seeding import new_uuid

Values = Mapping[str, object]


def insert(table: Table, data: Values, now: float, place: int | None = None) -> Row:
    """Add one row.

    Args:
        place: Position of the new row; None is the end.

    Raises:
        Refusal: it does not fit its columns, repeats a unique value, or the table is full.
    """
    _reject("Invalid row data", _oversize(table, data))
    _reject("Row data does not match schema", misfits(data, table.columns))
    _reject("Unique constraint violation", _clashes(table, data))
    if len(table.rows) >= table.max_rows:
        raise Refusal(400, f"Table has reached maximum row limit ({table.max_rows})")
    row = _append(table, data, now)
    if place is not None and place < len(table.rows) - 1:
        table.rows.pop()
        before = table.rows[place - 1].order if place else table.rows[0].order - 2
        row.order = (before + table.rows[place].order) / 2
        table.rows.insert(place, row)
    return row


def insert_many(table: Table, batch: Sequence[Values], now: float) -> list[Row]:
    """Add rows at the end.

    Raises:
        Refusal: a row does not fit; no row is added.
    """
    wrong = [_oversize(table, data) or misfits(data, table.columns) for data in batch]
    _reject_numbered("Validation failed for some rows", wrong)
    _reject_numbered("Unique constraint violations in batch", _batch_clashes(table, batch))
    count, room = len(table.rows), table.max_rows - len(table.rows)
    if len(batch) > room:
        filled = f"table has {count}/{table.max_rows} rows"
        raise Refusal(400, f"Insufficient capacity. Can only insert {room} more rows ({filled})")
    return [_append(table, data, now) for data in batch]


def update(table: Table, row: Row, changes: Values, now: float) -> None:
    """Merge values into a row; null stays null.

    Raises:
        Refusal: the row would not fit its columns.
    """
    data = {**row.data, **changes}
    _reject_joined("", _oversize(table, data))
    _reject_joined("Schema validation failed: ", misfits(data, table.columns))
    _reject_joined("", _clashes(table, data, row))
    _replace(row, data, now)


def update_where(table: Table, wanted: Values, changes: Values, limit: int | None, now: float) -> list[Row]:
    """Merge values into at most ``limit`` rows that match a filter.

    Raises:
        Refusal: 500, a row would not fit its columns, or the filter cannot be parsed; 400, a value is not unique.
    """
    _reject("Validation error", _oversize(table, changes))
    rows = _find_rows(table, wanted, limit, "Failed to update rows")
    if any(misfits({**row.data, **changes}, table.columns) for row in rows):
        raise Refusal(500, "Failed to update rows")
    return update_alike(table, rows, changes, now)


def update_alike(table: Table, rows: list[Row], changes: Values, now: float) -> list[Row]:
    """Merge the same values into some rows, all or none.

    Raises:
        Refusal: a row would not fit its columns.
    """
    merged = [{**row.data, **changes} for row in rows]
    for data in merged:
        _reject_joined("", _oversize(table, data) or misfits(data, table.columns))
    fixed = [column.name for column in table.columns if column.unique and column.name in changes]
    if len(rows) > 1 and fixed:
        raise Refusal(
            400,
            "Cannot set unique column values when updating multiple rows. Columns with unique constraint: "
            f"{', '.join(fixed)}. Updating {len(rows)} rows with the same value would violate uniqueness.",
        )
    pairs = list(zip(rows, merged, strict=True))
    if fixed:
        for row, data in pairs:
            _reject_joined("Unique constraint violation: ", _clashes(table, data, row))
    for row, data in pairs:
        _replace(row, data, now)
    return rows


def update_many(table: Table, updates: Sequence[tuple[str, Values]], now: float) -> list[Row]:
    """Merge values into rows by their ids.

    Raises:
        Refusal: an id is unknown, or a row would not fit; no row is changed.
    """
    known = {row.id: row for row in table.rows}
    missing = [row_id for row_id, _ in updates if row_id not in known]
    if missing:
        raise Refusal(400, f"Rows not found: {', '.join(missing)}")
    merged = [(known[row_id], {**known[row_id].data, **changes}) for row_id, changes in updates]
    for row, data in merged:
        wrong = _oversize(table, data) or misfits(data, table.columns) or _clashes(table, data, row)
        _reject_joined(f"Row {row.id}: ", wrong)
    for row, data in merged:
        _replace(row, data, now)
    return [row for row, _ in merged]


def upsert(table: Table, data: Values, target: str | None, now: float) -> tuple[Row, bool]:
    """Replace the row with the same value in a unique column, or add a row; return it, and whether it is new.

    Raises:
        Refusal: no unique column is chosen, or the data does not fit.
    """
    name = conflict_target(table, target)
    value = data.get(name)
    if value is None:
        raise Refusal(400, f'Upsert requires a value for the conflict target column "{name}"')
    _reject_joined("", _oversize(table, data))
    _reject_joined("Schema validation failed: ", misfits(data, table.columns))
    row = next((row for row in table.rows if row.data.get(name) == value), None)
    _reject_joined("Unique constraint violation: ", _clashes(table, data, row))
    if row is not None:
        _replace(row, data, now)
        return row, False
    if len(table.rows) >= table.max_rows:
        raise Refusal(400, f"Table row limit reached ({table.max_rows} rows max)")
    return _append(table, data, now), True


def delete(table: Table, rows: Iterable[Row]) -> None:
    """Delete rows; later rows move up."""
    gone = {row.id for row in rows}
    table.rows = [row for row in table.rows if row.id not in gone]


def delete_where(table: Table, wanted: Values, limit: int | None) -> list[Row]:
    """Delete at most ``limit`` rows that match a filter.

    Raises:
        Refusal: 500, the filter cannot be parsed.
    """
    rows = _find_rows(table, wanted, limit, "Failed to delete rows")
    delete(table, rows)
    return rows


def delete_ids(table: Table, ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Delete rows by id; return the ids of the deleted rows and the unknown ids."""
    known = {row.id for row in table.rows}
    asked = list(dict.fromkeys(ids))
    delete(table, [row for row in table.rows if row.id in asked])
    return [row_id for row_id in asked if row_id in known], [row_id for row_id in asked if row_id not in known]


def misfits(data: Values, columns: Iterable[Column]) -> list[str]:
    """Error texts for the values that do not fit their columns. Values without a column are stored as they are."""
    return [problem for column in columns if (problem := misfit(data.get(column.name), column)) is not None]


def _clashes(table: Table, data: Values, itself: Row | None = None) -> list[str]:
    return [
        _clash(table, column, data, position)
        for column in table.columns
        if column.unique and data.get(column.name) is not None
        for position in [_position(table, column, data, itself)]
        if position is not None
    ]


def _clash(table: Table, column: Column, data: Values, position: int) -> str:
    other = position + 1 if table.plan.since_v08 else table.rows[position].id
    return f"{_must_be_unique(column, data)} already exists in row {other}"


def _batch_clashes(table: Table, batch: Sequence[Values]) -> list[list[str]]:
    found: list[list[str]] = [[] for _ in batch]
    for column in table.columns:
        if not column.unique:
            continue
        stored = {
            _comparable(row.data[column.name]): position
            for position, row in reversed(list(enumerate(table.rows)))
            if row.data.get(column.name) is not None
        }
        seen: dict[object, int] = {}
        for index, data in enumerate(batch):
            if data.get(column.name) is None:
                continue
            value = _comparable(data[column.name])
            if value in stored:
                found[index].append(_clash(table, column, data, stored[value]))
            if value in seen:
                found[index].append(f"{_must_be_unique(column, data)} duplicates row {seen[value] + 1} in batch")
            seen.setdefault(value, index)
    return found


def _must_be_unique(column: Column, data: Values) -> str:
    return f'Column "{column.name}" must be unique. Value "{text_of(data[column.name])}"'


def _position(table: Table, column: Column, data: Values, itself: Row | None) -> int | None:
    """The position of another row with the same value."""
    value = _comparable(data[column.name])
    return next(
        (
            position
            for position, row in enumerate(table.rows)
            if row is not itself and _comparable(row.data.get(column.name)) == value
        ),
        None,
    )


def _comparable(value: object) -> object:
    """A value as unique columns compare it: text without case."""
    return value.lower() if isinstance(value, str) else text_of(value)


def conflict_target(table: Table, target: str | None) -> str:
    """The unique column by which an upsert finds its row.

    Raises:
        Refusal: no such unique column, or the table has several and none is named.
    """
    unique = [column.name for column in table.columns if column.unique]
    if not unique:
        raise Refusal(
            400,
            "Upsert requires at least one unique column in the schema. "
            "Please add a unique constraint to a column or use insert instead.",
        )
    if target:
        if target not in unique:
            available = f"Available unique columns: {', '.join(unique)}"
            raise Refusal(400, f'Column "{target}" is not a unique column. {available}')
        return target
    if len(unique) > 1:
        hint = "Specify conflictTarget to indicate which column to match on."
        raise Refusal(400, f"Table has multiple unique columns ({', '.join(unique)}). {hint}")
    return unique[0]


def _find_rows(table: Table, wanted: Values, limit: int | None, failure: str) -> list[Row]:
    try:
        matches: Callable[[Values], bool] = condition(wanted)
        return [row for row in table.rows if matches(row.data)][:limit]
    except ValueError as error:
        raise Refusal(500, failure) from error


def _append(table: Table, data: Values, now: float) -> Row:
    order = table.rows[-1].order + 1 if table.rows else NOTHING
    row = Row(f"row_{new_uuid().hex}", order_object_keys(data), now, now, order)
    table.rows.append(row)
    return row


def _replace(row: Row, data: Values, now: float) -> None:
    row.data = order_object_keys(data)
    row.updated = now


def _oversize(table: Table, data: Values) -> list[str]:
    size, most = len(jsontext.encode(data)), table.plan.row_bytes
    return [f"Row size exceeds limit ({size} bytes > {most} bytes)"] if size > most else []


def _reject(message: str, problems: list[str]) -> None:
    if problems:
        raise Refusal(400, message, list(problems))


def _reject_joined(beginning: str, problems: list[str]) -> None:
    if problems:
        raise Refusal(400, f"{beginning}{', '.join(problems)}")


def _reject_numbered(message: str, problems: Iterable[list[str]]) -> None:
    numbered: list[object] = [{"row": index, "errors": each} for index, each in enumerate(problems) if each]
    if numbered:
        raise Refusal(400, message, numbered)
