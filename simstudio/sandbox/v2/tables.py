"""Tables: their definitions and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.table_columns import TableColumns
from simstudio.resources.v2.tables import Tables as TablesResource
from simstudio.sandbox.checks import ListOf, Optional, Ruled, Shape, Text
from simstudio.sandbox.data import columns
from simstudio.sandbox.definitions.folders import ROOT, is_within
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.table_requests import (
    COLUMN,
    COLUMN_CHANGES,
    COLUMNS,
    DESCRIPTION,
    TABLE_NAME,
    WORKSPACE,
    check_lock,
    column,
    invalid_at,
    note,
    table_of,
)
from simstudio.sandbox.v2.workflows import matches

if TYPE_CHECKING:
    from simstudio.sandbox.data.tables import Table, Tables

_MOST_AT_ONCE = 100
_TOGETHER = f"tableIds and folderPaths cannot contain more than {_MOST_AT_ONCE} entries combined"
_IDS = Optional(
    Ruled(
        ListOf(item=Text(least=(1, None)), most=(_MOST_AT_ONCE, f"Cannot address more than {_MOST_AT_ONCE} ids")),
        lambda ids: len(ids) <= _MOST_AT_ONCE,
        _TOGETHER,
    ),
    [],
)
_IN_QUERY = {"workspaceId": WORKSPACE}


@V2().serves(
    TablesResource.list,
    {"scope": "active", "sortBy": "createdAt", "sortOrder": "asc", "limit": 100},
    clamped=("limit",),
)
def list_tables(call: Call) -> Reply:
    """A page of a workspace's tables."""
    query = call.query
    found = call.core.data.tables.of(
        call.workspace(query["workspaceId"], is_hidden=False), archived=query["scope"] == "archived"
    )
    if "folderPath" in query:
        found = [each for each in found if each.folder == f"/{query['folderPath'].lstrip('/')}"]
    if "search" in query:
        found = [each for each in found if matches(query["search"], each.name)]

    def position(each: Table) -> Position:
        values: dict[str, str | float] = {"name": each.name, "createdAt": each.created, "updatedAt": each.updated}
        return values[query["sortBy"]], each.id

    shown, after = page(call, found, position, descending=query["sortOrder"] == "desc")
    return listing((each.to_v2() for each in shown), after)


@V2().serves(
    TablesResource.create,
    own={"name": TABLE_NAME, "schema": Shape({"columns": COLUMNS}, "refuse"), "description": Optional(DESCRIPTION)},
)
def create(call: Call) -> Reply:
    """Make a table."""
    body = call.body
    given = body["schema"]["columns"]
    made = [column(each, "schema", "columns", index) for index, each in enumerate(given)]
    table = call.core.data.tables.add(
        call.workspace(body["workspaceId"], is_hidden=False),
        body["name"],
        body.get("description"),
        made,
        body.get("folderPath", ROOT),
    )
    note(call, "table.created", table, f'Created table "{table.name}" via API', columnCount=len(made))
    return data(table.to_v2(), 201)


@V2().serves(TablesResource.get, own=_IN_QUERY)
def get(call: Call) -> Reply:
    """One table."""
    return data(table_of(call, call.query["workspaceId"]).to_v2())


@V2().serves(TablesResource.update, own={"name": Optional(TABLE_NAME)})
def update(call: Call) -> Reply:
    """Rename, describe or move a table."""
    changes = {name: value for name, value in call.body.items() if name != "workspaceId"}
    if not changes:
        raise invalid_at("Provide a new name, description, or folder", "name")
    table = table_of(call, call.body["workspaceId"])
    call.core.data.tables.update(table, changes)
    note(call, "table.updated", table, f'Updated table "{table.name}" via API')
    return data(table.to_v2())


@V2().serves(TablesResource.delete, own=_IN_QUERY)
def delete(call: Call) -> Reply:
    """Archive a table."""
    table = table_of(call, call.query["workspaceId"], "delete")
    _archive(call, table)
    return data({"id": table.id, "deleted": True})


@V2().serves(TablesResource.restore)
def restore(call: Call) -> Reply:
    """Restore an archived table; one that is not archived does not change."""
    table = call.core.data.tables.find(call.path["tableId"], archived=True)
    if table is None or table.workspace_id != call.body["workspaceId"] or call.key == "outsider":
        raise Refusal(404, "Table not found")
    call.core.data.tables.restore(table)
    return data(table.to_v2())


@V2().serves(TablesResource.move, own={"tableIds": _IDS})
def move(call: Call) -> Reply:
    """Put tables and folders into a folder, each on its own."""
    tables, workspace_id = call.core.data.tables, call.workspace(call.body["workspaceId"], is_hidden=False)
    selection = _Selection(call, tables, workspace_id)
    target = tables.require_folder(workspace_id, call.body.get("targetFolderPath", ROOT))
    moved: list[object] = []
    failed: list[object] = []
    skipped = [table for table in selection.tables if selection.holds(table)]
    for path in selection.paths:
        destination = f"{target.rstrip('/')}/{path.rpartition('/')[2]}"
        try:
            tables.relocate_folder(workspace_id, path, destination)
        except Refusal as refusal:
            failed.append({**_folder(path), "reason": refusal.message})
        else:
            moved.append(_folder(path))
    for table in selection.tables:
        if table not in skipped:
            table.folder = target
            moved.append(_item(table))
    return data({"moved": moved, "skipped": [*map(_item, skipped)], "notFound": selection.missing, "failed": failed})


@V2().serves(TablesResource.bulk_delete, own={"tableIds": _IDS})
def bulk_delete(call: Call) -> Reply:
    """Archive tables, and delete folders with their tables, each on its own."""
    tables, workspace_id = call.core.data.tables, call.workspace(call.body["workspaceId"], is_hidden=False)
    selection = _Selection(call, tables, workspace_id)
    deleted: list[object] = []
    failed: list[object] = []
    skipped = [_item(table) for table in selection.tables if selection.holds(table)]
    counts = {"tables": 0, "folders": 0}
    for table in selection.tables:
        if selection.holds(table):
            continue
        try:
            check_lock(table, "delete")
        except Refusal as refusal:
            failed.append({**_item(table), "reason": refusal.message})
        else:
            _archive(call, table)
            deleted.append(_item(table))
            counts["tables"] += 1
    for path in selection.paths:
        _, folders, inside = tables.delete_folder(workspace_id, path, recursive=True)
        deleted.append(_folder(path))
        counts["folders"] += folders
        counts["tables"] += inside
    answer = {"deleted": deleted, "skipped": skipped, "notFound": selection.missing, "failed": failed}
    return data({**answer, "deletedItems": counts})


class _Selection:
    """The tables and folders that a body names.

    Raises:
        Refusal: 400, the body names no table or folder, or too many.
    """

    def __init__(self, call: Call, tables: Tables, workspace_id: str) -> None:
        ids, paths = list(call.body["tableIds"]), list(call.body.get("folderPaths", ()))
        if not ids and not paths:
            raise invalid_at("At least one table or folder path must be selected", "tableIds")
        if len(ids) + len(paths) > _MOST_AT_ONCE:
            raise invalid_at(_TOGETHER, "tableIds")
        known = {each.path for each in tables.folders(workspace_id)}
        found = {each.id: each for each in tables.of(workspace_id)}
        paths = [f"/{path.lstrip('/')}" for path in paths]
        self.tables = [found[each] for each in dict.fromkeys(ids) if each in found]
        self.paths = [path for path in dict.fromkeys(paths) if path in known]
        self.missing: list[object] = [{"kind": "table", "id": each} for each in ids if each not in found]
        self.missing += [{"kind": "folder", "id": each} for each in paths if each not in known]

    def holds(self, table: Table) -> bool:
        """Whether a table is in one of the folders."""
        return any(is_within(table.folder, path) for path in self.paths)


def _archive(call: Call, table: Table) -> None:
    call.core.data.tables.archive(table.id)
    note(call, "table.deleted", table, f'Archived table "{table.name}" via API')


def _item(table: Table) -> dict[str, Any]:
    return {"kind": "table", "id": table.id, "name": table.name}


def _folder(path: str) -> dict[str, Any]:
    return {"kind": "folder", "id": path, "name": path}


# -- columns --------------------------------------------------------------------------------------------------------


@V2().serves(TableColumns.add, own={"column": COLUMN})
def add_column(call: Call) -> Reply:
    """Add a column at its position, or at the end."""
    given = call.body["column"]
    made = column(given, "column")
    table = table_of(call, call.body["workspaceId"], "schema")
    columns.add(table, made, given.get("position"), call.core.clock())
    _note_columns(call, table, f'Added column "{made.name}" to table "{table.name}"')
    return data({"columns": table.to_v2_columns()}, 201)


@V2().serves(TableColumns.update, own={"updates": COLUMN_CHANGES})
def update_column(call: Call) -> Reply:
    """Rename a column, or change its type, rules or choices."""
    name, updates = call.body["columnName"], call.body["updates"]
    table = table_of(call, call.body["workspaceId"], "schema")
    columns.change(table, name, updates, call.core.clock())
    if "type" in updates:
        columns.recast(table, updates.get("name", name))
    _note_columns(call, table, f'Updated column "{name}" in table "{table.name}"')
    return data({"columns": table.to_v2_columns()})


@V2().serves(TableColumns.delete)
def delete_column(call: Call) -> Reply:
    """Delete a column with its values."""
    name = call.body["columnName"]
    table = table_of(call, call.body["workspaceId"], "schema")
    columns.drop(table, name, call.core.clock())
    _note_columns(call, table, f'Deleted column "{name}" from table "{table.name}"')
    return data({"columns": table.to_v2_columns()})


def _note_columns(call: Call, table: Table, description: str) -> None:
    note(call, "table.updated", table, description)
