"""What the data routes of ``/api/v1`` do alike: read a request, see whose it is, answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
from starlette.routing import Route

from simstudio.sandbox import jsontext
from simstudio.sandbox.data.checks import MISSING, Check, Shape, Text, details
from simstudio.sandbox.data.rejections import Reason, Rejected
from simstudio.sandbox.http import Refusal, Reply, json_reply
from simstudio.sandbox.routes.endpoint import Endpoint, Handler
from simstudio.sandbox.routes.v1_access import counted
from simstudio.sandbox.services.oomol_forms import UploadedFile, parse_form

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core

_STATUSES: Mapping[Reason, int] = {"invalid": 400, "missing": 404, "taken": 409, "limit": 403, "broken": 500}

IN_QUERY = Text(least=(1, "workspaceId query parameter is required"))
"""A workspace's id in a query."""

IN_BODY = Text(least=(1, "Workspace ID is required"))
"""A workspace's id in a body."""

WORKSPACE = Shape({"workspaceId": IN_QUERY})
"""A query that is a workspace's id."""


def route(core: Core, method: str, path: str, handler: Handler) -> Route:
    """A route whose every request takes from the rate limit, and that answers what a store rejects."""

    async def answering(core: Core, request: Request) -> ASGIApp:
        counted(core, request)
        try:
            return await handler(core, request)
        except Rejected as rejected:
            return _rejection(rejected)

    return Route(f"/api/v1{path}", Endpoint(core, answering), methods=[method])


def success(**data: object) -> Reply:
    """The answer of a request that was served."""
    return json_reply({"success": True, "data": data})


def refuse(status: int, message: str) -> Refusal:
    """An answer that ends the handling."""
    return Refusal(json_reply({"error": message}, status))


def check_member(core: Core, request: Request, workspace_id: str) -> None:
    """Nothing, when the caller may see a workspace.

    Raises:
        Refusal: 403.
    """
    if core.key_state(request) == "outsider" or workspace_id != core.account().workspace_id:
        raise refuse(403, "Access denied")


def query(request: Request, check: Check, read: Mapping[str, object] | None = None) -> dict[str, Any]:
    """A query's values, a missing ``workspaceId`` being null.

    Args:
        request: the request.
        check: reads them.
        read: values that were read before.

    Raises:
        Refusal: 400.
    """
    return checked(check, {"workspaceId": None, **texts(request), **(read or {})})


def texts(request: Request) -> dict[str, str]:
    """A query's values as they are; the first of several."""
    return dict(reversed(request.query_params.multi_items()))


async def json_body(core: Core, request: Request) -> object:
    """A body as data.

    Raises:
        Refusal: 400, it is not JSON.
    """
    try:
        return jsontext.loads(await _body(core, request))
    except ValueError:
        raise refuse(400, "Request body must be valid JSON") from None


async def form(core: Core, request: Request) -> tuple[str, UploadedFile]:
    """The workspace's id and the file of an upload.

    Raises:
        Refusal: 400, one is missing, or the body is no form, as one beyond the server's 10 MiB is: it gets cut.
    """
    try:
        fields, files = parse_form(request.headers.get("content-type", ""), await _body(core, request))
    except ValueError:
        raise refuse(400, "Request body must be valid multipart form data") from None
    if not fields.get("workspaceId"):
        raise refuse(400, "workspaceId form field is required")
    for file in files:
        if file.field == "file":
            return fields["workspaceId"], attrs.evolve(file, name=_name(file.name))
    raise refuse(400, "file form field is required")


def checked(check: Check, value: object, error: str = "Validation error") -> dict[str, Any]:
    """What a check reads.

    Raises:
        Refusal: 400, with the issues.
    """
    read, issues = details(check, value)
    if issues:
        raise Refusal(json_reply({"error": error, "details": issues}, 400))
    result: dict[str, Any] = read
    return result


def given(value: Any) -> Any:
    """A checked value, None when it is missing."""
    return None if value is MISSING else value


def _name(sent: str) -> str:
    """A file's name without what browsers and clients escape in a form (WHATWG's multipart/form-data)."""
    return sent.replace("%22", '"').replace("%0A", "\n").replace("%0D", "\r")


async def _body(core: Core, request: Request) -> bytes:
    return (await request.body())[: core.dialect.body_limit]


def _rejection(rejected: Rejected) -> Reply:
    body: dict[str, object] = {"error": rejected.message}
    if rejected.details is not None:
        body["details"] = rejected.details
    return json_reply(body, _STATUSES[rejected.reason])
