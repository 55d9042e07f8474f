"""Families that the sandbox does not have say so; workspaces and secrets, which it has, in a few lines."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from simstudio import ServerError
from simstudio.sandbox import Sandbox
from simstudio.sandbox.v2.absent import ABSENT
from tests import recorded

from .calls import Caller, Serve
from .contract import operations, problems, served

UNKNOWN = {name for name, each in operations().items() if name not in served()}
NOT_HERE = {"exportKnowledgeBase"}


@pytest.fixture
def call(serve: Serve) -> Caller:
    return serve(Sandbox(generation="v0.8"))


def test_every_operation_is_served_or_of_an_absent_family() -> None:
    families = {name: operations()[name]["path"].split("/")[3] for name in UNKNOWN - NOT_HERE}
    assert {name for name, family in families.items() if family not in set(ABSENT)} == set()
    assert set(ABSENT) <= set(families.values())


def test_an_absent_family_answers_501_once(call: Caller) -> None:
    for name in sorted(UNKNOWN - NOT_HERE):
        operation = operations()[name]
        family = operation["path"].split("/")[3]
        answer = call.http.request(operation["method"], re.sub(r"{\w+}", "x", operation["path"]))
        if family in ABSENT:
            assert answer.status_code == 501, name
            assert answer.json()["error"]["code"] == "NOT_IMPLEMENTED"
            assert f"does not have {ABSENT[family]}" in answer.json()["error"]["message"]
    with call.server.client() as client, pytest.raises(ServerError, match="does not have organizations") as caught:
        client.v2.organizations.list().page()
    assert len(caught.value.history) == 0


def test_an_absent_family_is_404_while_v2_is_off(serve: Serve) -> None:
    assert serve(Sandbox(generation="v0.8", v2=False)).http.get("/api/v2/organizations").status_code == 404


def test_workspaces_are_listed_in_pages(serve: Serve) -> None:
    call = serve(Sandbox(generation="v0.8", workspaces=["a", "b"]))
    with call.server.client() as client:
        listed = [each.id for each in client.v2.workspaces.list(limit=2)]
    assert listed == sorted(call.sandbox.workspaces, reverse=True)
    answer = call.http.get("/api/v2/workspaces")
    assert problems(operations()["listWorkspaces"], answer.status_code, answer.json()) == []
    missing = call.http.get("/api/v2/workspaces/nope")
    theirs = recorded.recording(recorded.SELECTION, "resources-0685")
    assert (missing.status_code, missing.content) == (theirs.status, theirs.body)


def test_a_secret_is_set_and_never_read(call: Caller) -> None:
    given: dict[str, Any] = {"workspaceId": call.sandbox.workspace_id, "scope": "workspace"}

    def put(**more: Any) -> Any:
        return call.http.put("/api/v2/secrets/API_TOKEN", json={**given, "value": "hidden", **more})

    first, again = put(description="For tests"), put()
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["data"]["description"] == "For tests"
    assert put(description=None).json()["data"]["description"] is None
    assert put(unredacted=True).json()["data"]["value"] == "hidden"
    assert "value" not in put().json()["data"]
    assert put(scope="personal").status_code == 201
    listed = call.http.get("/api/v2/secrets", params={"workspaceId": call.sandbox.workspace_id})
    assert problems(operations()["listSecrets"], listed.status_code, listed.json()) == []
    assert ([each["scope"] for each in listed.json()["data"]], "hidden" in listed.text) == (
        ["personal", "workspace"],
        False,
    )
    statuses = [call.http.delete("/api/v2/secrets/API_TOKEN", params=given).status_code for _ in range(2)]
    assert statuses == [200, 404]


@pytest.mark.parametrize("number", ["0706", "0716"])
def test_a_request_about_secrets_is_refused_as_recorded(number: str, call: Caller) -> None:
    given = recorded.recording(recorded.SELECTION, f"resources-{number}")
    body = {"workspaceId": "ws", "scope": "workspace", "value": "v" * 65_537} if given.method == "PUT" else None
    answer = call.http.request(given.method, given.path, params=given.query, json=body)
    assert (answer.status_code, answer.json()) == (given.status, json.loads(given.body))
