"""Workflows below /api/v1: one, deployed, rolled back, exported, imported."""

from __future__ import annotations

from typing import Any

import pytest

from simstudio.sandbox import Sandbox

from .calls import Caller, Serve

V1 = "/api/v1/workflows"


pytestmark = pytest.mark.generation("v0.6")


@pytest.fixture
def call(serve: Serve) -> Caller:
    return serve(Sandbox(generation="v0.6", workspaces=["staging"], outsider_key="sk-sim-outsider"))


def data(call: Caller, method: str, path: str, body: Any = None) -> Any:
    answer = call.http.request(method, f"{V1}{path}", json=body)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"data", "limits"}
    assert "x-ratelimit-remaining" in answer.headers
    return answer.json()["data"]


def test_one_workflow_tells_its_input_fields(call: Caller) -> None:
    found = data(call, "GET", "/hello")
    assert (found["inputs"], found["variables"]) == ([{"name": "name", "type": "string"}], {})


def test_deploying_makes_a_version(call: Caller) -> None:
    deployed = data(call, "POST", "/hello/deploy")
    assert (deployed["isDeployed"], deployed["version"]) == (True, 2)


def test_undeploying_ends_executions(call: Caller) -> None:
    undeployed = data(call, "DELETE", "/hello/deploy")
    assert (undeployed["isDeployed"], undeployed["deployedAt"]) == (False, None)
    assert call.execute("hello").status_code == 403


def test_rolling_back_takes_the_version_before_or_the_one_named(call: Caller) -> None:
    for _ in range(3):
        data(call, "POST", "/hello/deploy")
    assert data(call, "POST", "/hello/rollback")["version"] == 3
    assert data(call, "POST", "/hello/rollback", {"version": 1})["version"] == 1


def test_what_is_exported_can_be_imported_elsewhere(call: Caller) -> None:
    file = data(call, "GET", "/hello/export")
    made = data(call, "POST", "/import", {"workspaceId": "staging", "workflow": file})
    data(call, "POST", f"/{made['id']}/deploy")
    assert call.execute(made["id"], {"name": "Ada"}).json()["output"] == {"message": "Hello, Ada!"}
    listed = call.http.get(V1, params={"workspaceId": "staging"}).json()["data"]
    assert [each["id"] for each in listed] == [made["id"]]


def test_the_answer_of_an_export_can_be_imported_as_it_came(call: Caller) -> None:
    answer = call.http.get(f"{V1}/hello/export").json()
    assert data(call, "POST", "/import", {"workspaceId": "staging", "workflow": answer})["name"] == "hello"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/nobody/deploy", None, 404, "Workflow not found"),
        ("POST", "/hello/rollback", None, 400, "No previous deployment version to roll back to"),
        ("POST", "/hello/rollback", {"version": 7}, 404, "Deployment version not found"),
        ("POST", "/hello/rollback", {"version": "1"}, 400, "Invalid request data"),
        ("POST", "/import", {"workflow": {}}, 400, "Invalid request data"),
        ("POST", "/import", {"workspaceId": "staging", "workflow": {}}, 400, "The workflow to import has no blocks"),
        ("POST", "/import", {"workspaceId": "theirs", "workflow": {}}, 403, "Access denied"),
    ],
)
def test_what_cannot_be_done_is_refused(
    method: str, path: str, body: Any, status: int, error: str, call: Caller
) -> None:
    answer = call.http.request(method, f"{V1}{path}", json=body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_strangers_are_refused(call: Caller) -> None:
    call.http.headers["X-API-Key"] = "sk-sim-outsider"
    answer = call.http.get(f"{V1}/hello/export")
    assert (answer.status_code, answer.json()) == (403, {"error": "Access denied"})
