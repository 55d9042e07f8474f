"""GET /api/v1/workflows, and the rate limit all of /api/v1 shares."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from simstudio.sandbox import jsontext
from simstudio.sandbox.dialects.v06 import reading
from simstudio.sandbox.http import Headers, Refusal, json_reply
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.workflow import Workflow

_FAKE_LIMIT = 10
_PAGE = 50
_LARGEST_PAGE = 100


async def list_workflows(core: Core, request: Request) -> ASGIApp:
    """The workflows of a workspace, newest first, a page at a time."""
    headers = _counted(core, request)
    size = _validated(request)
    if request.query_params["workspaceId"] != core.account().workspace_id or core.key_state(request) == "outsider":
        raise Refusal(json_reply({"error": "Access denied"}, 403))
    workflows = sorted(core.workflows.values(), key=_order, reverse=True)
    if request.query_params.get("deployedOnly"):  # any text is true, "false" too
        workflows = [workflow for workflow in workflows if workflow.deployed]
    after = _position(request.query_params.get("cursor"))
    if after is not None:
        workflows = [workflow for workflow in workflows if _order(workflow) < after]
    page = workflows[:size]
    body: dict[str, object] = {"data": [_item(core, workflow) for workflow in page]}
    if len(workflows) > size:
        body["nextCursor"] = _cursor(page[-1])
    account, limiter = core.account(), core.limiter()
    body["limits"] = {
        "workflowExecutionRateLimit": {"sync": reading(limiter, "sync"), "async": reading(limiter, "async")},
        "usage": {**account.usage, "isExceeded": account.exceeded},
    }
    return json_reply(body, headers=headers)


def _counted(core: Core, request: Request) -> Headers:
    """Take one request of the v1 bucket; the headers that say so.

    Raises:
        Refusal: 401 (with invented numbers, as the server sends) or 429.
    """
    key = core.key_state(request)
    if key in ("missing", "invalid"):
        message = "API key required" if key == "missing" else "Invalid API key"
        raise Refusal(json_reply({"error": message}, 401, _headers(_FAKE_LIMIT, 0, core.clock())))
    limiter = core.limiter()
    allowed = limiter.take("v1")
    now = limiter.read("v1")
    headers = _headers(now.per_minute, now.remaining, now.reset_at)
    if allowed:
        return headers
    body = {
        "error": "Rate limit exceeded",
        "message": f"API rate limit exceeded. Please retry after {iso(now.reset_at)}",
        "retryAfter": round(now.reset_at * 1000),
    }
    seconds = max(1, math.ceil(limiter.seconds_to_reset("v1")))
    raise Refusal(json_reply(body, 429, (*headers, ("retry-after", str(seconds)))))


def _headers(limit: int, remaining: int, reset_at: float) -> Headers:
    return (
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(remaining)),
        ("x-ratelimit-reset", iso(reset_at)),
    )


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


def _order(workflow: Workflow) -> tuple[str, str]:
    return iso(workflow.created), workflow.id


def _cursor(workflow: Workflow) -> str:
    position = {"sortOrder": 0, "createdAt": iso(workflow.created), "id": workflow.id}
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


def _item(core: Core, workflow: Workflow) -> dict[str, object]:
    count, last = core.engine.last_runs.get(workflow.id, (0, None))
    created = iso(workflow.created)
    return {
        "id": workflow.id,
        "name": workflow.name,
        "description": workflow.description,
        "color": "#3972f6",
        "folderId": None,
        "workspaceId": core.account().workspace_id,
        "isDeployed": workflow.deployed,
        "deployedAt": created if workflow.deployed else None,
        "runCount": count,
        "lastRunAt": iso_or_none(last),
        "createdAt": created,
        "updatedAt": created,
    }
