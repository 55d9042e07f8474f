"""Workflows below ``/api/v1``: the list, and one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import uuid5

from starlette.routing import Route

from simstudio.sandbox import jsontext
from simstudio.sandbox.definitions import graph
from simstudio.sandbox.definitions.definition import ROOT
from simstudio.sandbox.http import Refusal, json_reply
from simstudio.sandbox.ids import NAMESPACE
from simstudio.sandbox.routes import v1_management
from simstudio.sandbox.routes.endpoint import Endpoint
from simstudio.sandbox.routes.v1_access import counted, limits_of
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.definitions.definition import Definition

_PAGE = 50
_LARGEST_PAGE = 100


def routes(core: Core) -> list[Route]:
    """The routes of workflows."""
    return [
        Route("/api/v1/workflows", Endpoint(core, list_workflows), methods=["GET"]),
        *v1_management.routes(core),
        Route("/api/v1/workflows/{id}", Endpoint(core, get_workflow), methods=["GET"]),
    ]


async def list_workflows(core: Core, request: Request) -> ASGIApp:
    """The workflows of a workspace, newest first, a page at a time."""
    headers = counted(core, request)
    size = _validated(request)
    query = request.query_params
    if query["workspaceId"] not in core.definitions.workspaces or core.key_state(request) == "outsider":
        raise Refusal(json_reply({"error": "Access denied"}, 403))
    found = sorted(core.definitions.all_of(query["workspaceId"]), key=_order, reverse=True)
    if query.get("folderId"):
        found = [each for each in found if _folder_id(each) == query["folderId"]]
    if query.get("deployedOnly"):  # any text is true, "false" too
        found = [each for each in found if each.deployed]
    after = _position(query.get("cursor"))
    if after is not None:
        found = [each for each in found if _order(each) < after]
    page = found[:size]
    body: dict[str, object] = {"data": [_item(core, each) for each in page]}
    if len(found) > size:
        body["nextCursor"] = _cursor(page[-1])
    body["limits"] = limits_of(core)
    return json_reply(body, headers=headers)


async def get_workflow(core: Core, request: Request) -> ASGIApp:
    """One workflow, with its variables and input fields."""
    headers = counted(core, request)
    found = v1_management.named(core, request)
    more = {"variables": found.draft["variables"], "inputs": graph.inputs(found.draft)}
    return json_reply({"data": {**_item(core, found), **more}, "limits": limits_of(core)}, headers=headers)


def _validated(request: Request) -> int:
    """The page size.

    Raises:
        Refusal: 400, with the validator's raw issues.
    """
    issues: list[object] = []
    if "workspaceId" not in request.query_params:
        issues.append(
            {
                "code": "invalid_type",
                "expected": "string",
                "received": "undefined",
                "path": ["workspaceId"],
                "message": "Required",
            }
        )
    text = request.query_params.get("limit", str(_PAGE))
    try:
        size = int(text or 0)
    except ValueError:
        size = _PAGE
        kinds = {"code": "invalid_type", "expected": "number", "received": "nan"}
        issues.append({**kinds, "path": ["limit"], "message": "Expected number, received nan"})
    if size < 1:
        issues.append(_bound("too_small", "minimum", 1, "greater"))
    if size > _LARGEST_PAGE:
        issues.append(_bound("too_big", "maximum", _LARGEST_PAGE, "less"))
    if issues:
        raise Refusal(json_reply({"error": "Invalid parameters", "details": issues}, 400))
    return size


def _bound(code: str, name: str, bound: int, word: str) -> dict[str, object]:
    message = f"Number must be {word} than or equal to {bound}"
    kinds = {"type": "number", "inclusive": True, "exact": False}
    return {"code": code, name: bound, **kinds, "message": message, "path": ["limit"]}


def _order(found: Definition) -> tuple[str, str]:
    return iso(found.created), found.id


def _cursor(found: Definition) -> str:
    position = {"sortOrder": 0, "createdAt": iso(found.created), "id": found.id}
    return base64.b64encode(jsontext.encode(position)).decode()


def _position(cursor: str | None) -> tuple[str, str] | None:
    """Where a page begins. An undecodable cursor means the first page, a wrong one breaks the server.

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
        raise Refusal(json_reply({"error": "Internal server error"}, 500))
    return created, key


def _folder_id(found: Definition) -> str | None:
    """Folders have ids here, which no v1 operation tells what they mean."""
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
