"""MCP servers of others. The sandbox connects to none: `Sandbox.mcp_server` says which tools an address has."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from simstudio.resources.v2.mcp_server_tools import McpServerTools
from simstudio.resources.v2.mcp_servers import McpServers
from simstudio.sandbox.checks import Number, Record, Ruled, Text
from simstudio.sandbox.data.mcp_servers import McpServer, id_of
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Refusal, Reply
from simstudio.sandbox.operation import Call
from simstudio.sandbox.times import iso
from simstudio.sandbox.v2.answers import data, listing
from simstudio.sandbox.v2.paging import Position, page
from simstudio.sandbox.v2.workflows import matches

_DEFAULTS = {"transport": "streamable-http", "timeout": 30_000, "retries": 3, "enabled": True}
_SHOWN = ("name", "description", "transport", "authType", "url", "timeout", "retries", "enabled", "oauthClientId")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


_CHECKS = {
    "name": Text(least=(1, None), most=(255, None), missing="name is required"),
    "description": Text(most=(2000, None)),
    "url": Ruled(
        Text(least=(1, None), most=(2048, None), missing="url is required"),
        _is_http,
        "url must be an absolute http or https URL",
    ),
    "headers": Record(values=Text()),
    "timeout": Number(
        least=(1000, "timeout must be at least 1000ms"), most=(300_000, "timeout must be at most 300000ms"), whole=True
    ),
    "retries": Number(least=(0, "retries must be at least 0"), most=(10, "retries must be at most 10"), whole=True),
}


@V2().serves(McpServers.list, {"sortBy": "createdAt", "sortOrder": "desc", "limit": 50})
def list_servers(call: Call) -> Reply:
    """A page of the MCP servers of a workspace."""
    query = call.query
    workspace_id = call.workspace(query["workspaceId"], is_hidden=False)
    every = call.core.data.mcp_servers.of(workspace_id)
    found = [each for each in every if matches(query.get("search", ""), each.settings["name"])]

    def key(server: McpServer) -> Position:
        values: dict[str, str | float] = {
            "name": server.settings["name"],
            "createdAt": server.created,
            "updatedAt": server.updated,
        }
        return values[query["sortBy"]], server.id

    shown, after = page(call, found, key, descending=query["sortOrder"] == "desc")
    return listing(map(_present, shown), after)


@V2().serves(McpServers.create, _DEFAULTS, own=_CHECKS)
def create(call: Call) -> Reply:
    """Register an MCP server."""
    body, now = call.body, call.core.clock()
    workspace_id = call.workspace(body["workspaceId"], is_hidden=False)
    _check_address(body["url"])
    servers, server_id = call.core.data.mcp_servers.servers, id_of(body["url"])
    if (workspace_id, server_id) in servers:
        raise Refusal(409, "An MCP server with this URL already exists in this workspace")
    server = McpServer(server_id, workspace_id, {"authType": "headers" if body.get("headers") else "none"}, now, now)
    _change(server, body)
    servers[workspace_id, server_id] = server
    return data(_present(server), 201)


@V2().serves(McpServers.get)
def get(call: Call) -> Reply:
    """One MCP server."""
    return data(_present(_find(call, call.query["workspaceId"])))


@V2().serves(McpServers.update, own=_CHECKS)
def update(call: Call) -> Reply:
    """Change an MCP server; its headers are replaced as a whole."""
    server = _find(call, call.body["workspaceId"])
    if call.body.get("url", server.settings["url"]) != server.settings["url"]:
        reason = "an MCP server’s id is derived from its URL"
        raise Refusal(400, f"url cannot be changed: {reason}. Delete this server and create one at the new URL.")
    _change(server, call.body)
    server.updated = call.core.clock()
    return data(_present(server))


@V2().serves(McpServers.delete)
def delete(call: Call) -> Reply:
    """Remove an MCP server."""
    server = _find(call, call.query["workspaceId"])
    del call.core.data.mcp_servers.servers[server.workspace_id, server.id]
    return data({"id": server.id, "deleted": True})


@V2().serves(McpServerTools.list)
def list_tools(call: Call) -> Reply:
    """All tools of an MCP server, whose address must be known to the sandbox."""
    server = _find(call, call.query["workspaceId"])
    if not server.settings["enabled"]:
        raise Refusal(409, "The MCP server is disabled; enable it before listing its tools")
    name, url = server.settings["name"], server.settings["url"]
    tools = call.core.data.mcp_servers.sources.get(url)
    if tools is None:
        server.error = f'Failed to connect to "{name}": the sandbox has no MCP server at {url}'
        raise Refusal(503, "The MCP server could not be reached")
    server.error, server.connected, server.tool_count = None, call.core.clock(), len(tools)
    return listing({**each, "serverId": server.id, "serverName": name} for each in tools)


def _find(call: Call, workspace_id: str) -> McpServer:
    workspace_id = call.workspace(workspace_id, is_hidden=False)
    server = call.core.data.mcp_servers.servers.get((workspace_id, call.path["mcpServerId"]))
    if server is None:
        raise Refusal(404, "MCP server not found")
    return server


def _check_address(url: str) -> None:
    try:
        address = ip_address(urlsplit(url).hostname or "")
    except ValueError:  # a name
        return
    if address.is_private and not address.is_loopback:
        message = "MCP server URL cannot point to a private or reserved IP address"
        raise Refusal(403, message, {"code": "MCP_SERVER_URL_NOT_ALLOWED"})


def _change(server: McpServer, body: Mapping[str, Any]) -> None:
    server.settings.update({name: body[name] for name in _SHOWN if body.get(name) is not None})
    if "headers" in body:
        server.header_names = tuple(body["headers"])
    if "oauthClientSecret" in body:
        server.has_client_secret = body["oauthClientSecret"] is not None


def _present(server: McpServer) -> dict[str, Any]:
    connection = (
        {} if server.connected is None else dict.fromkeys(("lastToolsRefresh", "lastConnected"), iso(server.connected))
    )
    return {
        "id": server.id,
        **{name: server.settings[name] for name in _SHOWN if name in server.settings},
        "connectionStatus": "connected" if connection and server.error is None else "disconnected",
        "lastError": server.error,
        "toolCount": server.tool_count,
        **connection,
        "createdAt": iso(server.created),
        "updatedAt": iso(server.updated),
        "hasHeaders": bool(server.header_names),
        "headerNames": list(server.header_names),
        "hasOauthClientSecret": server.has_client_secret,
    }
