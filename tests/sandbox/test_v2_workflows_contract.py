"""Every v2 operation on workflows, blocks, tools, billing, audit logs and meta answers in the promised form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simstudio.sandbox import Sandbox

from .calls import Caller, Serve
from .contract import defaults, fields, operations, problems, served

OURS = served()
RESOURCES = ("/workflows", "/chat-deployments", "/blocks", "/tools", "/billing", "/audit-logs", "/meta")
NOT_SO = {
    "addTableWorkflowGroup": ("outputColumns",),
    "updateMcpServer": ("transport", "timeout", "retries", "enabled"),
}
"""Parameters with a promised default, which the recorded server requires or leaves as they are."""
ELSEWHERE = {"executeWorkflowV2", "executeWorkflow"}


class Stage:
    """A sandbox in which everything an operation may want to see is there."""

    def __init__(self, call: Caller) -> None:
        self.call = call
        self.workspace = call.sandbox.workspace_id
        self.send("POST", "/api/v2/workflows/folders", json={"workspaceId": self.workspace, "path": "/reports"})
        self.made = self.send(
            "POST",
            "/api/v2/workflows",
            json={"workspaceId": self.workspace, "name": "Report", "folderPath": "/reports"},
        )["id"]
        self.send("PUT", "/api/v2/workflows/hello/deployments/chat", json={"identifier": "hi", "title": "Hi"})
        self.call.execute("hello")
        self.entry = self.get("/api/v2/audit-logs")["data"][0]["id"]

    def send(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self.call.http.request(method, path, **options)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    def get(self, path: str) -> dict[str, Any]:
        return self.call.http.get(path).json()


Asked = tuple[str, dict[str, Any]]
"""A path, and the query or body."""

REQUESTS: dict[str, Callable[[Stage], Asked]] = {
    "getApiMeta": lambda stage: ("/api/v2/meta", {}),
    "getBillingStatus": lambda stage: ("/api/v2/billing/status", {"workspaceId": stage.workspace}),
    "listBillingLogs": lambda stage: ("/api/v2/billing/logs", {"period": "1d"}),
    "listAuditLogs": lambda stage: ("/api/v2/audit-logs", {"action": "workflow.created"}),
    "getAuditLog": lambda stage: (f"/api/v2/audit-logs/{stage.entry}", {}),
    "listBlocks": lambda stage: ("/api/v2/blocks", {"workspaceId": stage.workspace}),
    "getBlock": lambda stage: ("/api/v2/blocks/function", {"workspaceId": stage.workspace}),
    "listTools": lambda stage: ("/api/v2/tools", {"workspaceId": stage.workspace}),
    "getTool": lambda stage: ("/api/v2/tools/function_execute", {"workspaceId": stage.workspace}),
    "executeTool": lambda stage: (
        "/api/v2/tools/function_execute/execute",
        {"workspaceId": stage.workspace, "input": {"function": "hello", "input": {"name": "Ada"}}},
    ),
    "listWorkflows": lambda stage: ("/api/v2/workflows", {"workspaceId": stage.workspace}),
    "createWorkflowV2": lambda stage: ("/api/v2/workflows", {"workspaceId": stage.workspace, "name": "New"}),
    "moveWorkflows": lambda stage: (
        "/api/v2/workflows/move",
        {"workspaceId": stage.workspace, "workflowIds": ["hello", "nobody"], "folderPath": "/reports"},
    ),
    "getWorkflow": lambda stage: ("/api/v2/workflows/hello", {}),
    "updateWorkflowV2": lambda stage: (f"/api/v2/workflows/{stage.made}", {"name": "Renamed", "description": None}),
    "deleteWorkflowV2": lambda stage: (f"/api/v2/workflows/{stage.made}", {}),
    "restoreWorkflow": lambda stage: (_archived(stage), {}),
    "duplicateWorkflow": lambda stage: ("/api/v2/workflows/hello/duplicate", {}),
    "getWorkflowState": lambda stage: ("/api/v2/workflows/hello/state", {}),
    "replaceWorkflowState": lambda stage: (
        "/api/v2/workflows/hello/state",
        stage.get("/api/v2/workflows/hello/state")["data"],
    ),
    "applyWorkflowOperations": lambda stage: (
        "/api/v2/workflows/hello/operations",
        {
            "operations": [
                {"operation_type": "add", "block_id": "writer", "params": {"type": "agent", "name": "Writer"}},
                {"operation_type": "delete", "block_id": "nobody"},
            ]
        },
    ),
    "applyWorkflowVariables": lambda stage: (
        "/api/v2/workflows/hello/variables",
        {"operations": [{"operation": "add", "name": "limit", "type": "number", "value": 3}]},
    ),
    "listWorkflowsFolders": lambda stage: ("/api/v2/workflows/folders", {"workspaceId": stage.workspace}),
    "createWorkflowsFolder": lambda stage: (
        "/api/v2/workflows/folders",
        {"workspaceId": stage.workspace, "path": "drafts"},
    ),
    "relocateWorkflowsFolder": lambda stage: (
        "/api/v2/workflows/folders",
        {"workspaceId": stage.workspace, "path": "/reports", "destinationPath": "/papers"},
    ),
    "deleteWorkflowsFolder": lambda stage: (
        "/api/v2/workflows/folders",
        {"workspaceId": stage.workspace, "path": "/reports", "recursive": "yes"},
    ),
    "exportWorkflow": lambda stage: ("/api/v2/workflows/hello/export", {"includeReferences": "true"}),
    "importWorkflow": lambda stage: (
        "/api/v2/workflows/import",
        {"workspaceId": stage.workspace, "workflow": _exported(stage), "requestId": "once"},
    ),
    "previewWorkflowImport": lambda stage: (
        "/api/v2/workflows/import/preview",
        {"workspaceId": stage.workspace, "workflow": _exported(stage)},
    ),
    "deployWorkflow": lambda stage: (f"/api/v2/workflows/{stage.made}/deploy", {"name": "first"}),
    "undeployWorkflow": lambda stage: ("/api/v2/workflows/hello/deploy", {}),
    "rollbackWorkflow": lambda stage: ("/api/v2/workflows/hello/rollback", {}),
    "getWorkflowDeployment": lambda stage: ("/api/v2/workflows/hello/deployment", {}),
    "updateWorkflowPublicApi": lambda stage: ("/api/v2/workflows/hello/deployment", {"isPublicApi": True}),
    "getWorkflowChatDeployment": lambda stage: ("/api/v2/workflows/hello/deployments/chat", {}),
    "replaceWorkflowChatDeployment": lambda stage: (
        "/api/v2/workflows/hello/deployments/chat",
        {"identifier": "hello", "title": "Hello", "authType": "email", "allowedEmails": ["ada@example.com"]},
    ),
    "deleteWorkflowChatDeployment": lambda stage: ("/api/v2/workflows/hello/deployments/chat", {}),
    "listChatDeployments": lambda stage: ("/api/v2/chat-deployments", {"workspaceId": stage.workspace}),
    "listWorkflowVersionsV2": lambda stage: ("/api/v2/workflows/hello/versions", {}),
    "compareWorkflowVersions": lambda stage: ("/api/v2/workflows/hello/versions/compare", {"base": 1, "target": 2}),
    "getWorkflowVersionV2": lambda stage: ("/api/v2/workflows/hello/versions/1", {}),
    "updateWorkflowVersionV2": lambda stage: ("/api/v2/workflows/hello/versions/1", {"name": "first"}),
    "activateWorkflowVersion": lambda stage: ("/api/v2/workflows/hello/versions/1/activate", {}),
    "revertWorkflowVersion": lambda stage: ("/api/v2/workflows/hello/versions/1/revert", {}),
}


def _archived(stage: Stage) -> str:
    stage.send("DELETE", f"/api/v2/workflows/{stage.made}")
    return f"/api/v2/workflows/{stage.made}/restore"


def _exported(stage: Stage) -> dict[str, Any]:
    return stage.get("/api/v2/workflows/hello/export")["data"]


@pytest.fixture
def stage(serve: Serve) -> Stage:
    return Stage(serve(Sandbox(enterprise=True)))


@pytest.mark.parametrize("operation_id", sorted(REQUESTS))
def test_an_operation_answers_in_the_promised_form(operation_id: str, stage: Stage) -> None:
    path, given = REQUESTS[operation_id](stage)
    operation = operations()[operation_id]
    assert operation["path"].count("/") == path.count("/")
    in_query = operation["method"] in ("GET", "DELETE")
    query, body = (given, None) if in_query else (None, given)
    answer = stage.call.http.request(operation["method"], path, params=query, json=body)
    assert problems(operation, answer.status_code, answer.json()) == []
    assert answer.headers["cache-control"] == "private, no-store"


def test_every_operation_of_these_resources_is_served() -> None:
    promised = {
        name
        for name, each in operations().items()
        if each["path"].removeprefix("/api/v2").startswith(RESOURCES) and "/runs" not in each["path"]
    }
    assert promised - ELSEWHERE == set(REQUESTS)
    assert set(REQUESTS) <= set(OURS)


@pytest.mark.parametrize("operation_id", sorted(OURS))
def test_an_operation_has_the_promised_defaults(operation_id: str) -> None:
    ours, promised = OURS[operation_id], operations()[operation_id]
    assert (ours.verb, ours.path) == (promised["method"], promised["path"])
    assert [defaults(ours, place) for place in ("query", "body")] == [
        {
            name: each["default"]
            for name, each in fields(promised, place).items()
            if each.get("default") not in (None, "false", {}) and name not in NOT_SO.get(operation_id, ())
        }
        for place in ("query", "body")
    ]
