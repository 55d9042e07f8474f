"""Runs of groups in the cells of tables: workflows of the sandbox, and enrichments without providers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.data.cells import coerce, fits
from simstudio.sandbox.data.table_groups import Cell, Dispatch, Group, Mode
from simstudio.sandbox.data.values import order_object_keys, text_of
from simstudio.sandbox.runs import Invocation
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.times import iso

if TYPE_CHECKING:
    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.tables import Row, Table
    from simstudio.sandbox.runs import Outcome, Run
    from simstudio.sandbox.workflow import Workflow

_AT_ONCE = 20
_MOST_KEPT = 1000
ENRICHMENTS: Mapping[str, Sequence[str]] = {"work-email": ("email",)}
"""The outputs of enrichments: that of the recorded server which needs no knowledge of others."""

_PROVIDER = {"id": "sandbox", "label": "Sandbox", "toolId": "none", "status": "error", "cost": 0, "durationMs": 0}
_NO_PROVIDER = "The sandbox asks no provider: an enrichment finds nothing"


def run_in_new_rows(core: Core, table: Table, rows: Sequence[Row]) -> None:
    """Run the groups with ``autoRun`` in inserted rows."""
    groups = [group for group in table.groups if group.runs_in_new_rows]
    if groups and rows:
        start(core, table, groups, rows, "new", {"rowIds": [row.id for row in rows]}, is_manual=False)


def start(
    core: Core,
    table: Table,
    groups: Sequence[Group],
    rows: Sequence[Row],
    mode: Mode,
    scope: Mapping[str, object] | None = None,
    limit: Mapping[str, Any] | None = None,
    *,
    is_manual: bool = True,
) -> Dispatch:
    """Run groups in the rows that have values for the dependencies of the groups.

    Args:
        scope: Choice of the rows, as the API shows it.
        limit: The largest number of rows, as the API shows it.
    """
    made = Dispatch(mode, {"groupIds": [group.id for group in groups], **(scope or {})}, core.clock(), limit, is_manual)
    table.dispatches[made.id] = made
    ended = [key for key, each in table.dispatches.items() if each.status != "dispatching"]
    for key in ended[:-_MOST_KEPT]:
        del table.dispatches[key]
    cells = [(row, group) for row in rows for group in groups if _is_wanted(table, row, group, mode)]
    if limit is not None:
        chosen = list(dict.fromkeys(row.id for row, _ in cells))[: limit["max"]]
        cells = [(row, group) for row, group in cells if row.id in chosen]
    core.engine.spawn(_work_off(core, table, made, cells))
    return made


def _is_wanted(table: Table, row: Row, group: Group, mode: Mode) -> bool:
    if any(row.data.get(name) in (None, "", []) for name in group.dependencies):
        return False
    cell = table.cells.get(row.id, {}).get(group.id)
    return mode == "all" or cell is None or (mode == "incomplete" and cell.status not in ("running", "completed"))


async def _work_off(core: Core, table: Table, made: Dispatch, cells: Sequence[tuple[Row, Group]]) -> None:
    waiting = iter(cells)

    async def work() -> None:
        for row, group in waiting:
            if made.status != "dispatching":
                return
            await _run_cell(core, table, row, group)

    try:
        await asyncio.gather(*(work() for _ in range(min(_AT_ONCE, len(cells)))))
    except asyncio.CancelledError:  # the server stops
        made.cancel(core.clock())
        raise
    made.complete(core.clock())


async def _run_cell(core: Core, table: Table, row: Row, group: Group) -> None:
    cell = Cell(group.enrichment_id or group.workflow_id, str(new_uuid()))
    table.cells.setdefault(row.id, {})[group.id] = cell
    if group.enrichment_id is not None:
        await asyncio.sleep(0)
        _write(core, table, row, {each["columnName"]: "" for each in group.outputs})
        now = iso(core.clock())
        cell.cascade = {
            "startedAt": now,
            "completedAt": now,
            "durationMs": 0,
            "totalCost": 0,
            "matchedProvider": None,
            "aborted": False,
            "providers": [{**_PROVIDER, "error": _NO_PROVIDER}],
        }
        cell.status = "completed"
        return
    is_draft = group.settings.get("deploymentMode") != "deployed"
    workflow = core.definitions.workflow(group.workflow_id, draft=is_draft)
    if workflow is None or not (is_draft or workflow.deployed):
        cell.status, cell.error = "error", "Workflow not found" if workflow is None else "Workflow is not deployed"
        return
    given = order_object_keys(group.inputs(row.data))
    run = core.engine.begin(workflow, Invocation(given, given, trigger="table"), cell.run_id)
    cell.running_blocks = (workflow.block_id(),)
    try:
        outcome = await core.engine.execute(run)
    except asyncio.CancelledError:  # the server stops
        cell.cancel(core.clock())
        raise
    cell.running_blocks = ()
    if cell.status == "running":
        _finish(core, table, row, group, cell, run, outcome)


def _finish(core: Core, table: Table, row: Row, group: Group, cell: Cell, run: Run, outcome: Outcome) -> None:
    if outcome.ending == "completed":
        cell.status = "completed"
        values = {each["columnName"]: _output(run.workflow, outcome, each) for each in group.outputs}
        _write(core, table, row, values)
    elif outcome.ending == "paused":
        cell.status = "paused"
    elif outcome.ending in ("cancelled", "interrupted"):
        cell.cancel(core.clock())
    else:
        cell.status, cell.error = "error", core.error_text(outcome, run)
        cell.block_errors = {run.workflow.block_id(): outcome.error or cell.error or ""}


def _output(workflow: Workflow, outcome: Outcome, output: Mapping[str, str]) -> object:
    """The value of an output: ``result`` is what the function returned, ``stdout`` is empty."""
    if output["path"] == "stdout":
        return ""
    blocks = {block.id: block.output for block in outcome.blocks}
    found = blocks.get(output["blockId"])
    if found is None and output["blockId"] == workflow.block_id():
        found = outcome.output
    return found


def _write(core: Core, table: Table, row: Row, values: Mapping[str, object]) -> None:
    """Store the outputs of a group; a value that fits no column becomes null."""
    columns = {column.name: column for column in table.columns}
    stored = {}
    for name, value in values.items():
        column = columns.get(name)
        if column is None:
            continue
        made = text_of(value) if column.kind == "string" else coerce(value, column)
        stored[name] = made if made is not None and fits(made, column) else None
    row.data = order_object_keys({**row.data, **stored})
    row.updated = core.clock()


def cancel(core: Core, table: Table, rows: Sequence[Row]) -> int:
    """Cancel the running cells of rows; return their number."""
    count = 0
    for row in rows:
        for cell in table.cells.get(row.id, {}).values():
            if cell.status == "running":
                cell.cancel(core.clock())
                core.engine.cancel(cell.run_id)
                count += 1
    return count
