"""MCP servers that publish workflows. They are kept, but no MCP client can connect to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.workflow_mcp_servers import WorkflowMcpServers
from simstudio.resources.v2.workflow_mcp_tools import WorkflowMcpTools
from simstudio.sandbox.checks import Nullable, Text
from simstudio.sandbox.data.workflow_mcp import PublishedTool, WorkflowMcpServer
from simstudio.sandbox.families import V2, invalid_value
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import Position, page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.definitions.definition import Definition

_NAME = Text(least=(1, None), most=(255, None), missing="name is required")
_DESCRIPTION = Text(most=(2000, None))
_TOOL = {"toolName": Text(least=(1, None), most=(128, None)), "toolDescription": _DESCRIPTION}


@V2().serves(WorkflowMcpServers.list, {"sortBy": "createdAt", "sortOrder": "desc", "limit": 50})
def list_servers(call: Call) -> Reply:
    """A page of the MCP servers of a workspace, with the names of their tools."""
    query = call.query
    if call.key == "outsider" or query["workspaceId"] not in call.core.definitions.workspaces:
        raise Refusal(404, "MCP server not found")
    found = [each for each in call.core.data.workflow_mcp_servers.values() if each.workspace_id == query["workspaceId"]]

    def key(server: WorkflowMcpServer) -> Position:
        values: dict[str, str | float] = {
            "name": server.name,
            "createdAt": server.created,
            "updatedAt": server.updated,
        }
        return values[query["sortBy"]], server.id

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc")
    return listing(({**_present(call, each), **_count_tools(each)} for each in shown), after)


@V2().serves(WorkflowMcpServers.create, {"isPublic": False}, own={"name": _NAME, "description": _DESCRIPTION})
def create(call: Call) -> Reply:
    """Create an MCP server, with workflows as its tools."""
    body, now = call.body, call.core.clock()
    workspace_id = call.workspace(body["workspaceId"])
    workflows = [_find_workflow(call, each) for each in body.get("workflowIds", ())]
    for each in workflows:
        if not each.deployed:
            raise Refusal(400, f"Workflow must be deployed before adding as an MCP tool: {each.id}")
    server = WorkflowMcpServer(
        str(new_uuid()), workspace_id, body["name"], body.get("description"), body["isPublic"], now, now
    )
    for each in workflows:
        server.tools[each.id] = _make_tool(each, {}, now)
    call.core.data.workflow_mcp_servers[server.id] = server
    return data(_present(call, server), 201)


@V2().serves(WorkflowMcpServers.get)
def get(call: Call) -> Reply:
    """One MCP server, without its tools."""
    return data(_present(call, _find(call)))


@V2().serves(WorkflowMcpServers.update, own={"name": _NAME, "description": Nullable(_DESCRIPTION)})
def update(call: Call) -> Reply:
    """Change an MCP server."""
    server, body = _find(call), call.body
    if not body:
        raise invalid_value("name", "At least one of name, description, or isPublic must be provided")
    server.name = body.get("name", server.name)
    server.description = body.get("description", server.description)
    server.is_public = body.get("isPublic", server.is_public)
    server.updated = call.core.clock()
    return data(_present(call, server))


@V2().serves(WorkflowMcpServers.delete)
def delete(call: Call) -> Reply:
    """Delete an MCP server with its tools."""
    server = _find(call)
    del call.core.data.workflow_mcp_servers[server.id]
    return data({"id": server.id, "deleted": True})


@V2().serves(WorkflowMcpTools.list)
def list_tools(call: Call) -> Reply:
    """All tools of an MCP server, by name."""
    server = _find(call)
    tools = sorted(server.tools.values(), key=lambda tool: (tool.name, tool.id))
    return listing({**_present_tool(call, server, tool), "status": "active"} for tool in tools)


@V2().serves(WorkflowMcpTools.deploy, own=_TOOL)
def deploy(call: Call) -> Reply:
    """Publish a deployed workflow as a tool, or replace the tool that it is."""
    server, body, now = _find(call), call.body, call.core.clock()
    workflow = _find_workflow(call, body["workflowId"])
    if not workflow.deployed:
        raise Refusal(400, "Workflow must be deployed before adding as an MCP tool. Use deploy_as_api first.")
    tool, before = _make_tool(workflow, body, now), server.tools.get(workflow.id)
    if before is not None:
        tool.id, tool.created = before.id, before.created
    server.tools[workflow.id] = tool
    return data({**_present_tool(call, server, tool), "updated": before is not None})


@V2().serves(WorkflowMcpTools.undeploy)
def undeploy(call: Call) -> Reply:
    """Remove a workflow from an MCP server; it stays deployed."""
    server = _find(call)
    tool = server.tools.pop(call.path["workflowId"], None)
    if tool is None:
        raise Refusal(404, "Workflow is not deployed to this MCP server")
    return data({"id": tool.id, "serverId": server.id, "workflowId": tool.workflow_id, "deleted": True})


def archive_tools(call: Call, workflow_id: str) -> list[dict[str, str]]:
    """Remove a workflow that was undeployed from all MCP servers; return what it was there."""
    gone = [(each, each.tools.pop(workflow_id, None)) for each in call.core.data.workflow_mcp_servers.values()]
    return [{"serverId": server.id, "toolName": tool.name} for server, tool in gone if tool is not None]


def _find(call: Call) -> WorkflowMcpServer:
    server = call.core.data.workflow_mcp_servers.get(call.path["serverId"])
    if server is None or (call.key == "outsider" and not (server.is_public and call.operation.verb == "GET")):
        raise Refusal(404, "MCP server not found")
    return server


def _find_workflow(call: Call, workflow_id: str) -> Definition:
    found = call.core.definitions.find(workflow_id)
    if found is None:
        raise Refusal(404, "Workflow not found")
    return found


def _make_tool(workflow: Definition, given: Mapping[str, Any], now: float) -> PublishedTool:
    name = re.sub("[^a-z0-9]+", "_", given.get("toolName", workflow.name).lower()).strip("_")
    description = given.get("toolDescription", f"Execute {workflow.name} workflow")
    return PublishedTool(str(new_uuid()), workflow.id, name, description, now, now)


def _count_tools(server: WorkflowMcpServer) -> dict[str, Any]:
    return {"toolCount": len(server.tools), "toolNames": [tool.name for tool in server.tools.values()]}


def _url_of(call: Call, server: WorkflowMcpServer) -> str:
    return f"{call.core.base_url(call.request)}/api/mcp/serve/{server.id}"


def _present(call: Call, server: WorkflowMcpServer) -> dict[str, Any]:
    return {
        "id": server.id,
        "name": server.name,
        "description": server.description,
        "isPublic": server.is_public,
        "mcpServerUrl": _url_of(call, server),
        "createdAt": iso(server.created),
        "updatedAt": iso(server.updated),
    }


def _present_tool(call: Call, server: WorkflowMcpServer, tool: PublishedTool) -> dict[str, Any]:
    return {
        "id": tool.id,
        "serverId": server.id,
        "workflowId": tool.workflow_id,
        "toolName": tool.name,
        "toolDescription": tool.description,
        "mcpServerUrl": _url_of(call, server),
        "apiEndpoint": f"{call.core.base_url(call.request)}/api/v2/workflows/{tool.workflow_id}/execute",
        "createdAt": iso(tool.created),
        "updatedAt": iso(tool.updated),
    }
