"""``client.v1.audit_logs``: what they send, and what they make of answers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import simstudio as sim
from simstudio.models.v1.audit_logs import AuditLog
from tests.driving import Both, answer
from tests.modes import both_modes


async def every(pager: Any) -> list[Any]:
    if hasattr(pager, "__aiter__"):
        return [item async for item in pager]
    return list(pager)


@both_modes
async def test_all_pages_are_followed_with_the_same_filters(both: Both) -> None:
    client = both.client(
        answer(200, {"data": [{"id": "a", "action": "workflow.deployed"}], "nextCursor": "c2"}),
        answer(200, {"data": [{"id": "b", "action": "workflow.melted"}], "nextCursor": None}),
    )
    begun = datetime(2026, 11, 20, 10, tzinfo=timezone(timedelta(hours=2)))
    pager = client.v1.audit_logs.list(
        action="x",
        resource_type="workflow",
        resource_id="r",
        workspace_id="w",
        actor_id="me",
        start_date=begun,
        limit=2,
    )
    found = await every(pager)
    assert [type(entry) for entry in found] == [AuditLog, AuditLog]
    assert [entry.action for entry in found] == ["workflow.deployed", "workflow.melted"]
    first, second = (request.url.partition("?")[2] for request in client.script.requests)
    assert first == (
        "action=x&resourceType=workflow&resourceId=r&workspaceId=w&actorId=me"
        "&startDate=2026-11-20T08%3A00%3A00.000Z&limit=2"
    )
    assert second == f"{first}&cursor=c2"


async def test_nothing_need_be_said(both: Both) -> None:
    client = both.client(answer(200, {"data": []}))
    assert await every(client.v1.audit_logs.list()) == []
    assert client.script.requests[0].url == "https://sim.test/api/v1/audit-logs"


@pytest.mark.parametrize(("flag", "query"), [(True, "?includeDeparted=true"), (False, ""), (None, "")])
async def test_former_members_are_asked_for_or_not_mentioned(both: Both, flag: Any, query: str) -> None:
    client = both.client(answer(200, {"data": []}))
    await every(client.v1.audit_logs.list(include_departed=flag))
    assert client.script.requests[0].url == f"https://sim.test/api/v1/audit-logs{query}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"limit": 101}, "limit must be from 1 to 100"),
        ({"include_departed": "yes"}, "include_departed must be True or False"),
        ({"end_date": 5}, "end_date must be text"),
    ],
)
async def test_what_the_server_refuses_is_not_sent(both: Both, given: Any, said: str) -> None:
    client = both.client()
    with pytest.raises(sim.InvalidInputError, match=said):
        await every(client.v1.audit_logs.list(**given))
    assert client.script.requests == []


async def test_one_entry_is_what_the_answer_calls_data(both: Both) -> None:
    client = both.client(answer(200, {"data": {"id": "a", "metadata": {"n": 1}, "mood": "good"}, "limits": {}}))
    entry = await both(client.v1.audit_logs.get("a b"))
    assert (entry.id, entry.metadata, entry.actor_email, entry.extra) == ("a", {"n": 1}, None, {"mood": "good"})
    assert client.script.requests[0].url == "https://sim.test/api/v1/audit-logs/a%20b"


async def test_an_entry_without_an_id_is_one_until_the_id_is_read(both: Both) -> None:
    entry = await both(both.client(answer(200, {"data": {"action": "x"}})).v1.audit_logs.get("a"))
    assert entry.action == "x"
    with pytest.raises(sim.MissingFieldError, match=r"AuditLog\.id"):
        entry.id  # noqa: B018
