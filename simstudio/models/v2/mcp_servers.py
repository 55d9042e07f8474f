"""MCP servers of others, whose tools workflows call."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class McpServer(Model):
    """An MCP server whose tools workflows call.

    Attributes:
        id: Derived from the URL.
        transport: ``streamable-http``.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        has_headers: Whether request headers are set, whose values the server never sends.
        header_names: Names of these headers.
        has_oauth_client_secret: Whether an OAuth client secret is set, which the server never sends.
        auth_type: ``none``, ``headers`` or ``oauth``.
        timeout: Milliseconds for one request.
        retries: Retries of one request.
        connection_status: ``connected``, ``disconnected`` or ``error``.
        last_error: None if the last connection succeeded, or there was none.
        tool_count: Number of tools when they were last listed.
        last_tools_refresh: ISO 8601; None if tools were never listed.
        last_connected: ISO 8601; None if there was no connection.
    """

    id: str
    name: str
    transport: str
    enabled: bool
    created_at: str
    updated_at: str
    has_headers: bool
    header_names: list[str]
    has_oauth_client_secret: bool
    description: str | None = None
    auth_type: str | None = None
    url: str | None = None
    timeout: int | None = None
    retries: int | None = None
    connection_status: str | None = None
    last_error: str | None = None
    tool_count: int | None = None
    last_tools_refresh: str | None = None
    last_connected: str | None = None
    oauth_client_id: str | None = None


@model
class McpInputSchema(Model):
    """The parameters of an MCP tool, as a JSON schema; other keys are kept.

    Attributes:
        type: ``object``.
        properties: JSON schemas by name.
        required: Names of required parameters.
    """

    type: str
    properties: dict[str, Any] | None = None
    required: list[str] | None = None


@model
class McpServerTool(Model):
    """A tool of an MCP server."""

    name: str
    input_schema: McpInputSchema
    server_id: str
    server_name: str
    description: str | None = None
