"""Exporting and importing workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.workflows import Workflows
from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.exchange import Plan, export_draft
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2 import views
from simstudio.sandbox.v2.answers import data
from simstudio.sandbox.v2.audit import note

if TYPE_CHECKING:
    pass

_DISCOVERY = {
    "credential": "sim credentials list",
    "knowledge-base": "sim knowledge list",
    "table": "sim tables list",
    "workflow": "sim workflows list",
}


@V2().serves(Workflows.export)
def export(call: Call) -> Reply:
    """A workflow's draft as a file."""
    query = call.query
    references, bindings = query.get("includeReferences", False), query.get("includeWorkspaceBindings", False)
    found = views.workflow_of(call)
    return data(export_draft(found, iso(call.core.clock()), references=references, bindings=bindings))


@V2().serves(Workflows.import_)
def import_workflow(call: Call) -> Reply:
    """Import a workflow."""
    store, body = call.core.definitions, call.body
    call.workspace(body["workspaceId"])
    plan = Plan.of(body)
    made = store.imports.carry_out(store, plan, body)
    note(call, "workflow.imported", made)
    warnings = [
        *plan.package.warnings,
        *(f"{each.reference.kind} {each.reference.source_id!r} is not mapped" for each in plan.unresolved),
    ]
    answer: dict[str, Any] = {
        "id": made.id,
        "name": made.name,
        "description": made.description,
        "workspaceId": made.workspace_id,
        "folderPath": made.folder,
        "createdAt": iso(made.created),
        "updatedAt": iso(made.updated),
        "blocks": graph.list_blocks(made.draft),
        "warnings": warnings,
    }
    if "requestId" in body:
        answer |= {
            "requestId": body["requestId"],
            "kind": "workflow_import",
            "applied": True,
            "status": "completed" if plan.ready else "requires_configuration",
            "resourceIds": [made.id],
            "issues": [],
        }
    return data(answer, 201)


@V2().serves(Workflows.preview_import)
def preview(call: Call) -> Reply:
    """The resources that the import of a file would need."""
    body = call.body
    folders = call.core.definitions.folders(call.workspace(body["workspaceId"]))
    folders.require(body.get("folderPath", "/"))
    plan = Plan.of(body)
    kinds = sorted({each.reference.kind for each in plan.unresolved} & _DISCOVERY.keys())
    return data(
        {
            "previewFingerprint": plan.fingerprint,
            "ready": plan.ready,
            "bindings": [each.json() for each in plan.bindings],
            "unresolvedBindings": [each.json() for each in plan.unresolved],
            "configuration": list(plan.configuration),
            "unresolvedConfiguration": plan.unconfigured,
            "discovery": [
                {"kind": kind, "command": _DISCOVERY[kind], "humanAuthorizationMayBeRequired": kind == "credential"}
                for kind in kinds
            ],
        }
    )
