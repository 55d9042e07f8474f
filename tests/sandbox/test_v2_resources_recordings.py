"""The sandbox answers the recorded requests for skills, custom tools and MCP servers as the server of August 2026 did.

The requests are sent in the order in which they were recorded. What happened between two of them is done by `BEFORE`.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from simstudio.sandbox import Sandbox
from simstudio.sandbox.data.mcp_servers import id_of
from tests.recorded import SELECTION, Recording, recordings

from .calls import Caller
from .contract import fields, operations, problems
from .differences import reason_for_v08

ADMIN, MEMBER = "sandbox@example.com", "asa@example.com"
SKILL, TOOL, SERVER = "tXVNdiENtx5LOWCPMjuHj", "48vmjrB2qEFUjrg4rHNXe", "d40c2782-6de9-42fd-84dd-863a89ecf572"
MCP = "http://localhost:3965"
WORKFLOWS = {
    "3204b807-091e-4ab3-bb8b-ed2e68d31fcc": "v2b_double",
    "9c8e8271-69ed-46dc-b773-3305ac9ad557": "v2b_echo",
    "476d98e9-621a-4d28-9d75-51e42625eeac": "undeployed",
    "v2b double": "v2b_double",
    "v2b echo": "v2b_echo",
}
PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
    "required": ["a", "b"],
}


def covered() -> list[Recording]:
    found = [
        each for each in recordings(SELECTION) if re.match("/api/v2/(skills|custom-tools|(workflow-)?mcp)", each.path)
    ]
    return [each for each in found if str(each).startswith("resources")]


class Stage:
    """A sandbox, and the ids that recorded skills and tools have in it."""

    def __init__(self, **options: Any) -> None:
        numbers = itertools.count(1000)
        sandbox = Sandbox(generation="v0.8", clock=lambda: next(numbers), members=[MEMBER.upper()], **options)
        for name in set(WORKFLOWS.values()):
            sandbox.workflow(name, deployed=name != "undeployed")(lambda given: given)
        echo = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
        tools = [
            {"name": "echo", "description": "Says it back.", "inputSchema": echo},
            {"name": "ohne_beschreibung", "inputSchema": {"type": "object"}},
        ]
        sandbox.mcp_server(f"{MCP}/mcp", tools)
        self.call = Caller(sandbox.serve().start())
        self.workspace = sandbox.workspace_id
        self.names = {"zoe@example.com": ADMIN, **WORKFLOWS}

    def send(self, operation_id: str, **given: Any) -> httpx.Response:
        operation = operations()[operation_id]
        path = re.sub(r"{(\w+)}", lambda found: str(given.pop(found[1])), operation["path"])
        if "workspaceId" in {**fields(operation, "query"), **fields(operation, "body")}:
            given = {"workspaceId": self.workspace, **given}
        query = {name: given.pop(name) for name in fields(operation, "query") if name in given}
        return self.call.http.request(operation["method"], path, params=query, json=given or None)

    def tool(self, title: str, function: str) -> str:
        schema = {
            "type": "function",
            "function": {"name": function, "description": "Addiert", "parameters": PARAMETERS},
        }
        answer = self.send("createCustomTool", title=title, schema=schema, code="return {sum: a + b + 0}")
        return str(answer.json()["data"]["id"])

    def server(self) -> str:
        return str(self.send("createWorkflowMcpServer", name="Mein Server").json()["data"]["id"])

    def rename(self, name: str, **given: Any) -> None:
        answer = self.send("updateWorkflowMcpServer", serverId=self.names[SERVER], name=name, **given)
        assert answer.json()["data"]["name"] == name

    def mcp(self, recorded_id: str, name: str, path: str, **given: Any) -> None:
        made = self.send("createMcpServer", name=name, url=f"{MCP}{path}", **given).json()["data"]
        self.names[recorded_id] = made["id"]

    def ours(self, text: str) -> str:
        for theirs, ours in self.names.items():
            text = text.replace(theirs, ours)
        return text

    def play(self, recording: Recording) -> httpx.Response:
        for number, before in BEFORE.items():
            if str(recording).startswith(f"resources-{number}"):
                before(self)
        query = {name: self.ours(values[0]) for name, values in recording.query.items()}
        query |= {"workspaceId": self.workspace} if "workspaceId" in query else {}
        body = recording.request_body
        if body is not None:
            body = self.ours(re.sub(r'("workspaceId":")[^"]*', rf"\g<1>{self.workspace}", body.decode())).encode()
        headers = {"content-type": "application/json"} if body else {}
        answer = self.call.http.request(
            recording.method, self.ours(recording.path), params=query, content=body, headers=headers
        )
        theirs = json.loads(recording.body).get("data")
        if answer.status_code == 201 and isinstance(theirs, dict) and "id" in theirs:
            self.names[theirs["id"]] = answer.json()["data"]["id"]
        return answer


def _skills(stage: Stage) -> None:
    for number in range(3):
        stage.send("createSkill", name=f"skill-{number}", description=f"Skill {number}", content="x")


def _grant(stage: Stage) -> None:
    assert stage.send("grantSkillEditor", skillId=stage.names[SKILL], email=MEMBER).status_code == 201


def _first_tools(stage: Stage) -> None:
    stage.names[TOOL] = stage.tool("Addierer ➕", "add")
    for number in range(3):
        stage.tool(f"Tool {number}", f"tool_{number}")
    stage.tool("Anders", "add")


def _mcp(stage: Stage) -> None:
    stage.mcp("mcp-5b7630f2", "Aus", "/off", enabled=False)
    stage.mcp("mcp-2d19bd98", "Kaputt", "/broken")
    stage.mcp("mcp-ca34e3e9", "Auth", "/auth")
    stage.mcp("mcp-11bc7e85", "NullOauth", "/nulls", oauthClientId=None, oauthClientSecret=None)
    stage.mcp("mcp-9dec5019", "WK", "/wk")


def _rename_mcp(stage: Stage) -> None:
    stage.send("updateMcpServer", mcpServerId=stage.names["mcp-ca3b2b29"], name="Voll neu")


def _server(stage: Stage) -> None:
    stage.names[SERVER] = stage.server()


def _deploy(stage: Stage) -> None:
    stage.rename("Öffentlich 公", isPublic=True)
    made = stage.send("deployWorkflowMcpTool", serverId=stage.names[SERVER], workflowId="v2b_double", toolName="x")
    assert made.json()["data"]["updated"] is False


def _tools(stage: Stage) -> None:
    server = stage.names[SERVER]
    for workflow, given in (("v2b_double", {}), ("v2b_echo", {"toolName": "hat Leerzeichen!"}), ("v2b_echo", {})):
        stage.send("deployWorkflowMcpTool", serverId=server, workflowId=workflow, **given)
    made = stage.send("deployWorkflowMcpTool", serverId=server, workflowId="v2b_echo", toolName="verdoppeln")
    assert made.json()["data"]["updated"] is True


BEFORE: dict[str, Callable[[Stage], object]] = {
    "0737": _skills,
    "0763": _grant,
    "0784": _first_tools,
    "0790": lambda stage: stage.tool("Leer", "leer"),
    "0793": lambda stage: stage.tool("WK", "wk"),
    "0815": lambda stage: stage.mcp("mcp-5b762817", "Fake MCP", "/mcp"),
    "0831": _mcp,
    "0850": _rename_mcp,
    "1051": _server,
    "1064": Stage.server,
    "1076": lambda stage: stage.rename("Umbenannt"),
    "1085": _deploy,
    "1095": _tools,
}
NOT_COMPARED = {
    "id",
    "createdAt",
    "updatedAt",
    "lastConnected",
    "lastToolsRefresh",
    "code",
    "mcpServerUrl",
    "apiEndpoint",
}

NEWER = {"status"}
"""Fields that newer servers have, and the sandbox with them."""


def facts(value: Any) -> Any:
    """An answer without ids and times, names of people, and texts of skills that Sim provides."""
    if isinstance(value, list):
        return [facts(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "nextCursor" in value:
        value = {**value, "nextCursor": value["nextCursor"] is None}
    hidden = NOT_COMPARED | ({"description"} if value.get("readOnly") else {"name"} if "email" in value else set())
    if value.get("code") in ("BAD_REQUEST", "NOT_FOUND", "CONFLICT"):
        details = [{name: each[name] for name in ("path", "message")} for each in value.get("details", ())]
        return {**value, "details": details}
    return {name: "…" if name in hidden else facts(each) for name, each in value.items() if name not in NEWER}


def test_recorded_requests_are_answered_as_recorded() -> None:
    stage = Stage()
    differing = []
    for recording in covered():
        answer = stage.play(recording)
        theirs = json.loads(stage.ours(recording.body.decode()))
        same = (recording.status, facts(theirs)) == (answer.status_code, facts(answer.json()))
        if same is (reason_for_v08(str(recording)) is not None):
            differing.append((str(recording), answer.status_code, answer.text))
    stage.call.http.close()
    stage.call.server.close()
    assert differing == []


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage(outsider_key="sk-sim-outsider")
    yield made
    made.call.http.close()
    made.call.server.close()


def test_operations_answer_in_the_promised_form(stage: Stage) -> None:
    skill = stage.send("createSkill", name="a", description="d", content="c").json()["data"]["id"]
    tool, email, server = stage.tool("T", "t"), {"email": MEMBER}, {"serverId": stage.server()}
    given: list[tuple[str, dict[str, Any]]] = [
        ("listSkills", {}),
        ("getSkill", {"skillId": "builtin-research"}),
        ("updateSkill", {"skillId": skill, "content": "New"}),
        ("grantSkillEditor", {"skillId": skill, **email}),
        ("listSkillEditors", {"skillId": skill, "sortBy": "name"}),
        ("revokeSkillEditor", {"skillId": skill, **email}),
        ("createSkill", {"name": "b", "description": "d", "content": "c"}),
        ("deleteSkill", {"skillId": skill}),
        ("listCustomTools", {"search": "t", "sortBy": "title"}),
        ("getCustomTool", {"customToolId": tool}),
        ("updateCustomTool", {"customToolId": tool, "code": ""}),
        ("deleteCustomTool", {"customToolId": tool}),
        ("createWorkflowMcpServer", {"name": "S", "workflowIds": ["v2b_echo"]}),
        ("listWorkflowMcpServers", {"sortBy": "name"}),
        ("getWorkflowMcpServer", server),
        ("updateWorkflowMcpServer", {**server, "isPublic": True}),
        ("deployWorkflowMcpTool", {**server, "workflowId": "hello"}),
        ("listWorkflowMcpTools", server),
        ("undeployWorkflowMcpTool", {**server, "workflowId": "hello"}),
        ("deleteWorkflowMcpServer", server),
        ("createMcpServer", {"name": "M", "url": f"{MCP}/mcp", "oauthClientId": "id", "oauthClientSecret": "s"}),
        ("listMcpServers", {"sortBy": "name", "search": "m"}),
        ("updateMcpServer", {"mcpServerId": id_of(f"{MCP}/mcp"), "url": f"{MCP}/mcp"}),
        ("listMcpServerTools", {"mcpServerId": id_of(f"{MCP}/mcp")}),
        ("getMcpServer", {"mcpServerId": id_of(f"{MCP}/mcp")}),
        ("deleteMcpServer", {"mcpServerId": id_of(f"{MCP}/mcp")}),
    ]
    for operation_id, values in given:
        answer = stage.send(operation_id, **values)
        assert problems(operations()[operation_id], answer.status_code, answer.json()) == [], operation_id


@pytest.mark.parametrize(
    ("operation_id", "given", "status", "message"),
    [
        ("createSkill", {"name": "Bad Name", "description": "d", "content": "c"}, 400, "Name must be kebab-case"),
        ("createSkill", {"name": "x", "description": "d", "content": "c" * 50_001}, 400, "Content is too large"),
        ("createSkill", {"name": "research", "description": "d", "content": "c"}, 409, "is unavailable"),
        ("deleteSkill", {"skillId": "builtin-research"}, 400, "read-only"),
        ("grantSkillEditor", {"skillId": "nope", "email": MEMBER}, 404, "Skill not found"),
        ("createCustomTool", {"title": "X", "schema": {"type": "object"}, "code": "x"}, 400, 'expected "function"'),
        ("createCustomTool", {"title": "X", "schema": {}}, 400, "Invalid input"),
        ("getWorkflowMcpServer", {"serverId": "nope"}, 404, "MCP server not found"),
        ("createMcpServer", {"name": "M", "url": "nonsense"}, 400, "url must be an absolute http or https URL"),
        ("createMcpServer", {"name": "M", "url": MCP, "timeout": 999}, 400, "timeout must be at least 1000ms"),
        ("createMcpServer", {"name": "M", "url": "http://[x"}, 400, "url must be an absolute http or https URL"),
        ("createWorkflowMcpServer", {"name": "S", "workflowIds": ["nope"]}, 404, "Workflow not found"),
    ],
)
def test_a_request_is_refused(
    operation_id: str, given: dict[str, Any], status: int, message: str, stage: Stage
) -> None:
    answer = stage.send(operation_id, **given)
    assert (answer.status_code, message in answer.json()["error"]["message"]) == (status, True), answer.text


@pytest.mark.parametrize(("email", "message"), [("no", "A valid editor email"), ("x@example.com", "not a member")])
def test_only_a_member_becomes_an_editor(email: str, message: str, stage: Stage) -> None:
    skill = stage.send("createSkill", name="a", description="d", content="c").json()["data"]["id"]
    answer = stage.send("grantSkillEditor", skillId=skill, email=email)
    assert (answer.status_code, message in answer.json()["error"]["message"]) == (400, True)


def test_others_see_nothing_and_members_are_listed(stage: Stage) -> None:
    listed = stage.call.http.get(f"/api/v2/workspaces/{stage.workspace}/members")
    assert problems(operations()["listWorkspaceMembers"], listed.status_code, listed.json()) == []
    assert [each["email"] for each in listed.json()["data"]] == [MEMBER, ADMIN]
    stage.call.http.headers["x-api-key"] = "sk-sim-outsider"
    assert stage.send("listWorkflowMcpServers").json()["error"]["message"] == "MCP server not found"
    for operation_id in ("listSkills", "listCustomTools", "listMcpServers", "listWorkspaceMembers"):
        answer = stage.send(operation_id, workspaceId=stage.workspace)
        assert (answer.status_code, answer.json()["error"]["message"]) == (403, "Insufficient workspace permissions")


def test_a_client_walks_over_all_skills(stage: Stage) -> None:
    with stage.call.server.client() as client:
        made = client.v2.skills.create(stage.workspace, name="own", description="d", content="c")
        names = [each.name for each in client.v2.skills.list(stage.workspace, limit=2)]
    assert (names[0], len(names), made.read_only) == ("own", 5, False)


def test_a_workflow_that_is_undeployed_is_no_tool_any_more(stage: Stage) -> None:
    server = stage.server()
    stage.send("deployWorkflowMcpTool", serverId=server, workflowId="v2b_echo")
    gone = stage.send("undeployWorkflow", workflowId="v2b_echo").json()["data"]["archivedMcpTools"]
    assert gone == [{"serverId": server, "toolName": "v2b_echo"}]
    assert stage.send("listWorkflowMcpTools", serverId=server).json()["data"] == []


def test_an_address_is_registered_once_in_a_workspace(stage: Stage) -> None:
    stage.mcp("recorded", "M", "/mcp")
    answer = stage.send("createMcpServer", name="M", url=f"{MCP}/mcp")
    assert (answer.status_code, "already exists" in answer.json()["error"]["message"]) == (409, True)
