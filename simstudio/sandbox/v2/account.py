"""The API key, and the costs of its user."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from simstudio.resources.v2.billing import Billing
from simstudio.resources.v2.meta import Meta
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import page

if TYPE_CHECKING:
    from simstudio.sandbox.records import ExecutionRecord

CREDITS_PER_DOLLAR = 200
_STORAGE_LIMIT = 5 * 1024**3
_DAYS = {"1d": 1, "7d": 7, "30d": 30}


@V2(is_gated=False).serves(Meta.get)
def meta(call: Call) -> Reply:
    """Whether v2 is switched on, and the kind of the key."""
    return data({"v2Enabled": call.core.settings.v2, "keyType": "personal", "expiresAt": None})


@V2().serves(Billing.status)
def status(call: Call) -> Reply:
    """Costs and limit of the user in this period, in credits."""
    workspace_id = call.query.get("workspaceId")
    if workspace_id is not None:
        call.workspace(workspace_id)
    account = call.core.account()
    begin = datetime.fromtimestamp(call.core.clock(), timezone.utc).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    end = (begin + timedelta(days=32)).replace(day=1)
    used, limit = (round(dollars * CREDITS_PER_DOLLAR) for dollars in (account.cost, account.limit))
    return data(
        {
            "workspaceId": workspace_id,
            "period": {"start": iso(begin.timestamp()), "end": iso(end.timestamp())},
            "plan": account.plan,
            "status": "limit_exceeded" if account.exceeded else "active",
            "credits": {"used": used, "limit": limit, "remaining": max(0, limit - used)},
            "storage": {"usedBytes": 0, "limitBytes": _STORAGE_LIMIT, "percentUsed": 0},
        }
    )


@V2().serves(Billing.logs, {"period": "30d", "limit": 50})
def logs(call: Call) -> Reply:
    """A page of charges, newest first: every finished run, at no cost."""
    query, core = call.query, call.core
    workspace_id = query.get("workspaceId")
    if workspace_id is not None:
        call.workspace(workspace_id)
    begin, end = _period(call)
    found = [
        each
        for each in core.store.executions()
        if each.ended is not None
        and each.continues is None
        and begin <= each.ended <= end
        and query.get("source", "workflow") == "workflow"
        and workspace_id in (None, _workspace(call, each))
    ]
    shown, after = page(call, found, lambda each: (each.ended or each.started, each.id), descending=True)
    scope = "user" if workspace_id is None else "workspace"
    return listing((_charge(call, each) for each in shown), after, scope=scope)


def _period(call: Call) -> tuple[float, float]:
    """Start and end of the period, in epoch seconds.

    Raises:
        Refusal: 400, a custom period lacks its dates, or another one has dates.
    """
    query, now = call.query, call.core.clock()
    period = query["period"]
    for name in ("startDate", "endDate"):
        if period == "custom" and name not in query:
            raise invalid_value(name, f'{name} is required when period is "custom"')
        if period != "custom" and name in query:
            window = f'period="{period}" computes its own window'
            raise invalid_value(name, f"{name} is only accepted when period=custom; {window}")
    if period == "custom":
        return query["startDate"], query["endDate"]
    days = _DAYS.get(period)
    return (0.0 if days is None else now - days * 86400), now


def _workspace(call: Call, each: ExecutionRecord) -> str:
    found = call.core.definitions.find(each.workflow_id, archived=True)
    return call.core.account().workspace_id if found is None else found.workspace_id


def _charge(call: Call, each: ExecutionRecord) -> dict[str, object]:
    found = call.core.definitions.find(each.workflow_id, archived=True)
    return {
        "id": f"usage_{each.id}",
        "createdAt": iso(each.ended or each.started),
        "source": "workflow",
        "workspaceId": _workspace(call, each),
        "workflow": {"id": each.workflow_id, "name": None if found is None else found.name},
        "runId": each.id,
        "creditCost": 0,
    }
