"""Rows below ``/api/v1/tables/{table}/rows``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import (
    MISSING,
    AnyOf,
    Check,
    Issues,
    Limit,
    ListOf,
    Number,
    OneOf,
    Optional,
    Parsed,
    Path,
    Record,
    Ruled,
    Shape,
    Text,
)
from simstudio.sandbox.data import rows
from simstudio.sandbox.data.filters import condition, sort_rows
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_requests import IN_BODY, success

if TYPE_CHECKING:
    from simstudio.sandbox.data.tables import Row, Table

_V1 = V1()
_MOST = 1000


def _number(of: str, least: int, most: int | None, too_big: str) -> Limit:
    too_small = f"{of} must be at least {least}" if least else f"{of} must be 0 or greater"
    bound = None if most is None else (most, too_big)
    return Limit(Number(least=(least, too_small), most=bound, whole=f"{of} must be an integer"))


def _json(text: str) -> object:
    """The JSON value of a parameter; None for an empty text.

    Raises:
        Refusal: 400.
    """
    try:
        return jsontext.loads(text.encode()) if text else MISSING
    except ValueError:
        raise Refusal(400, "Invalid filter or sort JSON") from None


_ROW_DATA = Record(missing="Row data is required")
_FILTER = Ruled(Record(missing="Filter criteria is required"), bool, "Filter must not be empty")
_AFFECTED = _number("Limit", 1, _MOST, f"Cannot limit more than {_MOST} rows per operation")
_LISTED = Shape(
    {
        "workspaceId": IN_BODY,
        "filter": Optional(Parsed(_json, Record())),
        "sort": Optional(Parsed(_json, Record(values=OneOf(("asc", "desc"))))),
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
            missing="Rows array is required",
            least=(1, "At least one row is required"),
            most=(_MOST, f"Cannot insert more than {_MOST} rows per batch"),
        ),
    }
)


@attrs.frozen
class _Inserted(Check):
    """One row, or many where ``rows`` is a list."""

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Check one row or many."""
        is_batch = isinstance(value, Mapping) and isinstance(value.get("rows"), list)
        return (_MANY if is_batch else _ONE).read(value, path, issues)


_UPDATED = Shape(
    {
        "workspaceId": IN_BODY,
        "filter": _FILTER,
        "data": Record(missing="Update data is required"),
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
                    missing="Row IDs are required",
                    least=(1, "At least one row ID is required"),
                    most=(_MOST, f"Cannot delete more than {_MOST} rows per operation"),
                ),
            }
        ),
    )
)
_UPSERTED = Shape({"workspaceId": IN_BODY, "data": _ROW_DATA, "conflictTarget": Optional(Text())})


def table_of(call: Call, workspace_id: str) -> Table:
    """The table named in the path.

    Raises:
        Refusal: 404, 403, or 400 when the workspace is not the table's.
    """
    table = call.core.data.tables.get(call.path["table"])
    if call.key == "outsider":
        raise Refusal(403, "Access denied")
    if workspace_id != call.core.account().workspace_id:
        raise Refusal(400, "Invalid workspace ID")
    return table


def table_asked_for(call: Call) -> Table:
    """The table named in the path, its workspace in the query.

    Raises:
        Refusal: 404, 403, or 400 when the workspace is missing or not the table's.
    """
    workspace_id = call.request.query_params.get("workspaceId")
    if not workspace_id:
        raise Refusal(400, "workspaceId query parameter is required")
    return table_of(call, workspace_id)


@_V1.operation("GET", "/api/v1/tables/{table}/rows", query=_LISTED)
def list_rows(call: Call) -> Reply:
    """List rows that match a filter, in an order.

    The documents' defaults for ``limit`` and ``offset`` are not applied: without a limit all rows are sent, and
    parameters that were not given are not in the response.
    """
    asked = call.query
    table = table_of(call, asked["workspaceId"])
    limit, offset = asked.get("limit"), asked.get("offset")
    found = _select(table, asked.get("filter") or {}, asked.get("sort") or {})
    page = found[offset or 0 :][:limit]
    bounds = {name: value for name, value in (("limit", limit), ("offset", offset)) if value is not None}
    return success(rows=table.to_v1_rows(page), rowCount=len(page), totalCount=len(found), **bounds)


@_V1.operation("POST", "/api/v1/tables/{table}/rows", body=_Inserted())
def insert_rows(call: Call) -> Reply:
    """Add one row or many at the end, all or none; ``position`` and ``positions`` are ignored, as on the server."""
    asked = call.body
    table = table_of(call, asked["workspaceId"])
    if "rows" in asked:
        added = rows.insert_many(table, asked["rows"], call.core.clock())
        message = f"Successfully inserted {len(added)} rows"
        return success(rows=table.to_v1_rows(added), insertedCount=len(added), message=message)
    row = rows.insert(table, asked["data"], call.core.clock())
    return success(row=_present(table, row), message="Row inserted successfully")


@_V1.operation("PUT", "/api/v1/tables/{table}/rows", body=_UPDATED)
def update_rows(call: Call) -> Reply:
    """Change the rows that match a filter."""
    asked = call.body
    table = table_of(call, asked["workspaceId"])
    changed = rows.update_where(table, asked["filter"], asked["data"], asked.get("limit"), call.core.clock())
    if not changed:
        return success(message="No rows matched the filter criteria", updatedCount=0)
    return _report_update(changed)


@V1(until_v08=True).operation("PATCH", "/api/v1/tables/{table}/rows", body=_BATCH)
def batch_update_rows(call: Call) -> Reply:
    """Change rows by id."""
    asked = call.body
    table = table_of(call, asked["workspaceId"])
    updates = [(each["rowId"], each["data"]) for each in asked["updates"]]
    return _report_update(rows.update_many(table, updates, call.core.clock()))


@_V1.operation("DELETE", "/api/v1/tables/{table}/rows", body=_DELETED)
def delete_rows(call: Call) -> Reply:
    """Delete the rows that match a filter; without a filter those with the given ids."""
    asked = call.body
    table = table_of(call, asked["workspaceId"])
    if "filter" in asked:
        gone = [row.id for row in rows.delete_where(table, asked["filter"], asked.get("limit"))]
        message = "Rows deleted successfully" if gone else "No rows matched the filter criteria"
        return success(message=message, deletedCount=len(gone), deletedRowIds=gone)
    gone, missing = rows.delete_ids(table, asked["rowIds"])
    message = "Rows deleted successfully" if gone else "No matching rows found for the provided IDs"
    counts = {"deletedCount": len(gone), "deletedRowIds": gone, "requestedCount": len(gone) + len(missing)}
    return success(message=message, **counts, **({"missingRowIds": missing} if missing else {}))


@_V1.operation("POST", "/api/v1/tables/{table}/rows/upsert", body=_UPSERTED)
def upsert_row(call: Call) -> Reply:
    """Replace the row with the same unique value, or add one; the response has no position."""
    asked = call.body
    table = table_of(call, asked["workspaceId"])
    row, is_new = rows.upsert(table, asked["data"], asked.get("conflictTarget"), call.core.clock())
    shown = {name: value for name, value in _present(table, row).items() if name != "position"}
    operation = "insert" if is_new else "update"
    return success(row=shown, operation=operation, message=f"Row {'inserted' if is_new else 'updated'} successfully")


@_V1.operation("GET", "/api/v1/tables/{table}/rows/{row}")
def get_row(call: Call) -> Reply:
    """One row."""
    table = table_asked_for(call)
    return success(row=_present(table, table.row(call.path["row"])))


@_V1.operation("PATCH", "/api/v1/tables/{table}/rows/{row}", body=_ONE)
def update_row(call: Call) -> Reply:
    """Change values of one row."""
    asked = call.body
    table = table_of(call, asked["workspaceId"])
    row = table.row(call.path["row"])
    rows.update(table, row, asked["data"], call.core.clock())
    return success(row=_present(table, row), message="Row updated successfully")


@_V1.operation("DELETE", "/api/v1/tables/{table}/rows/{row}")
def delete_row(call: Call) -> Reply:
    """Delete one row."""
    table = table_asked_for(call)
    rows.delete(table, [table.row(call.path["row"])])
    return success(message="Row deleted successfully", deletedCount=1)


def _present(table: Table, row: Row) -> dict[str, object]:
    return table.to_v1_rows([row])[0]


def _report_update(changed: list[Row]) -> Reply:
    ids = [row.id for row in changed]
    return success(message="Rows updated successfully", updatedCount=len(ids), updatedRowIds=ids)


def _select(table: Table, wanted: Mapping[str, object], sort: Mapping[str, str]) -> list[Row]:
    try:
        matches = condition(wanted)
        return sort_rows([row for row in table.rows if matches(row.data)], sort, table.columns)
    except ValueError as error:
        raise Refusal(500, "Failed to query rows") from error
