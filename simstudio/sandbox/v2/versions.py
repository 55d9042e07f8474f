"""Versions of a workflow: what has been deployed, and going back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.sandbox.definitions.comparing import compared
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2 import views
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.audit import note
from simstudio.sandbox.v2.operation import PAGE, Call, Field, Operation, bad_request, invalid, routes_of
from simstudio.sandbox.v2.paging import page

if TYPE_CHECKING:
    from starlette.routing import Route

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.definitions.definition import Definition, Version
    from simstudio.sandbox.http import Reply

_ALL = "/api/v2/workflows/{workflowId}/versions"
_ONE = f"{_ALL}/{{version}}"


def list_versions(call: Call) -> Reply:
    """A page of the versions, newest first."""
    found = views.named(call)
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


def get(call: Call) -> Reply:
    """One version with its graph."""
    found = views.named(call)
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


def label(call: Call) -> Reply:
    """Name or describe a version."""
    version = views.named(call).version(call.path["version"])
    if not call.body:
        raise bad_request(invalid("name", "At least one of name and description is required"))
    version.name = call.body.get("name", version.name)
    version.description = call.body.get("description", version.description)
    return data(_labels(version))


def compare(call: Call) -> Reply:
    """What differs between two versions."""
    found = views.named(call)
    base, target = (found.version(call.query[name]) for name in ("base", "target"))
    return data(
        {
            "workflowId": found.id,
            "base": base.number,
            "target": target.number,
            "diff": compared(base.state, target.state),
        }
    )


def activate(call: Call) -> Reply:
    """Put a version into service."""
    found = views.named(call)
    version = found.activate(call.path["version"], call.core.clock())
    note(call, "workflow.deployment_activated", found, version=version.number)
    return data({**views.deployment(call, found), "version": version.number})


def revert(call: Call) -> Reply:
    """Make the draft what a version is; what is in service stays as it is."""
    found = views.named(call)
    told: str = call.path["version"]
    number: int | Literal["active"] = "active"
    if told != "active":
        if not told.isdecimal():
            raise bad_request(invalid("version", "Expected a version number or 'active'"))
        number = int(told)
    now = call.core.clock()
    found.revert(number, now)
    note(call, "workflow.deployment_reverted", found, version=number)
    return data({"id": found.id, "version": number, "lastSaved": round(now * 1000)})


_NUMBER = (Field("version", "integer"),)
_BOTH = (Field("base", "integer", required=True), Field("target", "integer", required=True))
_LABELS = (Field("name"), Field("description", "string|null"))

OPERATIONS = (
    Operation("GET", _ALL, "listWorkflowVersionsV2", list_versions, query=PAGE),
    Operation("GET", f"{_ALL}/compare", "compareWorkflowVersions", compare, query=_BOTH),
    Operation("GET", _ONE, "getWorkflowVersionV2", get, segments=_NUMBER),
    Operation("PATCH", _ONE, "updateWorkflowVersionV2", label, body=_LABELS, segments=_NUMBER),
    Operation("POST", f"{_ONE}/activate", "activateWorkflowVersion", activate, segments=_NUMBER),
    Operation("POST", f"{_ONE}/revert", "revertWorkflowVersion", revert),
)


def routes(core: Core) -> list[Route]:
    """The routes of this group."""
    return routes_of(core, OPERATIONS)
