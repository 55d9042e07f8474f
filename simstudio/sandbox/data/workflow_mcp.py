"""MCP servers that publish workflows as tools."""

from __future__ import annotations

import attrs


@attrs.define
class PublishedTool:
    """A workflow that is a tool of an MCP server. Times are epoch seconds."""

    id: str
    workflow_id: str
    name: str
    description: str
    created: float
    updated: float


@attrs.define
class WorkflowMcpServer:
    """An MCP server. Times are epoch seconds.

    Attributes:
        tools: Tools by the id of the workflow.
    """

    id: str
    workspace_id: str
    name: str
    description: str | None
    is_public: bool
    created: float
    updated: float
    tools: dict[str, PublishedTool] = attrs.field(factory=dict)
