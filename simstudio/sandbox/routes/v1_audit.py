"""The audit log below ``/api/v1/audit-logs``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from simstudio.sandbox import jsontext
from simstudio.sandbox.data.checks import MISSING, Number, OneOf, Optional, Ruled, Shape, Text, as_number
from simstudio.sandbox.data.values import moment_of
from simstudio.sandbox.http import json_reply
from simstudio.sandbox.routes.endpoint import Endpoint
from simstudio.sandbox.routes.v1_access import counted, limits_of
from simstudio.sandbox.routes.v1_requests import checked, given, refuse, texts
from simstudio.sandbox.times import iso_or_none

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.audit import Entry

_DATE = Optional(Ruled(Text(), lambda text: moment_of(text) is not None, "Invalid date format. Use ISO 8601."))
_LISTED = Shape(
    {
        "action": Optional(Text()),
        "resourceType": Optional(Text()),
        "resourceId": Optional(Text()),
        "workspaceId": Optional(Text()),
        "actorId": Optional(Text()),
        "startDate": _DATE,
        "endDate": _DATE,
        "includeDeparted": Optional(OneOf(("true", "false"))),
        "limit": Optional(Number(least=(1, None), most=(100, None), convert=as_number), 50),
        "cursor": Optional(Text()),
    }
)


def routes(core: Core) -> list[Route]:
    """The routes of the audit log."""
    return [
        Route("/api/v1/audit-logs", Endpoint(core, list_entries), methods=["GET"]),
        Route("/api/v1/audit-logs/{entry}", Endpoint(core, get_entry), methods=["GET"]),
    ]


async def list_entries(core: Core, request: Request) -> ASGIApp:
    """A page of the log, newest first."""
    headers = counted(core, request)
    _check_enterprise(core, request)
    asked = checked(_LISTED, texts(request), "Invalid parameters")
    entries = _selected(core, asked)
    page = entries[: int(asked["limit"])]
    body: dict[str, object] = {"data": [_shown(core, entry) for entry in page]}
    if len(entries) > len(page):
        created, entry_id = page[-1].position
        body["nextCursor"] = base64.b64encode(jsontext.encode({"createdAt": created, "id": entry_id})).decode()
    return json_reply({**body, "limits": limits_of(core)}, headers=headers)


async def get_entry(core: Core, request: Request) -> ASGIApp:
    """One entry."""
    headers = counted(core, request)
    _check_enterprise(core, request)
    entry = core.data.audit.get(request.path_params["entry"])
    if entry is None:
        raise refuse(404, "Audit log not found")
    return json_reply({"data": _shown(core, entry), "limits": limits_of(core)}, headers=headers)


def _check_enterprise(core: Core, request: Request) -> None:
    if core.account().plan != "enterprise" or core.key_state(request) == "outsider":
        raise refuse(403, "Not a member of any organization")


def _selected(core: Core, asked: Mapping[str, Any]) -> list[Entry]:
    account = core.account()
    if asked["actorId"] not in (MISSING, "", account.user_id):
        raise refuse(400, "actorId is not a member of your organization")
    if asked["workspaceId"] not in (MISSING, "", account.workspace_id):
        return []
    kinds = [kind for kind in (given(asked["resourceType"]) or "").split(",") if kind]
    begin, end = (_written(given(asked[name])) for name in ("startDate", "endDate"))
    after = _position(given(asked["cursor"]))
    return [
        entry
        for entry in core.data.audit.newest_first()
        if (not given(asked["action"]) or entry.action == asked["action"])
        and (not kinds or entry.resource.kind in kinds)
        and (not given(asked["resourceId"]) or entry.resource.id == asked["resourceId"])
        and (begin is None or entry.position[0] >= begin)
        and (end is None or entry.position[0] <= end)
        and (after is None or entry.position < after)
    ]


def _written(date: str | None) -> str | None:
    """A date as entries write theirs, whose text orders as they do."""
    return iso_or_none(moment_of(date) if date else None)


def _position(cursor: str | None) -> tuple[str, str] | None:
    """Where a page begins; a cursor that cannot be read means the first page."""
    try:
        position = jsontext.loads(base64.b64decode(cursor or "", validate=True))
    except ValueError:
        return None
    created, entry_id = (position.get("createdAt"), position.get("id")) if isinstance(position, Mapping) else (0, 0)
    return (created, entry_id) if isinstance(created, str) and isinstance(entry_id, str) else None


def _shown(core: Core, entry: Entry) -> dict[str, object]:
    return entry.shown(core.account().workspace_id, core.account().user_id)
