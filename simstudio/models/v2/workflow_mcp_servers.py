"""MCP servers that Sim publishes: deployed workflows as tools for others."""

from __future__ import annotations

from typing import TypedDict

import attrs

from simstudio.core.model import Model, model


@model
class WorkflowMcpServer(Model):
    """An MCP server that publishes workflows as tools.

    Attributes:
        is_public: Whether everybody who has the URL can call the tools, without a key.
        mcp_server_url: Address for MCP clients.
        created_at: ISO 8601.
        updated_at: ISO 8601.
    """

    id: str
    name: str
    is_public: bool
    mcp_server_url: str
    created_at: str
    updated_at: str
    description: str | None = None


@model
class WorkflowMcpServerSummary(WorkflowMcpServer):
    """An MCP server in a list, with its tools.

    Attributes:
        tool_names: May lack some on a page with more than 2,000 tools.
    """

    tool_count: int = attrs.field(kw_only=True)
    tool_names: list[str] = attrs.field(kw_only=True)


@model
class WorkflowMcpTool(Model):
    """A workflow that an MCP server publishes as a tool.

    Attributes:
        tool_name: Name for MCP clients. Two tools of a server may have the same.
        mcp_server_url: Address for MCP clients.
        api_endpoint: Address that executes the workflow.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        status: ``active`` or ``inactive``; None on servers that do not send it.
    """

    id: str
    server_id: str
    workflow_id: str
    tool_name: str
    mcp_server_url: str
    api_endpoint: str
    created_at: str
    updated_at: str
    tool_description: str | None = None
    status: str | None = None


@model
class DeployedMcpTool(WorkflowMcpTool):
    """A workflow that was just published as a tool.

    Attributes:
        updated: Whether the workflow was a tool of the server before.
    """

    updated: bool = attrs.field(kw_only=True)


@model
class UndeployedMcpTool(Model):
    """A workflow that is no longer a tool of an MCP server.

    Attributes:
        deleted: True.
    """

    id: str
    server_id: str
    workflow_id: str
    deleted: bool


class ParameterDescription(TypedDict):
    """The description of a parameter for MCP clients."""

    name: str
    description: str
