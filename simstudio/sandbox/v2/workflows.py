"""Workflows: their definitions, drafts and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.parameters import length
from simstudio.resources.v2.workflow_state import WorkflowStates
from simstudio.resources.v2.workflow_variables import WorkflowVariables
from simstudio.resources.v2.workflows import Workflows
from simstudio.sandbox.definitions import checking, graph, operations, variables
from simstudio.sandbox.definitions.definition import ROOT
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.v2 import views
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.audit import note
from simstudio.sandbox.v2.paging import Position, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from simstudio.sandbox.definitions.definition import Definition


@V2().serves(Workflows.list, {"scope": "active", "sortBy": "position", "sortOrder": "asc", "limit": 50})
def list_workflows(call: Call) -> Reply:
    """A page of a workspace's workflows."""
    query = call.query
    store, workspace_id = call.core.definitions, call.workspace(query["workspaceId"])
    found = store.all_of(workspace_id, query["scope"])
    if "folderPath" in query:
        folder = store.folders(workspace_id).require(query["folderPath"])
        # Only folders in use are found, and they hold no archived workflows.
        found = [each for each in found if each.folder == folder and query["scope"] == "active"]
    if query.get("deployedOnly"):
        found = [each for each in found if each.deployed]
    if "search" in query:
        found = [each for each in found if matches(query["search"], each.name, each.description)]
    shown, after = page(call, found, _position(call), descending=query["sortOrder"] == "desc")
    return listing((views.workflow(call, each) for each in shown), after)


def matches(wanted: str, *texts: str | None) -> bool:
    """Whether one of the texts contains a search text, ignoring case."""
    return any(wanted.strip().casefold() in text.casefold() for text in texts if text is not None)


def _position(call: Call) -> Callable[[Definition], Position]:
    by: str = call.query["sortBy"]
    runs = call.core.engine.last_runs

    def position(found: Definition) -> Position:
        values: dict[str, str | float] = {
            "position": found.position,
            "name": found.name,
            "createdAt": found.created,
            "updatedAt": found.updated,
            "runCount": runs.get(found.id, (0, 0.0))[0],
        }
        return values[by], found.id

    return position


@V2().serves(Workflows.create, bounds={"name": length(1, 255)})
def create(call: Call) -> Reply:
    """Make a workflow with a Start block."""
    body = call.body
    workspace_id = call.workspace(body["workspaceId"])
    made = call.core.definitions.create(
        workspace_id, body["name"], body.get("description"), body.get("folderPath", ROOT)
    )
    note(call, "workflow.created", made)
    return data({**views.workflow(call, made), "blocks": graph.list_blocks(made.draft)}, 201)


@V2().serves(Workflows.get)
def get(call: Call) -> Reply:
    """One workflow, with its variables and input fields."""
    found = views.workflow_of(call)
    more = {"variables": found.draft["variables"], "inputs": graph.inputs(found.draft)}
    return data({**views.workflow(call, found), **more})


@V2().serves(Workflows.update)
def update(call: Call) -> Reply:
    """Rename, describe or move a workflow."""
    found = views.workflow_of(call)
    if not call.body:
        raise invalid_value("name", "At least one of name, description, or folderPath is required")
    call.core.definitions.update(found, call.body)
    note(call, "workflow.updated", found)
    return data(views.workflow(call, found))


@V2().serves(Workflows.delete)
def delete(call: Call) -> Reply:
    """Archive a workflow."""
    found = views.workflow_of(call)
    call.core.definitions.archive(found)
    note(call, "workflow.deleted", found)
    return data({"id": found.id, "deleted": True, "archived": True})


@V2().serves(Workflows.restore)
def restore(call: Call) -> Reply:
    """Restore an archived workflow."""
    found = views.workflow_of(call, archived=True)
    call.core.definitions.restore(found)
    note(call, "workflow.restored", found)
    return data(views.workflow(call, found))


@V2(needs_body=True).serves(Workflows.duplicate)
def duplicate(call: Call) -> Reply:
    """Copy a workflow inside its workspace."""
    found = views.workflow_of(call)
    made = call.core.definitions.duplicate(found, call.body.get("name"), call.body.get("folderPath"))
    note(call, "workflow.duplicated", made, source=found.id)
    return data(views.workflow(call, made), 201)


@V2().serves(Workflows.move)
def move(call: Call) -> Reply:
    """Move workflows into a folder; those that cannot be moved are reported."""
    workspace_id = call.workspace(call.body["workspaceId"])
    moved, failed, folder = call.core.definitions.move(workspace_id, call.body["workflowIds"], call.body["folderPath"])
    return data({"moved": moved, "failed": failed, "folderPath": folder})


@V2().serves(WorkflowStates.get)
def get_state(call: Call) -> Reply:
    """The draft, as `replace_state` takes it."""
    return data(views.workflow_of(call).draft)


@V2().serves(WorkflowStates.replace)
def replace_state(call: Call) -> Reply:
    """Replace the draft; the deployed version stays as it is."""
    found, dry = views.workflow_of(call), call.query.get("dryRun", False)
    given = {"loops": {}, "parallels": {}, "variables": found.draft["variables"], **call.body}
    if call.core.dialect.since_v08:
        checking.check_edges(given)
    state, warnings = checking.normalize(given)
    lint = checking.lint(state, call.core.definitions.functions)
    if not dry:
        call.core.definitions.replace_state(found, state)
        note(call, "workflow.updated", found)
    return data(
        {
            "id": found.id,
            "warnings": warnings,
            "needsRedeployment": found.needs_redeployment,
            "lint": lint,
            "dryRun": dry,
        }
    )


@V2().serves(Workflows.apply_operations, {"atomic": False, "layout": "targeted"})
def apply_operations(call: Call) -> Reply:
    """Edit the draft by operations; with ``atomic`` all or none, else as many as possible."""
    found, dry = views.workflow_of(call), call.query.get("dryRun", False)
    done = operations.apply(found.draft, call.body["operations"], call.body.get("setBlockEnabled", ()))
    if call.body["atomic"] and done.skipped:
        details = {"code": "OPERATIONS_NOT_APPLIED", "skipped": done.skipped, "droppedInputs": done.errors}
        raise Refusal(409, "Some operations could not be applied, so none was", details)
    if not dry:
        call.core.definitions.replace_state(found, done.state)
        note(call, "workflow.updated", found)
    answer = {
        "id": found.id,
        "warnings": done.warnings,
        "needsRedeployment": found.needs_redeployment,
        "applied": done.applied,
        "skipped": done.skipped,
        "deferred": [],
        "inputValidationErrors": done.errors,
        "mintedBlockIds": {} if dry else done.minted,
        "lint": checking.lint(done.state, call.core.definitions.functions),
        "dryRun": dry,
    }
    return data({**answer, "previewBlockIds": done.minted} if dry else answer)


@V2().serves(WorkflowVariables.apply)
def apply_variables(call: Call) -> Reply:
    """Change variables by name."""
    found = views.workflow_of(call)
    changed = variables.apply_operations(found.draft["variables"], call.body["operations"])
    same = changed == found.draft["variables"]
    if not same:
        found.edit({**found.draft, "variables": changed}, call.core.clock())
        note(call, "workflow.variables_updated", found)
    return data({"id": found.id, "variableCount": len(changed), "changed": not same})
