"""``client.v2.tools``: the tools that blocks use, and their execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import local
from simstudio.core.resource import APIResource
from simstudio.models.v2.tools import Tool, ToolResult, ToolSummary
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.transport.flow import Flow


class Tools(APIResource[M]):
    """Tools available in a workspace, with their parameters and outputs, and their execution."""

    @paged("GET", "/api/v2/tools", "listTools")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        search: Search | None = None,
        hosted_api_key: Literal["always", "conditional", "none"] | None = None,
        oauth_provider: str | None = None,
        sort_by: Literal["id", "name"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[ToolSummary]:
        """List the tools of a workspace.

        Args:
            hosted_api_key: Whether Sim supplies the provider's API key: always, on conditions, or never.
            oauth_provider: Only tools that need an account of this provider.
            sort_by: Default ``id``.
            sort_order: Default ``asc``.
            limit: Tools per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page with the same filters and order.

        Example:
            >>> for tool in client.v2.tools.list("workspace-id", search="gmail"):  # doctest: +SKIP
            ...     print(tool.id, tool.name)
        """
        return send.pages(ToolSummary)

    @endpoint("GET", "/api/v2/tools/{toolId}", "getTool")
    def get(self, send: Sender, tool_id: str, *, workspace_id: WorkspaceId) -> Flow[Tool]:
        """Retrieve one tool with its parameters and outputs.

        Args:
            tool_id: Tool id, such as ``gmail_send``.

        Raises:
            NotFoundError: No tool has this id.

        Example:
            >>> client.v2.tools.get("gmail_send", workspace_id="workspace-id").params["to"].type  # doctest: +SKIP
            'string'
        """
        return send.one(Tool)

    @endpoint("POST", "/api/v2/tools/{toolId}/execute", "executeTool", evidence="documented")
    def execute(
        self,
        send: Sender,
        tool_id: str,
        *,
        workspace_id: WorkspaceId,
        input: Mapping[str, Any] | Unset = UNSET,
        credential_id: str | Unset = UNSET,
        timeout_seconds: int | Unset = UNSET,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[ToolResult]:
        """Execute a tool. It may have side effects, so the request is not retried once the tool may have run.

        Args:
            tool_id: Tool id, such as ``gmail_send``.
            input: Parameters by name.
            credential_id: Credential of the account to use; required if ``tool.oauth.required``.
            timeout_seconds: Seconds that the tool may run; default: the server's limit.
            timeout: Seconds for the whole call, more than ``timeout_seconds``; None for no limit; default: the client's
                timeout.

        Returns:
            The result, also of a tool that failed: see ``succeeded`` and ``error``.

        Raises:
            PermissionDeniedError: The key is a workspace key, or the workspace does not allow this tool.
            NotFoundError: No tool has this id.

        Example:
            >>> call = {"workspace_id": "workspace-id", "input": {"url": "https://example.com"}}
            >>> client.v2.tools.execute("http_request", **call).output  # doctest: +SKIP
        """
        return send.one(ToolResult, timeout=timeout)
