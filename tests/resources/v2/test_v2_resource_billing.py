"""``client.v2.billing``: what it sends, and what it makes of answers."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

import simstudio as sim
from simstudio.models.v2.billing import BillingLog, BillingStatus
from tests.driving import Both, answer

NOW = "2026-11-20T08:00:00.000Z"
LOG = {
    "id": "log",
    "createdAt": NOW,
    "source": "workflow",
    "workspaceId": "ws",
    "workflow": {"id": "wf", "name": None},
    "runId": None,
    "creditCost": 0.25,
}
STATUS = {
    "workspaceId": None,
    "period": {"start": NOW, "end": NOW},
    "plan": "pro",
    "status": "active",
    "credits": {"used": 1.5, "limit": 10, "remaining": 8.5},
    "storage": {"usedBytes": 5, "limitBytes": 10, "percentUsed": 50},
}


async def every(pager: Any) -> list[Any]:
    if hasattr(pager, "__aiter__"):
        return [item async for item in pager]
    return list(pager)


async def test_what_was_charged_for_is_followed_over_all_pages(both: Both) -> None:
    client = both.client(
        answer(200, {"data": [LOG], "nextCursor": "c2", "scope": "user"}),
        answer(200, {"data": [{**LOG, "source": "telepathy", "workflow": None}], "nextCursor": None, "scope": "user"}),
    )
    begun = datetime(2026, 11, 1, tzinfo=timezone.utc)
    first, second = await every(client.v2.billing.logs(period="custom", start_date=begun, limit=1))
    assert (type(first), first.workflow.id, first.workflow.name) == (BillingLog, "wf", None)
    assert (first.credit_cost, first.run_id) == (0.25, None)
    assert (second.source, second.workflow) == ("telepathy", None)
    query = "period=custom&startDate=2026-11-01T00%3A00%3A00.000Z&limit=1"
    assert [request.url.partition("/api")[2] for request in client.script.requests] == [
        f"/v2/billing/logs?{query}",
        f"/v2/billing/logs?{query}&cursor=c2",
    ]


async def test_a_page_says_whose_it_is(both: Both) -> None:
    client = both.client(answer(200, {"data": [], "nextCursor": None, "scope": "workspace"}))
    assert (await both(client.v2.billing.logs(workspace_id="ws").page())).extra == {"scope": "workspace"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source": "telepathy"}, "source must be '"),
        ({"period": "90d"}, "period must be '"),
        ({"workspace_id": ""}, "workspace_id must have from 1 to 128 characters"),
        ({"limit": 101}, "limit must be from 1 to 100"),
    ],
)
async def test_what_the_server_refuses_is_not_sent(both: Both, given: Any, said: str) -> None:
    client = both.client()
    with pytest.raises(sim.InvalidInputError, match=said):
        await every(client.v2.billing.logs(**given))
    assert client.script.requests == []


async def test_an_account_tells_its_credits_and_storage(both: Both) -> None:
    client = both.client(answer(200, {"data": STATUS}))
    status = await both(client.v2.billing.status())
    assert client.script.requests[0].url == "https://sim.test/api/v2/billing/status"
    assert type(status) is BillingStatus
    assert (status.plan, status.period.end, status.credits.remaining) == ("pro", NOW, 8.5)
    assert (status.storage.percent_used, status.workspace_id) == (50, None)


async def test_what_is_not_counted_is_none(both: Both) -> None:
    client = both.client(answer(200, {"data": {**STATUS, "credits": None, "storage": None, "status": "odd"}}))
    status = await both(client.v2.billing.status(workspace_id="ws"))
    assert client.script.requests[0].url == "https://sim.test/api/v2/billing/status?workspaceId=ws"
    assert (status.credits, status.storage, status.status) == (None, None, "odd")
