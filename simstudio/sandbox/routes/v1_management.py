"""Deploying, rolling back, exporting and importing below ``/api/v1``.

No server was observed: the responses are those of v2 in the envelope of v1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.sandbox.checks import AnyOf, Nullable, Number, Optional, Record, Shape, Text
from simstudio.sandbox.definitions.exchange import Plan, export_draft
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_requests import with_limits
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from simstudio.sandbox.definitions.definition import Definition, Version

_ONE = "/api/v1/workflows/{id}"
_V1 = V1("Invalid request data", statuses={409: 400, 413: 400})
_TEXT = Optional(Nullable(Text()))
_DEPLOYED = Shape({"name": _TEXT, "description": _TEXT})
_ROLLED_BACK = Shape({"version": Optional(Nullable(Number(whole=True)))})
_IMPORTED = Shape(
    {
        "workspaceId": Text(),
        "workflow": AnyOf((Text(), Record())),
        "name": _TEXT,
        "description": _TEXT,
        "folderPath": _TEXT,
    }
)


def find_workflow(call: Call) -> Definition:
    """The workflow that the path names.

    Raises:
        Refusal: 404 or 403.
    """
    found = call.core.definitions.find(call.path["id"])
    if found is None:
        raise Refusal(404, "Workflow not found")
    if call.key == "outsider":
        raise Refusal(403, "Access denied")
    return found


@_V1.operation("POST", f"{_ONE}/deploy", body=_DEPLOYED)
def deploy(call: Call) -> Reply:
    """Put the draft into service as a new version."""
    found = find_workflow(call)
    version = call.core.definitions.deploy(found, call.body.get("name"), call.body.get("description"))
    return with_limits(call, data=_deployment(found, version))


@_V1.operation("DELETE", f"{_ONE}/deploy")
def undeploy(call: Call) -> Reply:
    """Take the workflow out of service."""
    found = find_workflow(call)
    found.undeploy()
    return with_limits(call, data=_deployment(found))


@_V1.operation("POST", f"{_ONE}/rollback", body=_ROLLED_BACK)
def rollback(call: Call) -> Reply:
    """Put an earlier version into service."""
    found = find_workflow(call)
    version = found.rollback(call.body.get("version"), call.core.clock())
    return with_limits(call, data=_deployment(found, version))


@_V1.operation("GET", f"{_ONE}/export")
def export(call: Call) -> Reply:
    """A workflow's draft as a file."""
    return with_limits(call, data=export_draft(find_workflow(call), iso(call.core.clock())))


@_V1.operation("POST", "/api/v1/workflows/import", body=_IMPORTED)
def import_workflow(call: Call) -> Reply:
    """Import a workflow."""
    store = call.core.definitions
    if call.body["workspaceId"] not in store.workspaces or call.key == "outsider":
        raise Refusal(403, "Access denied")
    wanted = {name: value for name, value in call.body.items() if value is not None}
    plan = Plan.of(wanted)
    made = store.imports.carry_out(store, plan, wanted)
    data = {
        "id": made.id,
        "name": made.name,
        "description": made.description,
        "workspaceId": made.workspace_id,
        "folderPath": made.folder,
        "createdAt": iso(made.created),
        "updatedAt": iso(made.updated),
        "warnings": list(plan.package.warnings),
    }
    return with_limits(call, data=data)


def _deployment(found: Definition, version: Version | None = None) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": found.id,
        "isDeployed": found.deployed,
        "deployedAt": iso_or_none(found.deployed_at),
        "warnings": [],
    }
    return shown if version is None else {**shown, "version": version.number}
