"""MCP servers of others, whose tools workflows call."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import attrs


@attrs.define
class McpServer:
    """An MCP server. Times are epoch seconds.

    Attributes:
        settings: Settings that the API shows, by wire name.
        header_names: Names of the request headers; their values are not kept.
        tool_count: Tools when they were last listed.
        connected: Time of the last successful connection.
    """

    id: str
    workspace_id: str
    settings: dict[str, Any]
    created: float
    updated: float
    header_names: tuple[str, ...] = ()
    has_client_secret: bool = False
    tool_count: int = 0
    connected: float | None = None
    error: str | None = None


class McpServers:
    """The MCP servers of all workspaces, and the tools that a test gives to addresses.

    Attributes:
        sources: Tools by address.
    """

    def __init__(self) -> None:
        self.sources: dict[str, list[Mapping[str, Any]]] = {}
        self.servers: dict[tuple[str, str], McpServer] = {}

    def of(self, workspace_id: str) -> list[McpServer]:
        """The MCP servers of a workspace."""
        return [each for each in self.servers.values() if each.workspace_id == workspace_id]


def id_of(url: str) -> str:
    """The id of an MCP server, which is derived from its address."""
    return f"mcp-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
