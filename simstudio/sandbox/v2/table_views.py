"""Views of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.resources.v2.table_views import TableViews
from simstudio.sandbox.checks import ListOf, Nullable, Number, Optional, Record, Shape, Text
from simstudio.sandbox.data.predicates import filter_rows, sort_rows
from simstudio.sandbox.data.table_views import View, without_nulls
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.table_requests import FILTER, SORT, WORKSPACE, invalid_at, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.data.tables import Table

_NAMES = Optional(ListOf(item=Text()))
_CONFIG = Shape(
    {
        "columnWidths": Optional(Record(values=Number())),
        "columnOrder": _NAMES,
        "pinnedColumns": _NAMES,
        "hiddenColumns": _NAMES,
        "filter": Optional(Nullable(FILTER)),
        "sort": Optional(Nullable(SORT)),
    },
    "refuse",
)
_IN_QUERY = {"workspaceId": WORKSPACE}


@V2().serves(TableViews.list, own=_IN_QUERY)
def list_views(call: Call) -> Reply:
    """All views of a table."""
    table = table_of(call, call.query["workspaceId"])
    return listing(view.to_dict(table.id) for view in table.views)


@V2().serves(TableViews.create, own={"name": Text(least=(1, None)), "config": _CONFIG})
def create(call: Call) -> Reply:
    """Make a view; names need not be unique."""
    table, config = table_of(call, call.body["workspaceId"]), call.body["config"]
    _check(table, config)
    now = call.core.clock()
    view = View(call.body["name"], without_nulls(config), now, now)
    table.views.append(view)
    return data(view.to_dict(table.id), 201)


@V2().serves(TableViews.get, own=_IN_QUERY)
def get(call: Call) -> Reply:
    """One view."""
    table = table_of(call, call.query["workspaceId"])
    return data(_view(call, table).to_dict(table.id))


@V2().serves(TableViews.update, own={"config": Optional(_CONFIG), "configPatch": Optional(_CONFIG)})
def update(call: Call) -> Reply:
    """Rename a view, replace its settings or some of them, or make it the default."""
    body = call.body
    if "config" in body and "configPatch" in body:
        raise invalid_at("config and configPatch are mutually exclusive")
    if set(body) == {"workspaceId"}:
        raise invalid_at("Provide at least one of name, config, configPatch, or isDefault")
    table = table_of(call, body["workspaceId"])
    view = _view(call, table)
    changes = body.get("config", body.get("configPatch", {}))
    _check(table, changes)
    if changes or "config" in body:
        view.config = without_nulls(changes if "config" in body else {**view.config, **changes})
    if body.get("isDefault"):
        for each in table.views:
            each.is_default = False
    view.is_default = body.get("isDefault", view.is_default)
    view.name = body.get("name", view.name)
    view.updated = call.core.clock()
    return data(view.to_dict(table.id))


@V2().serves(TableViews.delete, own=_IN_QUERY)
def delete(call: Call) -> Reply:
    """Delete a view."""
    table = table_of(call, call.query["workspaceId"])
    view = _view(call, table)
    table.views.remove(view)
    return data({"id": view.id, "deleted": True})


def _view(call: Call, table: Table) -> View:
    found = next((view for view in table.views if view.id == call.path["viewId"]), None)
    if found is None:
        message = 'View not found on this table — call table_views with operation "list_views" for valid view ids'
        raise Refusal(404, message)
    return found


def _check(table: Table, config: Mapping[str, object]) -> None:
    """Raise if a filter or an order of a view names an unknown column.

    Raises:
        Refusal: 400.
    """
    config = without_nulls(config)
    if "filter" in config:
        filter_rows((), config["filter"], table.columns)
    if "sort" in config:
        sort_rows((), config["sort"], table.columns)
