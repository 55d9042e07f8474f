"""Groups of columns that a workflow or an enrichment fills, their dispatches, and their runs in single rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from simstudio.resources.v2.table_dispatches import TableDispatches
from simstudio.resources.v2.table_enrichments import TableEnrichments
from simstudio.resources.v2.table_groups import TableGroups
from simstudio.resources.v2.tables import Tables
from simstudio.sandbox.checks import MISSING, Flag, Issue, ListOf, Number, OneOf, Optional, Shape, Text
from simstudio.sandbox.data import columns
from simstudio.sandbox.data.predicates import filter_rows
from simstudio.sandbox.data.table_groups import Dispatch, Group
from simstudio.sandbox.definitions.blocktypes import BLOCK_TYPES
from simstudio.sandbox.families import V2, invalid
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.v2 import table_runs
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.table_requests import (
    FILTER,
    OUTPUT_COLUMNS,
    WORKSPACE,
    column,
    invalid_at,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simstudio.sandbox.data.tables import Row, Table

_OUTPUT = Shape(
    {
        "blockId": Optional(Text()),
        "path": Optional(Text()),
        "outputId": Optional(Text()),
        "columnName": Text(least=(1, None)),
    },
    "refuse",
)
_OUTPUTS = ListOf(item=_OUTPUT, least=(1, None))
_INPUTS = ListOf(item=Shape({"inputName": Text(least=(1, None)), "columnName": Text(least=(1, None))}, "refuse"))
_SETTINGS = {
    "workflowId": Optional(Text()),
    "name": Optional(Text()),
    "type": Optional(OneOf(("manual", "enrichment"))),
    "dependencies": Optional(Shape({"columns": Optional(ListOf(item=Text()))}, "refuse")),
    "inputMappings": Optional(_INPUTS),
    "deploymentMode": Optional(OneOf(("live", "deployed"))),
    "autoRun": Optional(Flag()),
}
_GROUP = Shape({"id": Optional(Text()), "enrichmentId": Optional(Text()), "outputs": _OUTPUTS, **_SETTINGS}, "refuse")
_GROUP_IDS = ListOf(item=Text(least=(1, None)), least=(1, None))
_IN_QUERY = {"workspaceId": WORKSPACE}


# -- groups ---------------------------------------------------------------------------------------------------------


@V2().serves(TableGroups.list, own=_IN_QUERY)
def list_groups(call: Call) -> Reply:
    """All groups of a table."""
    return listing(group.to_dict() for group in table_of(call, call.query["workspaceId"]).groups)


@V2().serves(TableGroups.add, own={"group": _GROUP, "outputColumns": OUTPUT_COLUMNS})
def add(call: Call) -> Reply:
    """Add a group and its columns."""
    body, given = call.body, dict(call.body["group"])
    if "outputColumns" not in body:
        raise invalid(Issue("type", ("outputColumns",), None, {"expected": "array", "value": MISSING}))
    if given.get("type", "manual") == "manual" and "workflowId" not in given:
        raise invalid_at('workflowId is required when type is "manual"', "group", "workflowId")
    table = table_of(call, body["workspaceId"], "schema")
    group = Group(given.pop("id", str(new_uuid())), given)
    _settle(call, table, group, body["outputColumns"])
    table.groups.append(group)
    if body.get("autoRun"):
        table_runs.start(call.core, table, [group], table.rows, "all")
    return data(_present_group(table, group), 201)


@V2().serves(
    TableGroups.update,
    own={**_SETTINGS, "outputs": Optional(_OUTPUTS), "newOutputColumns": Optional(OUTPUT_COLUMNS)},
)
def update(call: Call) -> Reply:
    """Change a group; settings that are not given stay."""
    body = call.body
    table = table_of(call, body["workspaceId"], "schema")
    group = _group(table, body["groupId"], f'Workflow group "{body["groupId"]}" not found')
    changes = {name: body[name] for name in ("outputs", *_SETTINGS) if name in body}
    mapped = {each["columnName"]: each for each in body.get("mappingUpdates", ())}
    if mapped:
        outputs = changes.get("outputs", group.outputs)
        changes["outputs"] = [{**each, **mapped.get(each["columnName"], {})} for each in outputs]
    changed = Group(group.id, {**group.settings, **changes})
    _settle(call, table, changed, body.get("newOutputColumns", ()))
    group.settings = changed.settings
    return data(_present_group(table, group))


@V2().serves(TableGroups.delete)
def delete(call: Call) -> Reply:
    """Delete a group with its columns."""
    body = call.body
    table = table_of(call, body["workspaceId"], "schema")
    group = _group(table, body["groupId"], f'Workflow group "{body["groupId"]}" not found')
    table.groups.remove(group)
    for each in [each.name for each in table.columns if each.group_id == group.id]:
        columns.drop(table, each, call.core.clock())
    for cells in table.cells.values():
        cells.pop(group.id, None)
    return data({"id": group.id, "deleted": True, "columns": table.to_v2_columns()})


def _present_group(table: Table, group: Group) -> dict[str, object]:
    return {"group": group.to_dict(), "columns": table.to_v2_columns()}


def _group(table: Table, group_id: str, message: str = "Workflow group not found") -> Group:
    found = next((group for group in table.groups if group.id == group_id), None)
    if found is None:
        raise Refusal(404, message)
    return found


def _settle(call: Call, table: Table, group: Group, new_columns: Sequence[Mapping[str, Any]]) -> None:
    """Check a group, complete its outputs, and add its columns to the table.

    Raises:
        Refusal: 400.
    """
    _check_outputs(call, group)
    group.settings["outputs"] = [{"blockId": "", "path": "", **each} for each in group.outputs]
    for name in group.dependencies:
        if all(each.name != name for each in table.columns):
            raise Refusal(400, f'Dependency column "{name}" does not exist')
    made = [column(each, "outputColumns", index, group_id=group.id) for index, each in enumerate(new_columns)]
    taken = {each.name.lower() for each in table.columns}
    for each in made:
        if each.name.lower() in taken:
            raise Refusal(400, f'Column "{each.name}" already exists')
        taken.add(each.name.lower())
    for output in group.outputs:
        if output["columnName"].lower() not in taken:
            raise Refusal(400, f'Output column "{output["columnName"]}" does not exist')
    for each in made:
        columns.add(table, each, None, call.core.clock())


def _check_outputs(call: Call, group: Group) -> None:
    enrichment = group.enrichment_id
    if group.settings.get("type") == "enrichment":
        known = table_runs.ENRICHMENTS.get(enrichment or "")
        if known is None:
            raise Refusal(400, f'Unknown enrichment "{enrichment}". Call list_enrichments to see available ids.')
        wrong = [each.get("outputId") for each in group.outputs if each.get("outputId") not in known]
        if wrong:
            raise Refusal(400, f'Enrichment "{enrichment}" has no output "{wrong[0]}"')
        return
    found = call.core.definitions.find(group.workflow_id)
    if found is None:
        raise Refusal(400, "Invalid workflow ID")
    options = {
        (block["id"], path): block["name"]
        for block in found.draft["blocks"].values()
        if (kind := BLOCK_TYPES.get(block["type"])) is not None and not kind.is_trigger
        for path, _ in kind.outputs
    }
    asked = [(each.get("blockId", ""), each.get("path", "")) for each in group.outputs]
    wrong_outputs = [f"\n  - {block} → {path}" for block, path in asked if (block, path) not in options]
    if wrong_outputs:
        valid = "".join(f"\n  - {block} ({name}) → {path}" for (block, path), name in options.items())
        raise Refusal(
            400, f"Invalid output(s) for workflow {found.id}:{''.join(wrong_outputs)}\n\nValid options:{valid}"
        )


# -- dispatches -----------------------------------------------------------------------------------------------------


@V2().serves(TableDispatches.list, own=_IN_QUERY)
def list_dispatches(call: Call) -> Reply:
    """The running dispatches; an ended one is read by its id."""
    table = table_of(call, call.query["workspaceId"])
    active = [each for each in table.dispatches.values() if each.status == "dispatching"]
    return listing(_present_dispatch(table, each) for each in active)


@V2().serves(
    TableDispatches.create,
    {"runMode": "all"},
    own={
        "groupIds": _GROUP_IDS,
        "filter": Optional(FILTER),
        "limit": Optional(
            Shape({"type": OneOf(("rows",)), "max": Number(least=(1, None), whole=True)}, "refuse"),
        ),
    },
)
def create_dispatch(call: Call) -> Reply:
    """Run groups in all rows, in some of them, or in those that match a filter."""
    body = call.body
    if "rowIds" in body and "filter" in body:
        raise invalid_at("Provide either filter or rowIds, but not both")
    table = table_of(call, body["workspaceId"])
    groups = [_group(table, each) for each in body["groupIds"]]
    scope = {name: body[name] for name in ("rowIds", "excludeRowIds") if name in body}
    if "filter" in body:
        scope["filtered"] = True
    rows = _rows(table, body)
    return _report_start(table_runs.start(call.core, table, groups, rows, body["runMode"], scope, body.get("limit")))


@V2().serves(TableDispatches.get)
def get_dispatch(call: Call) -> Reply:
    """One dispatch."""
    table = table_of(call, call.query["workspaceId"])
    return data(_present_dispatch(table, _dispatch(call, table)))


@V2().serves(TableDispatches.cancel)
def cancel_dispatch(call: Call) -> Reply:
    """Cancel a dispatch, so that no more cells start; an ended one does not change."""
    table = table_of(call, call.query["workspaceId"])
    found = _dispatch(call, table)
    found.cancel(call.core.clock())
    return data(_present_dispatch(table, found))


@V2().serves(Tables.cancel_runs, own={"filter": Optional(FILTER)})
def cancel_runs(call: Call) -> Reply:
    """Cancel the running cells, in all rows or in one."""
    body = call.body
    scope: Literal["all", "row"] = body["scope"]
    if scope == "row" and "rowId" not in body:
        raise invalid_at('rowId is required when scope is "row"', "rowId")
    for name in ("filter", "excludeRowIds"):
        if scope == "row" and name in body:
            raise invalid_at(f'{name} only applies to scope "all"', name)
    table = table_of(call, body["workspaceId"])
    rows = [table.row(body["rowId"])] if scope == "row" else _rows(table, body)
    return data({"cancelled": table_runs.cancel(call.core, table, rows)})


def _rows(table: Table, body: Mapping[str, Any]) -> list[Row]:
    """The rows that a body chooses.

    Raises:
        Refusal: 404, there is no such row.
    """
    if "rowIds" in body:
        known = {row.id: row for row in table.rows}
        if any(each not in known for each in body["rowIds"]):
            raise Refusal(404, "Row not found")
        found = [known[each] for each in dict.fromkeys(body["rowIds"])]
    else:
        found = filter_rows(table.rows, body["filter"], table.columns) if "filter" in body else table.rows
    excluded = set(body.get("excludeRowIds", ()))
    return [row for row in found if row.id not in excluded]


def _dispatch(call: Call, table: Table) -> Dispatch:
    found = table.dispatches.get(call.path["dispatchId"])
    if found is None:
        raise Refusal(404, "Table run dispatch not found")
    return found


def _present_dispatch(table: Table, found: Dispatch) -> dict[str, object]:
    return found.to_dict(table.id, table.workspace_id)


def _report_start(made: Dispatch) -> Reply:
    return data({"dispatchId": made.id})


# -- single rows ----------------------------------------------------------------------------------------------------


@V2().serves(TableEnrichments.get, own=_IN_QUERY)
def get_enrichment(call: Call) -> Reply:
    """The answers of the providers of an enrichment for a row; null for other groups."""
    table = table_of(call, call.query["workspaceId"])
    cell = table.cells.get(call.path["rowId"], {}).get(call.path["groupId"])
    return data(None if cell is None else cell.cascade)


@V2().serves(TableEnrichments.run)
def run_enrichment(call: Call) -> Reply:
    """Run a group in one row."""
    table = table_of(call, call.body["workspaceId"])
    group = _group(table, call.path["groupId"])
    row = table.row(call.path["rowId"])
    return _report_start(table_runs.start(call.core, table, [group], [row], "all", {"rowIds": [row.id]}))
