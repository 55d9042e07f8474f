"""The audit log below ``/api/v1/audit-logs``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import Number, OneOf, Optional, Parsed, Ruled, Shape, Text, as_number
from simstudio.sandbox.data.values import moment_of
from simstudio.sandbox.families import V1
from simstudio.sandbox.http import Headers, Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.routes.v1_requests import with_limits
from simstudio.sandbox.times import iso_or_none

if TYPE_CHECKING:
    from simstudio.sandbox.core import Core
    from simstudio.sandbox.data.audit import Entry

_V1 = V1("Invalid parameters")
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
        "limit": Optional(Parsed(as_number, Number(least=(1, None), most=(100, None))), 50),
        "cursor": Optional(Text()),
    }
)


def _admit(call: Call) -> Headers:
    """Admit the owner of an organization on the enterprise plan."""
    headers = _V1.admit(call)
    if call.core.account().plan != "enterprise" or call.key == "outsider":
        raise Refusal(403, "Not a member of any organization")
    return headers


@_V1.operation("GET", "/api/v1/audit-logs", query=_LISTED, admit=_admit)
def list_entries(call: Call) -> Reply:
    """A page of the log, newest first."""
    core, asked = call.core, call.query
    entries = _select(core, asked)
    page = entries[: int(asked["limit"])]
    body: dict[str, object] = {"data": [_present(core, entry) for entry in page]}
    if len(entries) > len(page):
        created, entry_id = page[-1].position
        body["nextCursor"] = base64.b64encode(jsontext.encode({"createdAt": created, "id": entry_id})).decode()
    return with_limits(call, **body)


@_V1.operation("GET", "/api/v1/audit-logs/{entry}", admit=_admit)
def get_entry(call: Call) -> Reply:
    """One entry."""
    entry = call.core.data.audit.get(call.path["entry"])
    if entry is None:
        raise Refusal(404, "Audit log not found")
    return with_limits(call, data=_present(call.core, entry))


def _select(core: Core, asked: Mapping[str, Any]) -> list[Entry]:
    account = core.account()
    if asked.get("actorId") not in (None, "", account.user_id):
        raise Refusal(400, "actorId is not a member of your organization")
    if asked.get("workspaceId") not in (None, "", account.workspace_id):
        return []
    kinds = [kind for kind in (asked.get("resourceType") or "").split(",") if kind]
    begin, end = (_to_iso(asked.get(name)) for name in ("startDate", "endDate"))
    after = _position(asked.get("cursor"))
    return [
        entry
        for entry in core.data.audit.list_newest_first()
        if (not asked.get("action") or entry.action == asked["action"])
        and (not kinds or entry.resource.kind in kinds)
        and (not asked.get("resourceId") or entry.resource.id == asked["resourceId"])
        and (begin is None or entry.position[0] >= begin)
        and (end is None or entry.position[0] <= end)
        and (after is None or entry.position < after)
    ]


def _to_iso(date: str | None) -> str | None:
    """A date in the form of the entries, so that texts can be compared."""
    return iso_or_none(moment_of(date) if date else None)


def _position(cursor: str | None) -> tuple[str, str] | None:
    """The beginning of a page; an unreadable cursor means the first page."""
    try:
        position = jsontext.loads(base64.b64decode(cursor or "", validate=True))
    except ValueError:
        return None
    created, entry_id = (position.get("createdAt"), position.get("id")) if isinstance(position, Mapping) else (0, 0)
    return (created, entry_id) if isinstance(created, str) and isinstance(entry_id, str) else None


def _present(core: Core, entry: Entry) -> dict[str, object]:
    return entry.to_dict(core.account().workspace_id, core.account().user_id)
