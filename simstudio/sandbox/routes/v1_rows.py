"""Rows below ``/api/v1/tables/{table}/rows``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simstudio.sandbox import jsontext
from simstudio.sandbox.data import rows
from simstudio.sandbox.data.checks import AnyOf, Limit, ListOf, Number, OneOf, Optional, Record, Ruled, Shape, Text
from simstudio.sandbox.data.filters import condition, ordered
from simstudio.sandbox.data.rejections import Rejected
from simstudio.sandbox.routes.v1_requests import (
    IN_BODY,
    checked,
    given,
    json_body,
    query,
    refuse,
    route,
    success,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.tables import Row, Table

_MOST = 1000


def _number(of: str, least: int, most: int | None, too_big: str) -> Limit:
    too_small = f"{of} must be at least {least}" if least else f"{of} must be 0 or greater"
    bound = None if most is None else (most, too_big)
    return Limit(Number(least=(least, too_small), most=bound, whole=f"{of} must be an integer"))


_ROW_DATA = Record(required="Row data is required")
_FILTER = Ruled(Record(required="Filter criteria is required"), bool, "Filter must not be empty")
_AFFECTED = _number("Limit", 1, _MOST, f"Cannot limit more than {_MOST} rows per operation")
_LISTED = Shape(
    {
        "workspaceId": IN_BODY,
        "filter": Optional(Record()),
        "sort": Optional(Record(values=OneOf(("asc", "desc")))),
        "limit": _number("Limit", 1, _MOST, f"Limit cannot exceed {_MOST}"),
        "offset": _number("Offset", 0, None, ""),
    }
)
_ONE = Shape({"workspaceId": IN_BODY, "data": _ROW_DATA})
_MANY = Shape(
    {
        "workspaceId": IN_BODY,
        "rows": ListOf(
            item=Record(),
            required="Rows array is required",
            least=(1, "At least one row is required"),
            most=(_MOST, f"Cannot insert more than {_MOST} rows per batch"),
        ),
    }
)
_UPDATED = Shape(
    {
        "workspaceId": IN_BODY,
        "filter": _FILTER,
        "data": Record(required="Update data is required"),
        "limit": _AFFECTED,
    }
)
_BATCH = Shape(
    {
        "workspaceId": IN_BODY,
        "updates": ListOf(
            item=Shape({"rowId": Text(least=(1, None)), "data": Record()}),
            least=(1, "At least one update is required"),
            most=(_MOST, f"Cannot update more than {_MOST} rows per batch"),
        ),
    }
)
_DELETED = AnyOf(
    (
        Shape({"workspaceId": IN_BODY, "filter": _FILTER, "limit": _AFFECTED}),
        Shape(
            {
                "workspaceId": IN_BODY,
                "rowIds": ListOf(
                    item=Text(least=(1, None)),
                    required="Row IDs are required",
                    least=(1, "At least one row ID is required"),
                    most=(_MOST, f"Cannot delete more than {_MOST} rows per operation"),
                ),
            }
        ),
    )
)
_UPSERTED = Shape({"workspaceId": IN_BODY, "data": _ROW_DATA, "conflictTarget": Optional(Text())})


def routes(core: Core) -> list[Route]:
    """The routes of rows."""
    return [
        route(core, "GET", "/tables/{table}/rows", list_rows),
        route(core, "POST", "/tables/{table}/rows", insert_rows),
        route(core, "PUT", "/tables/{table}/rows", update_rows),
        route(core, "PATCH", "/tables/{table}/rows", batch_update_rows),
        route(core, "DELETE", "/tables/{table}/rows", delete_rows),
        route(core, "POST", "/tables/{table}/rows/upsert", upsert_row),
        route(core, "GET", "/tables/{table}/rows/{row}", get_row),
        route(core, "PATCH", "/tables/{table}/rows/{row}", update_row),
        route(core, "DELETE", "/tables/{table}/rows/{row}", delete_row),
    ]


def table_of(core: Core, request: Request, workspace_id: str) -> Table:
    """The table named in the path.

    Raises:
        Rejected: there is none.
        Refusal: 403, or 400 when the workspace is not the table's.
    """
    table = core.data.tables.get(request.path_params["table"])
    if core.key_state(request) == "outsider":
        raise refuse(403, "Access denied")
    if workspace_id != core.account().workspace_id:
        raise refuse(400, "Invalid workspace ID")
    return table


def table_asked_for(core: Core, request: Request) -> Table:
    """The table named in the path, its workspace in the query.

    Raises:
        Rejected: there is none.
        Refusal: 403, or 400 when the workspace is missing or not the table's.
    """
    workspace_id = request.query_params.get("workspaceId")
    if not workspace_id:
        raise refuse(400, "workspaceId query parameter is required")
    return table_of(core, request, workspace_id)


async def list_rows(core: Core, request: Request) -> ASGIApp:
    """Rows that pass a filter, in an order.

    The documents' defaults for ``limit`` and ``offset`` are not applied: without a limit all rows are sent, and what
    was not asked for is not in the answer.
    """
    asked = query(request, _LISTED, {**_json_of(request, "filter"), **_json_of(request, "sort")})
    table = table_of(core, request, asked["workspaceId"])
    limit, offset = given(asked["limit"]), given(asked["offset"])
    found = _selected(table, given(asked["filter"]) or {}, given(asked["sort"]) or {})
    page = found[offset or 0 :][:limit]
    bounds = {name: value for name, value in (("limit", limit), ("offset", offset)) if value is not None}
    return success(rows=table.shown_rows(page), rowCount=len(page), totalCount=len(found), **bounds)


async def insert_rows(core: Core, request: Request) -> ASGIApp:
    """One row or many, all or none, at the end: the server drops ``position`` and ``positions``."""
    body = await json_body(core, request)
    if isinstance(body, Mapping) and isinstance(body.get("rows"), list):
        asked = checked(_MANY, body)
        table = table_of(core, request, asked["workspaceId"])
        added = rows.insert_many(table, asked["rows"], core.clock())
        message = f"Successfully inserted {len(added)} rows"
        return success(rows=table.shown_rows(added), insertedCount=len(added), message=message)
    asked = checked(_ONE, body)
    table = table_of(core, request, asked["workspaceId"])
    row = rows.insert(table, asked["data"], core.clock())
    return success(row=_shown(table, row), message="Row inserted successfully")


async def update_rows(core: Core, request: Request) -> ASGIApp:
    """The rows that pass a filter."""
    asked = checked(_UPDATED, await json_body(core, request))
    table = table_of(core, request, asked["workspaceId"])
    changed = rows.update_where(table, asked["filter"], asked["data"], given(asked["limit"]), core.clock())
    if not changed:
        return success(message="No rows matched the filter criteria", updatedCount=0)
    return _updated(changed)


async def batch_update_rows(core: Core, request: Request) -> ASGIApp:
    """Rows by their ids."""
    asked = checked(_BATCH, await json_body(core, request))
    table = table_of(core, request, asked["workspaceId"])
    updates = [(each["rowId"], each["data"]) for each in asked["updates"]]
    return _updated(rows.update_many(table, updates, core.clock()))


async def delete_rows(core: Core, request: Request) -> ASGIApp:
    """The rows that pass a filter or, only if there is none, those with some ids."""
    asked = checked(_DELETED, await json_body(core, request))
    table = table_of(core, request, asked["workspaceId"])
    if "filter" in asked:
        gone = [row.id for row in rows.delete_where(table, asked["filter"], given(asked["limit"]))]
        message = "Rows deleted successfully" if gone else "No rows matched the filter criteria"
        return success(message=message, deletedCount=len(gone), deletedRowIds=gone)
    gone, missing = rows.delete_ids(table, asked["rowIds"])
    message = "Rows deleted successfully" if gone else "No matching rows found for the provided IDs"
    counts = {"deletedCount": len(gone), "deletedRowIds": gone, "requestedCount": len(gone) + len(missing)}
    return success(message=message, **counts, **({"missingRowIds": missing} if missing else {}))


async def upsert_row(core: Core, request: Request) -> ASGIApp:
    """A row that replaces the one with the same unique value; its position is not told."""
    asked = checked(_UPSERTED, await json_body(core, request))
    table = table_of(core, request, asked["workspaceId"])
    row, is_new = rows.upsert(table, asked["data"], given(asked["conflictTarget"]), core.clock())
    shown = {name: value for name, value in _shown(table, row).items() if name != "position"}
    operation = "insert" if is_new else "update"
    return success(row=shown, operation=operation, message=f"Row {'inserted' if is_new else 'updated'} successfully")


async def get_row(core: Core, request: Request) -> ASGIApp:
    """One row."""
    table = table_asked_for(core, request)
    return success(row=_shown(table, table.row(request.path_params["row"])))


async def update_row(core: Core, request: Request) -> ASGIApp:
    """Some values of one row."""
    asked = checked(_ONE, await json_body(core, request))
    table = table_of(core, request, asked["workspaceId"])
    row = table.row(request.path_params["row"])
    rows.update(table, row, asked["data"], core.clock())
    return success(row=_shown(table, row), message="Row updated successfully")


async def delete_row(core: Core, request: Request) -> ASGIApp:
    """One row."""
    table = table_asked_for(core, request)
    rows.delete(table, [table.row(request.path_params["row"])])
    return success(message="Row deleted successfully", deletedCount=1)


def _shown(table: Table, row: Row) -> dict[str, object]:
    return table.shown_rows([row])[0]


def _updated(changed: list[Row]) -> ASGIApp:
    ids = [row.id for row in changed]
    return success(message="Rows updated successfully", updatedCount=len(ids), updatedRowIds=ids)


def _json_of(request: Request, name: str) -> dict[str, object]:
    """A parameter that holds JSON, under its name; nothing when it is missing or empty."""
    text = request.query_params.get(name)
    try:
        return {name: jsontext.loads(text.encode())} if text else {}
    except ValueError:
        raise refuse(400, "Invalid filter or sort JSON") from None


def _selected(table: Table, wanted: Mapping[str, object], sort: Mapping[str, str]) -> list[Row]:
    try:
        matches = condition(wanted)
        return ordered([row for row in table.rows if matches(row.data)], sort, table.columns)
    except ValueError as error:
        raise Rejected("broken", "Failed to query rows") from error
