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

COVERED = re.compile(r"/api/v2/(?:workflows|logs|billing|blocks|tools|audit-logs|chat-deployments)(?:/.*)?")
WORKFLOW = re.compile(r"/workflows/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WORKSPACE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SENT = {"content-type", "accept", "x-run-id"}
FACTS = ("code", "path", "message")

OLDER = "the recorded server is older: it lacks what newer documents have"
DIFFERENCES = {
    "live-101": OLDER,
    "live-406": OLDER,
    "tables-0678": OLDER,
    "live-286": "the recorded body is cut",
    "tables-0608": "the message is ours: the real one quotes JavaScript's parser",
    **dict.fromkeys(
        ("tables-0617", "tables-0624"), "the sandbox drops edges that connect nothing, and keeps blocks of any type"
    ),
    **dict.fromkeys(("tables-0730", "tables-0891"), "a cursor of another server cannot be read"),
    "tables-0810": "the run is not there",
    "resources-1000": "every workspace of the sandbox belongs to the organization of its user",
}
"""Recordings that the sandbox answers differently, by the beginning of their names."""


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
    if any(str(recording).startswith(name) for name in DIFFERENCES):
        assert ours != theirs, "listed as different, but is the same"
    else:
        assert ours == theirs


def _ours(call: Caller, name: str, values: list[str]) -> list[str]:
    return [call.sandbox.workspace_id] if name == "workspaceId" else values


def _names(recording: Recording) -> set[str]:
    return {name.lower() for name in recording.request_headers}


def _facts(status: int, body: dict[str, Any]) -> object:
    error = body.get("error", {})
    details = error.get("details", [])
    return status, error.get("code"), error.get("message"), [{name: each[name] for name in FACTS} for each in details]
