"""Deploying, rolling back, exporting and importing below ``/api/v1``.

No recording shows these five; their answers are those of v2 in v1's envelope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from simstudio.sandbox import jsontext
from simstudio.sandbox.definitions.errors import Refused
from simstudio.sandbox.definitions.exchange import Plan, exported
from simstudio.sandbox.http import Refusal, Reply, json_reply
from simstudio.sandbox.routes.endpoint import Endpoint
from simstudio.sandbox.routes.v1_access import counted, limits_of
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.definitions.definition import Definition, Version

_STATUS = {"not_found": 404, "conflict": 400, "invalid": 400, "too_large": 400}


def routes(core: Core) -> list[Route]:
    """The routes of the five."""
    one = "/api/v1/workflows/{id}"
    return [
        _route(core, "POST", "/api/v1/workflows/import", import_workflow),
        _route(core, "POST", f"{one}/deploy", deploy),
        _route(core, "DELETE", f"{one}/deploy", undeploy),
        _route(core, "POST", f"{one}/rollback", rollback),
        _route(core, "GET", f"{one}/export", export),
    ]


Body = Mapping[str, Any]


def _route(core: Core, method: str, path: str, handler: Callable[[Core, Request, Body], object]) -> Route:
    async def answer(core: Core, request: Request) -> ASGIApp:
        headers = counted(core, request)
        try:
            body = await _body(request)
            return json_reply({"data": handler(core, request, body), "limits": limits_of(core)}, headers=headers)
        except Refused as refused:
            return _refusal(_STATUS[refused.kind], str(refused))

    return Route(path, Endpoint(core, answer), methods=[method])


def named(core: Core, request: Request) -> Definition:
    """The workflow a path names, for somebody who may see it.

    Raises:
        Refusal: 404 or 403.
    """
    found = core.definitions.find(request.path_params["id"])
    if found is None:
        raise Refusal(_refusal(404, "Workflow not found"))
    if core.key_state(request) == "outsider":
        raise Refusal(_refusal(403, "Access denied"))
    return found


def deploy(core: Core, request: Request, body: Body) -> object:
    """Put the draft into service as a new version."""
    found = named(core, request)
    version = core.definitions.deploy(found, _text(body, "name"), _text(body, "description"))
    return _deployment(found, version)


def undeploy(core: Core, request: Request, body: Body) -> object:
    """Take the workflow out of service."""
    del body
    found = named(core, request)
    found.undeploy()
    return _deployment(found)


def rollback(core: Core, request: Request, body: Body) -> object:
    """Put an earlier version into service."""
    found, number = named(core, request), body.get("version")
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        raise Refusal(_invalid("version", "number", number))
    return _deployment(found, found.rollback(number, core.clock()))


def export(core: Core, request: Request, body: Body) -> object:
    """A workflow's draft as a file."""
    del body
    return exported(named(core, request), iso(core.clock()))


def import_workflow(core: Core, request: Request, body: Body) -> object:
    """Make a workflow of a file."""
    workspace_id, file = _text(body, "workspaceId"), body.get("workflow")
    if workspace_id is None:
        raise Refusal(_invalid("workspaceId", "string", body.get("workspaceId")))
    if workspace_id not in core.definitions.workspaces or core.key_state(request) == "outsider":
        raise Refusal(_refusal(403, "Access denied"))
    if not isinstance(file, (str, Mapping)):
        raise Refusal(_invalid("workflow", "object", file))
    names = ("name", "description", "folderPath")
    wanted = {"workspaceId": workspace_id, "workflow": file}
    wanted |= {name: text for name in names for text in [_text(body, name)] if text is not None}
    plan = Plan.of(wanted)
    made = core.definitions.imports.carry_out(core.definitions, plan, wanted)
    return {
        "id": made.id,
        "name": made.name,
        "description": made.description,
        "workspaceId": made.workspace_id,
        "folderPath": made.folder,
        "createdAt": iso(made.created),
        "updatedAt": iso(made.updated),
        "warnings": list(plan.package.warnings),
    }


def _deployment(found: Definition, version: Version | None = None) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": found.id,
        "isDeployed": found.deployed,
        "deployedAt": iso_or_none(found.deployed_at),
        "warnings": [],
    }
    return shown if version is None else {**shown, "version": version.number}


async def _body(request: Request) -> Body:
    """The body; without one, an empty object.

    Raises:
        Refusal: 400.
    """
    raw = await request.body()
    if not raw.strip():
        return {}
    try:
        given = jsontext.loads(raw)
    except ValueError:
        raise Refusal(_refusal(400, "Request body must be valid JSON")) from None
    if not isinstance(given, dict):
        raise Refusal(_refusal(400, "Request body must be a JSON object"))
    return given


def _text(body: Body, name: str) -> str | None:
    """A text of the body, or None.

    Raises:
        Refusal: 400, it is something else.
    """
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise Refusal(_invalid(name, "string", value))
    return value


def _refusal(status: int, message: str) -> Reply:
    return json_reply({"error": message}, status)


def _invalid(name: str, expected: str, value: object) -> Reply:
    received = "undefined" if value is None else jsontext.type_name(value)
    message = "Required" if value is None else f"Expected {expected}, received {received}"
    issue = {"code": "invalid_type", "expected": expected, "received": received, "path": [name], "message": message}
    return json_reply({"error": "Invalid request data", "details": [issue]}, 400)
