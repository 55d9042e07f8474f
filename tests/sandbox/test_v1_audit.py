"""The audit log of the v1 API. The recordings are compared in `test_parity_v1_data`."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from simstudio.sandbox import Sandbox

from .calls import Caller, Serve
from .v1_calls import V1, data, error

pytestmark = pytest.mark.generation("v0.6")

COLUMNS = {"columns": [{"name": "a", "type": "string"}]}


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def v1(serve: Serve) -> V1:
    """An enterprise where a table was made and changed, and a file uploaded and deleted."""
    v1 = V1(serve(Sandbox(generation="v0.6", enterprise=True, clock=Clock())))
    table = data(v1.post("/tables", name="stock", schema=COLUMNS))["table"]
    v1.post(f"/tables/{table['id']}/columns", column={"name": "b", "type": "string"})
    file = data(v1.upload("/files", "a.txt", b"x"))["file"]
    v1.delete(f"/files/{file['id']}")
    return v1


def entries(v1: V1, **params: Any) -> list[str]:
    answer = log(v1, **params)
    assert answer.status_code == 200, answer.text
    return [entry["action"] for entry in answer.json()["data"]]


def log(v1: V1, **params: Any) -> httpx.Response:
    return v1.caller.http.get("/api/v1/audit-logs", params=params)


def test_what_was_done_is_there_newest_first(v1: V1) -> None:
    assert entries(v1) == ["file.deleted", "file.uploaded", "table.updated", "table.created"]


def test_an_entry_is_read_on_its_own(v1: V1) -> None:
    entry = log(v1, limit=1).json()["data"][0]
    answer = v1.caller.http.get(f"/api/v1/audit-logs/{entry['id']}")
    assert answer.json()["data"] == entry
    assert answer.json()["limits"]["usage"]["plan"] == "enterprise"
    assert "x-ratelimit-limit" in answer.headers


def test_a_cursor_leads_through_all_of_it(v1: V1) -> None:
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 3}
    while True:
        body = log(v1, **params).json()
        seen += [entry["action"] for entry in body["data"]]
        if "nextCursor" not in body:
            break
        params["cursor"] = body["nextCursor"]
    assert seen == entries(v1)


def test_a_cursor_that_cannot_be_read_means_the_first_page(v1: V1) -> None:
    assert entries(v1, cursor="zzz") == entries(v1)


@pytest.mark.parametrize(
    ("params", "actions"),
    [
        ({"action": "table.created"}, ["table.created"]),
        ({"resourceType": "file"}, ["file.deleted", "file.uploaded"]),
        ({"resourceType": "file,table", "limit": 3}, ["file.deleted", "file.uploaded", "table.updated"]),
        ({"resourceId": "nope"}, []),
        ({"workspaceId": "another"}, []),
        ({"startDate": "2100-01-01"}, []),
        ({"endDate": "2000-01-01T00:00:00Z"}, []),
        ({"includeDeparted": "true", "action": "file.deleted"}, ["file.deleted"]),
    ],
)
def test_filters_leave_the_rest_out(v1: V1, params: dict, actions: list[str]) -> None:
    assert entries(v1, **params) == actions


def test_a_moment_divides_the_log(v1: V1) -> None:
    moment = log(v1, action="file.uploaded").json()["data"][0]["createdAt"]
    assert entries(v1, startDate=moment, endDate=moment) == ["file.uploaded"]


def test_an_actor_must_be_one_of_the_organization(v1: V1) -> None:
    assert error(log(v1, actorId="somebody")) == (400, "actorId is not a member of your organization")
    actor = log(v1).json()["data"][0]["actorId"]
    assert len(entries(v1, actorId=actor)) == 4


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_its_limit_is_checked(v1: V1, limit: str) -> None:
    assert error(log(v1, limit=limit)) == (400, "Invalid parameters")


def test_it_is_for_an_enterprise_only(call: Caller) -> None:
    for path in ("/api/v1/audit-logs", "/api/v1/audit-logs/x"):
        answer = call.http.get(path)
        assert error(answer) == (403, "Not a member of any organization")
        assert "x-ratelimit-limit" not in answer.headers
