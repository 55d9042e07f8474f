"""Workflows below ``/api/v1``: the list, and one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import uuid5

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import Number, Optional, Parsed, Shape, Text, as_number
from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.definition import ROOT
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.ids import NAMESPACE
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes import v1_management
from simstudio.sandbox.routes.v1_requests import foreign_workspace, with_limits
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from simstudio.sandbox.core import Core
    from simstudio.sandbox.definitions.definition import Definition

_V1 = V1("Invalid parameters")
_LISTED = Shape(
    {
        "workspaceId": Text(),
        "limit": Optional(Parsed(as_number, Number(least=(1, None), most=(100, None))), 50),
        "folderId": Optional(Text()),
        "deployedOnly": Optional(Text()),
        "cursor": Optional(Text()),
    }
)


@_V1.operation("GET", "/api/v1/workflows", query=_LISTED)
def list_workflows(call: Call) -> Reply:
    """The workflows of a workspace, newest first, a page at a time."""
    core, query = call.core, call.query
    if query["workspaceId"] not in core.definitions.workspaces or call.key == "outsider":
        raise foreign_workspace(call)
    size = int(query["limit"])
    found = sorted(core.definitions.all_of(query["workspaceId"]), key=_order, reverse=True)
    if query.get("folderId"):
        found = [each for each in found if _folder_id(each) == query["folderId"]]
    if query.get("deployedOnly"):  # any text is true, also "false"
        found = [each for each in found if each.deployed]
    after = _position(query.get("cursor"))
    if after is not None:
        found = [each for each in found if _order(each) < after]
    page = found[:size]
    body: dict[str, object] = {"data": [_item(core, each) for each in page]}
    if len(found) > size:
        body["nextCursor"] = _cursor(page[-1])
    return with_limits(call, **body)


@_V1.operation("GET", "/api/v1/workflows/{id}")
def get_workflow(call: Call) -> Reply:
    """One workflow, with its variables and input fields."""
    found = v1_management.find_workflow(call)
    more = {"variables": found.draft["variables"], "inputs": graph.inputs(found.draft)}
    return with_limits(call, data={**_item(call.core, found), **more})


def _order(found: Definition) -> tuple[str, str]:
    return iso(found.created), found.id


def _cursor(found: Definition) -> str:
    position = {"sortOrder": 0, "createdAt": iso(found.created), "id": found.id}
    return base64.b64encode(jsontext.encode(position)).decode()


def _position(cursor: str | None) -> tuple[str, str] | None:
    """The beginning of a page. An undecodable cursor means the first page, a wrong one causes a 500.

    Raises:
        Refusal: 500.
    """
    if not cursor:
        return None
    try:
        position = jsontext.loads(base64.b64decode(cursor, validate=True))
    except ValueError:
        return None
    created, key = (position.get("createdAt"), position.get("id")) if isinstance(position, Mapping) else (None, None)
    if not isinstance(created, str) or not isinstance(key, str):
        raise Refusal(500, "Internal server error")
    return created, key


def _folder_id(found: Definition) -> str | None:
    """Id of a folder, derived from its path. No operation of v1 shows the folder of an id."""
    return None if found.folder == ROOT else str(uuid5(NAMESPACE, f"{found.workspace_id}{found.folder}"))


def _item(core: Core, found: Definition) -> dict[str, object]:
    count, last = core.engine.last_runs.get(found.id, (0, None))
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "color": "#3972f6",
        "folderId": _folder_id(found),
        "workspaceId": found.workspace_id,
        "isDeployed": found.deployed,
        "deployedAt": iso_or_none(found.deployed_at),
        "runCount": count,
        "lastRunAt": iso_or_none(last),
        "createdAt": iso(found.created),
        "updatedAt": iso(found.updated),
    }
