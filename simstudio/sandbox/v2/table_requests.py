"""The common parts of operations on tables: look-up, and checks of locks, columns and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.checks import Check, Flag, Issue, ListOf, Number, OneOf, Optional, Shape, Text
from simstudio.sandbox.data.audit import Resource
from simstudio.sandbox.data.predicates import Predicate
from simstudio.sandbox.data.tables import LONGEST_NAME, Column, Table
from simstudio.sandbox.families import invalid
from simstudio.sandbox.http import Refusal
from simstudio.sandbox.operation import Call

if TYPE_CHECKING:
    from simstudio.sandbox.data.tables import Lock, Row

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_NAME_RULE = "ame must start with a letter or underscore and contain only alphanumeric characters and underscores"
_KINDS = ("string", "number", "currency", "boolean", "date", "json", "select")
_MOST_COLUMNS = 1000

WORKSPACE = Text(missing="workspaceId query parameter is required", least=(1, None), most=(128, None))
"""The id of a workspace, which most operations of tables miss with words of their own."""

TABLE_NAME = Text(
    least=(1, "Name is required"),
    most=(128, "Name must be 128 characters or less"),
    pattern=(_NAME, f"N{_NAME_RULE}"),
)
DESCRIPTION = Text(most=(500, "Description must be 500 characters or less"))
PREDICATE = Predicate()
FILTER = Predicate(may_be_bare=False)
SORT = ListOf(item=Shape({"field": Text(), "direction": OneOf(("asc", "desc"))}, "refuse"), most=(16, None))
COLUMN_NAME = Text(
    least=(1, "Column name is required"),
    most=(LONGEST_NAME, f"Column name must be {LONGEST_NAME} characters or less"),
    pattern=(_NAME, f"Column n{_NAME_RULE}"),
)
_RULES: Mapping[str, Check] = {"required": Optional(Flag()), "unique": Optional(Flag())}
_CODE = ("[A-Za-z]{3}", "Must be a 3-letter ISO 4217 currency code, e.g. USD")
_SETTINGS: Mapping[str, Check] = {
    **_RULES,
    "options": Optional(ListOf(item=Shape({"id": Text(least=(1, None)), "name": Text(least=(1, None))}, "refuse"))),
    "multiple": Optional(Flag()),
    "currencyCode": Optional(Text(pattern=_CODE)),
}
COLUMN = Shape(
    {
        "name": COLUMN_NAME,
        "type": OneOf(_KINDS),
        **_SETTINGS,
        "id": Optional(Text()),
        "position": Optional(Number(least=(0, None), whole=True)),
        "workflowGroupId": Optional(Text()),
    },
    "refuse",
)
COLUMNS = ListOf(
    item=COLUMN,
    least=(1, "Table must have at least one column"),
    most=(_MOST_COLUMNS, f"Table cannot have more than {_MOST_COLUMNS} columns"),
)
COLUMN_CHANGES = Shape({"name": Optional(COLUMN_NAME), "type": Optional(OneOf(_KINDS)), **_SETTINGS}, "refuse")
OUTPUT_COLUMNS = ListOf(item=Shape({"name": COLUMN_NAME, "type": OneOf(_KINDS), **_RULES}, "refuse"))


def table_of(call: Call, workspace_id: str, lock: Lock | None = None) -> Table:
    """The table that the path names.

    Args:
        lock: Kind of change that must not be locked: ``insert``, ``update``, ``delete`` or ``schema``.

    Raises:
        Refusal: 404 or 423.
    """
    table = find_table(call, workspace_id, call.path["tableId"])
    if lock is not None:
        check_lock(table, lock)
    return table


def find_table(call: Call, workspace_id: str, table_id: str) -> Table:
    """A table of a workspace.

    Raises:
        Refusal: 404.
    """
    table = call.core.data.tables.find(table_id)
    if table is None or table.workspace_id != workspace_id or call.key == "outsider":
        raise Refusal(
            404,
            f'Table "{table_id}" not found in this workspace — it may not exist or may belong to a different '
            'workspace. Run glob("tables/*") to list the tables you can use here.',
        )
    return table


_LOCKED: Mapping[Lock, str] = {
    "insert": "new rows cannot be added",
    "update": "rows cannot be changed",
    "delete": "rows cannot be deleted",
    "schema": "its columns cannot be changed",
}


def check_lock(table: Table, lock: Lock) -> None:
    """Raise if the kind of change is locked.

    Raises:
        Refusal: 423.
    """
    if lock in table.locks:
        raise Refusal(423, f"This table is {lock}-locked: {_LOCKED[lock]}.", {"lock": lock})


def invalid_at(message: str, *path: str | int) -> Refusal:
    """The refusal of one place of a body; without a path, of the whole body."""
    return invalid(Issue("custom", path, message))


def column(given: Mapping[str, Any], *at: str | int, group_id: str | None = None) -> Column:
    """A new column.

    Args:
        at: Its place in the body, for the message.

    Raises:
        Refusal: 400, a ``select`` column has no choices.
    """
    options = given.get("options")
    if given["type"] == "select" and not options:
        raise invalid_at("A select column must define at least one option", *at, "options")
    return Column(
        given["name"],
        given["type"],
        given.get("required", False),
        given.get("unique", False),
        options=None if options is None else {each["id"]: each["name"] for each in options},
        multiple=given.get("multiple", False),
        currency=given.get("currencyCode"),
        group_id=group_id,
    )


def with_run_states(table: Table, rows: Iterable[Row], is_wanted: object) -> list[dict[str, object]]:
    """Rows as the API shows them, with the states of group runs if requested."""
    if not is_wanted:
        return [row.to_v2() for row in rows]
    return [
        row.to_v2(runState={key: cell.to_dict() for key, cell in table.cells.get(row.id, {}).items()}) for row in rows
    ]


def check_run_states(is_wanted: object, limit: int) -> None:
    """Raise if too many rows are requested with their run states.

    Raises:
        Refusal: 400.
    """
    if is_wanted and limit > 200:
        raise invalid_at("limit cannot exceed 200 when includeRunState is set", "limit")


def note(call: Call, action: str, table: Table, description: str, **metadata: object) -> None:
    """Write a line of the audit log."""
    call.core.data.audit.record(action, Resource("table", table.id, table.name), description, **metadata)
