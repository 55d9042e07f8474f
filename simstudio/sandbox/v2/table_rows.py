"""Rows of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.table_rows import TableRows
from simstudio.sandbox.checks import AnyOf, ListOf, Number, Optional, Parsed, Record, Shape, Text, as_number
from simstudio.sandbox.data import rows
from simstudio.sandbox.data.cells import coerce_row, fits
from simstudio.sandbox.data.predicates import filter_rows, sort_rows
from simstudio.sandbox.data.values import text_of
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2 import row_cursors, table_runs
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.table_requests import (
    FILTER,
    PREDICATE,
    SORT,
    WORKSPACE,
    check_lock,
    check_run_states,
    invalid_at,
    table_of,
    with_run_states,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simstudio.sandbox.data.tables import Row, Table

_MOST = 1000
_MOST_MATCHES = 1000
_QUERIES = V2(body_limit=1024 * 1024)
_TOO_FEW = (1, "Limit must be at least 1")
_WORKSPACE_ID = Text(missing="Workspace ID is required", least=(1, "Workspace ID is required"), most=(128, None))
_PER_PAGE = Number(
    least=_TOO_FEW,
    most=(_MOST, f"Limit cannot exceed {_MOST}"),
    whole="Limit must be an integer",
    invalid="Limit must be a number",
)
_PER_QUERY = Number(
    least=(0, "Limit must be at least 0 (use 0 for an unbounded query)"),
    most=(
        _MOST,
        f"Limit cannot exceed {_MOST}; use limit=0 for a full result or create an export resource for large datasets",
    ),
    whole="Limit must be an integer",
)


def _check_limit(verb: str) -> Optional:
    most = (_MOST, f"Cannot {verb} more than {_MOST} rows per operation")
    return Optional(Number(least=_TOO_FEW, most=most, whole=True))


_INSERTED = AnyOf(
    (
        Shape(
            {
                "workspaceId": _WORKSPACE_ID,
                "rows": ListOf(
                    item=Record(),
                    least=(1, "At least one row is required"),
                    most=(_MOST, f"Cannot insert more than {_MOST} rows per batch"),
                ),
            },
            "refuse",
        ),
        Shape(
            {
                "workspaceId": _WORKSPACE_ID,
                "data": Record(),
                "afterRowId": Optional(Text()),
                "beforeRowId": Optional(Text()),
            },
            "refuse",
        ),
    ),
    "Row insert body must be either { rows: [...] } for a batch insert or { data: {...} } for a single row",
)
_DELETED = Shape(
    {
        "workspaceId": _WORKSPACE_ID,
        "filter": Optional(FILTER),
        "limit": _check_limit("delete"),
        "rowIds": Optional(
            ListOf(
                item=Text(least=(1, None)),
                least=(1, "At least one row ID is required"),
                most=(_MOST, f"Cannot delete more than {_MOST} rows per operation"),
            )
        ),
    },
    "refuse",
)
_UPDATES = ListOf(
    item=Shape({"rowId": Text(least=(1, None)), "data": Record()}, "refuse"),
    least=(1, "updates must contain at least one row"),
    most=(_MOST, f"Cannot update more than {_MOST} rows per batch"),
)


# -- reading --------------------------------------------------------------------------------------------------------


@V2().serves(
    TableRows.list,
    own={"workspaceId": WORKSPACE, "limit": Optional(Parsed(as_number, _PER_PAGE), 100)},
)
def list_rows(call: Call) -> Reply:
    """A page of the rows, in the order of the table."""
    query = call.query
    states = query.get("includeRunState")
    check_run_states(states, query["limit"])
    table = table_of(call, query["workspaceId"])
    scope = row_cursors.digest("rows", table.id)
    shown, after = row_cursors.page(table.rows, query["limit"], query.get("cursor"), scope, {})
    return listing(with_run_states(table, shown, states), after)


@_QUERIES.serves(
    TableRows.query,
    own={
        "predicate": Optional(PREDICATE),
        "sort": Optional(SORT),
        "limit": Optional(_PER_QUERY, 100),
        "cursor": Optional(Text()),
    },
)
def query_rows(call: Call) -> Reply:
    """A page of the rows that match a filter; a sorted query pages by offset."""
    body = call.body
    states, limit, sort = body.get("includeRunState"), body["limit"], body.get("sort", ())
    check_run_states(states, limit)
    table = table_of(call, body["workspaceId"])
    found = _select(table, body.get("predicate"), sort)
    if limit == 0:
        return listing(with_run_states(table, row_cursors.all_of(found), states))
    ids = {column.name: column.id for column in table.columns}
    order = [[ids.get(each["field"], each["field"]), each["direction"]] for each in sort]
    bound = {"s": row_cursors.digest(order), "p": row_cursors.digest(body.get("predicate"))}
    scope = row_cursors.digest("query", table.id)
    shown, after = row_cursors.page(found, limit, body.get("cursor"), scope, bound, by_offset=bool(sort))
    return listing(with_run_states(table, shown, states), after)


@_QUERIES.serves(TableRows.count, own={"predicate": Optional(PREDICATE)})
def count_rows(call: Call) -> Reply:
    """Number of rows that match a filter."""
    table = table_of(call, call.body["workspaceId"])
    return data({"totalCount": len(_select(table, call.body.get("predicate")))})


@_QUERIES.serves(
    TableRows.search,
    own={
        "q": Text(least=(1, "q must be a non-empty search string"), most=(200, None)),
        "predicate": Optional(FILTER),
        "sort": Optional(SORT),
    },
)
def search_rows(call: Call) -> Reply:
    """The cells that contain a text."""
    table = table_of(call, call.body["workspaceId"])
    wanted = call.body["q"].lower()
    found = [
        {"ordinal": ordinal, "rowId": row.id, "column": column.name}
        for ordinal, row in enumerate(_select(table, call.body.get("predicate"), call.body.get("sort", ())))
        for column in table.columns
        if wanted in (text_of(row.data.get(column.name)) or "").lower()
    ]
    return data({"matches": found[:_MOST_MATCHES], "truncated": len(found) > _MOST_MATCHES})


@V2().serves(TableRows.get, own={"workspaceId": WORKSPACE})
def get_row(call: Call) -> Reply:
    """One row."""
    table = table_of(call, call.query["workspaceId"])
    row = table.row(call.path["rowId"])
    return data(with_run_states(table, [row], call.query.get("includeRunState"))[0])


def _select(table: Table, predicate: Mapping[str, Any] | None, sort: Sequence[Mapping[str, str]] = ()) -> Sequence[Row]:
    found = table.rows if predicate is None else filter_rows(table.rows, predicate, table.columns)
    return sort_rows(found, sort, table.columns) if sort else found


# -- writing --------------------------------------------------------------------------------------------------------


@V2().serves(TableRows.insert, body=_INSERTED)
def insert_rows(call: Call) -> Reply:
    """Insert one row at its position, or many at the end; groups with ``autoRun`` run in them."""
    body = call.body
    if "afterRowId" in body and "beforeRowId" in body:
        raise invalid_at("afterRowId and beforeRowId are mutually exclusive")
    table = table_of(call, body["workspaceId"], "insert")
    now = call.core.clock()
    if "rows" in body:
        many = rows.insert_many(table, [coerce_row(table.columns, each) for each in body["rows"]], now)
        table_runs.run_in_new_rows(call.core, table, many)
        return data({"rows": [row.to_v2() for row in many], "insertedCount": len(many)}, 201)
    row = rows.insert(table, coerce_row(table.columns, body["data"]), now, _place(table, body))
    table_runs.run_in_new_rows(call.core, table, [row])
    return data(row.to_v2(), 201)


def _place(table: Table, body: Mapping[str, Any]) -> int | None:
    """The position of a new row; None is the end."""
    if "afterRowId" in body:
        return table.rows.index(table.row(body["afterRowId"])) + 1
    return table.rows.index(table.row(body["beforeRowId"])) if "beforeRowId" in body else None


@V2().serves(TableRows.upsert, own={"data": Record(), "conflictTarget": Optional(Text())})
def upsert_row(call: Call) -> Reply:
    """Replace the row with the same unique value, or add one."""
    table = table_of(call, call.body["workspaceId"])
    target = call.body.get("conflictTarget")
    rows.conflict_target(table, target)  # refuses before the lock is checked
    check_lock(table, "insert")
    check_lock(table, "update")
    given = coerce_row(table.columns, call.body["data"])
    row, is_new = rows.upsert(table, given, target, call.core.clock())
    if is_new:
        table_runs.run_in_new_rows(call.core, table, [row])
    return data({"row": row.to_v2(), "operation": "insert" if is_new else "update"})


@V2().serves(TableRows.update, own={"data": Record()})
def update_row(call: Call) -> Reply:
    """Change values of one row; an empty object changes nothing."""
    table = table_of(call, call.body["workspaceId"], "update")
    row = table.row(call.path["rowId"])
    changes = coerce_row(table.columns, call.body["data"])
    if changes:
        rows.update(table, row, changes, call.core.clock())
    return data(row.to_v2())


@V2().serves(TableRows.update_by_filter, own={"filter": FILTER, "data": Record(), "limit": _check_limit("limit")})
def update_rows(call: Call) -> Reply:
    """Set the same values in the rows that match a filter; without a limit in all of them."""
    table = table_of(call, call.body["workspaceId"], "update")
    changes = coerce_row(table.columns, call.body["data"])
    wrong = rows.misfits(changes, [column for column in table.columns if column.name in changes])
    if wrong:
        raise Refusal(400, ", ".join(wrong))
    found = list(_select(table, call.body["filter"]))[: call.body.get("limit")]
    return _report_update(rows.update_alike(table, found, changes, call.core.clock()))


@V2().serves(TableRows.bulk_update, own={"updates": _UPDATES})
def bulk_update(call: Call) -> Reply:
    """Change rows by id. A value of a wrong type becomes null, as on the real server."""
    updates = call.body["updates"]
    seen: set[str] = set()
    for index, each in enumerate(updates):
        if each["rowId"] in seen:
            message = f'Duplicate rowId "{each["rowId"]}"; each row may appear at most once per batch'
            raise invalid_at(message, "updates", index, "rowId")
        seen.add(each["rowId"])
    table = table_of(call, call.body["workspaceId"], "update")
    by_name = {column.name: column for column in table.columns}
    changes = [
        (
            each["rowId"],
            {
                name: value if value is None or fits(value, by_name[name]) else None
                for name, value in coerce_row(table.columns, each["data"]).items()
            },
        )
        for each in updates
    ]
    return _report_update(rows.update_many(table, changes, call.core.clock()))


@V2().serves(TableRows.delete, own={"workspaceId": WORKSPACE})
def delete_row(call: Call) -> Reply:
    """Delete one row."""
    table = table_of(call, call.query["workspaceId"], "delete")
    row = table.row(call.path["rowId"])
    rows.delete(table, [row])
    return data({"id": row.id, "deleted": True})


@V2().serves(TableRows.bulk_delete, body=_DELETED)
def delete_rows(call: Call) -> Reply:
    """Delete the rows that match a filter, or those with the given ids."""
    body = call.body
    if ("filter" in body) == ("rowIds" in body):
        raise invalid_at("Provide either filter or rowIds, but not both")
    table = table_of(call, body["workspaceId"], "delete")
    if "rowIds" in body:
        gone, missing = rows.delete_ids(table, body["rowIds"])
        requested = {"requestedCount": len(gone) + len(missing), "missingRowIds": missing}
        return data({"deletedCount": len(gone), "deletedRowIds": gone, **requested})
    found = list(_select(table, body["filter"]))[: body.get("limit")]
    rows.delete(table, found)
    return data({"deletedCount": len(found), "deletedRowIds": [row.id for row in found]})


def _report_update(changed: Sequence[Row]) -> Reply:
    ids = [row.id for row in changed]
    return data({"updatedCount": len(ids), "updatedRowIds": ids})
