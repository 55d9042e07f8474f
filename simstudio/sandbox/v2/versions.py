"""Versions of a workflow: deployed graphs, and returning to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.resources.v2.workflow_versions import WorkflowVersions
from simstudio.sandbox.definitions.comparing import compare_graphs
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2 import views
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.audit import note
from simstudio.sandbox.v2.paging import page

if TYPE_CHECKING:
    from simstudio.sandbox.definitions.definition import Definition, Version

_ALL = "/api/v2/workflows/{workflowId}/versions"


@V2().serves(WorkflowVersions.list, {"limit": 50})
def list_versions(call: Call) -> Reply:
    """A page of the versions, newest first."""
    found = views.workflow_of(call)
    shown, after = page(call, found.versions, lambda version: (version.number,), descending=True)
    return listing((_item(found, version) for version in shown), after)


def _item(found: Definition, version: Version) -> dict[str, object]:
    attempt = found.attempt
    return {
        **_labels(version),
        "id": version.id,
        "isActive": version is found.active,
        "createdAt": iso(version.created),
        "deployedBy": "Sandbox",
        "latestOperationStatus": "active" if attempt is not None and version is found.active else "superseded",
    }


def _labels(version: Version) -> dict[str, object]:
    return {"version": version.number, "name": version.name, "description": version.description}


@V2().serves(WorkflowVersions.get)
def get(call: Call) -> Reply:
    """One version with its graph."""
    found = views.workflow_of(call)
    version = found.version(call.path["version"])
    return data(
        {
            **_labels(version),
            "id": version.id,
            "isActive": version is found.active,
            "createdAt": iso(version.created),
            "state": version.state,
        }
    )


@V2().serves(WorkflowVersions.update)
def label(call: Call) -> Reply:
    """Name or describe a version."""
    version = views.workflow_of(call).version(call.path["version"])
    if not call.body:
        raise invalid_value("name", "At least one of name or description must be provided")
    version.name = call.body.get("name", version.name)
    version.description = call.body.get("description", version.description)
    return data(_labels(version))


@V2().serves(WorkflowVersions.compare)
def compare(call: Call) -> Reply:
    """The differences between two versions."""
    found = views.workflow_of(call)
    base, target = (found.version(call.query[name]) for name in ("base", "target"))
    return data(
        {
            "workflowId": found.id,
            "base": base.number,
            "target": target.number,
            "diff": compare_graphs(base.state, target.state),
        }
    )


@V2().serves(WorkflowVersions.activate)
def activate(call: Call) -> Reply:
    """Put a version into service."""
    found = views.workflow_of(call)
    version = found.activate(call.path["version"], call.core.clock())
    note(call, "workflow.deployment_activated", found, version=version.number)
    return data({**views.deployment(call, found), "version": version.number})


@V2().serves(WorkflowVersions.revert)
def revert(call: Call) -> Reply:
    """Replace the draft by the graph of a version; the deployed version stays."""
    found = views.workflow_of(call)
    number: int | Literal["active"] = call.path["version"]
    now = call.core.clock()
    found.revert(number, now)
    note(call, "workflow.deployment_reverted", found, version=number)
    return data({"id": found.id, "version": number, "lastSaved": round(now * 1000)})
