"""Requests that a real server of v2 refused are refused by the sandbox with the same words.

Each recorded request for workflows, runs, logs, billing, blocks, tools, chats or audit logs that was refused with 400,
413 or 415 is sent to a sandbox; ids in it become those of the sandbox.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from simstudio.sandbox import Sandbox
from tests.recorded import CLAIMS, SELECTION, Recording, recordings

from .calls import Caller
from .differences import V08_DIFFERENCES, reason_for_v08

COVERED = re.compile(r"/api/v2/(?:workflows|logs|billing|blocks|tools|audit-logs|chat-deployments)(?:/.*)?")
WORKFLOW = re.compile(r"/workflows/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WORKSPACE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SENT = {"content-type", "accept", "x-run-id"}
FACTS = ("code", "path", "message")


def refused() -> list[Recording]:
    return [
        each
        for name in (SELECTION, CLAIMS)
        for each in recordings(name)
        if each.status in (400, 413, 415) and COVERED.fullmatch(each.path)
    ]


@pytest.fixture(scope="module")
def call() -> Iterator[Caller]:
    sandbox = Sandbox(enterprise=True, generation="v0.8")
    sandbox.workflow("double", public=True)(lambda given: given)
    sandbox.workflow("undeployed", deployed=False)(lambda given: given)
    caller = Caller(sandbox.serve().start())
    yield caller
    caller.http.close()
    caller.server.close()


@pytest.mark.parametrize("recording", refused(), ids=str)
def test_a_request_is_refused_as_recorded(recording: Recording, call: Caller) -> None:
    workflow = "undeployed" if "undeploy-again" in str(recording) else "double"
    body = None if recording.request_body is None else recording.request_body.decode()
    answer = call.http.request(
        recording.method,
        WORKFLOW.sub(f"/workflows/{workflow}", recording.path),
        params={name: _ours(call, name, values) for name, values in recording.query.items()},
        content=None if body is None else WORKSPACE.sub(call.sandbox.workspace_id, body).encode(),
        headers={"X-API-Key": call.sandbox.api_key if "x-api-key" in _names(recording) else ""}
        | {name: value for name, value in recording.request_headers.items() if name.lower() in SENT},
    )
    ours, theirs = _facts(answer.status_code, answer.json()), _facts(recording.status, json.loads(recording.body))
    if reason_for_v08(str(recording)) is not None:
        assert ours != theirs, "listed as different, but is the same"
    else:
        assert ours == theirs


def test_every_difference_is_one_of_a_recording() -> None:
    names = [str(each) for selection in (SELECTION, CLAIMS) for each in recordings(selection)]
    assert {each for each in V08_DIFFERENCES if not any(name.startswith(each) for name in names)} == set()


def test_the_audit_log_is_that_of_the_organization_of_the_user(call: Caller) -> None:
    answer = call.http.get("/api/v2/audit-logs", params={"organizationId": "nope"})
    assert (answer.status_code, answer.json()["error"]) == (
        403,
        {
            "code": "FORBIDDEN",
            "message": "Not a member of the requested organization",
            "details": {"code": "ORGANIZATION_MEMBERSHIP_REQUIRED"},
        },
    )


def test_the_name_of_a_deployment_has_at_most_100_characters(call: Caller) -> None:
    error = call.http.post("/api/v2/workflows/double/deploy", json={"name": "x" * 101}).json()["error"]
    assert error["message"] == "Name must be 100 characters or less"


def _ours(call: Caller, name: str, values: list[str]) -> list[str]:
    ids = {"workspaceId": call.sandbox.workspace_id, "organizationId": call.sandbox.organization_id}
    return [ids[name]] if name in ids else values


def _names(recording: Recording) -> set[str]:
    return {name.lower() for name in recording.request_headers}


def _facts(status: int, body: dict[str, Any]) -> object:
    error = body.get("error", {})
    details = error.get("details", [])
    return status, error.get("code"), error.get("message"), [{name: each[name] for name in FACTS} for each in details]
