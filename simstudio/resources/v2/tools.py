"""``client.v2.tools``: the tools that blocks use, and running one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, length
from simstudio.models.v2.tools import Tool, ToolResult, ToolSummary
from simstudio.transport.flow import Flow


class Tools(APIResource[M]):
    """What tools there are in a workspace, what they take and give, and running one (API.md 4.20)."""

    @paged(
        "GET",
        "/api/v2/tools",
        "listTools",
        limits={"workspace_id": length(1, 128), "search": length(1, 200), "limit": between(1, 100)},
    )
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        search: str | None = None,
        hosted_api_key: Literal["always", "conditional", "none"] | None = None,
        oauth_provider: str | None = None,
        sort_by: Literal["id", "name"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[ToolSummary]:
        """List the tools.

        Args:
            workspace_id: In which workspace.
            search: Only those that this text fits, 1 to 200 characters.
            hosted_api_key: Only those for which Sim has a key of its own always, on conditions, or never.
            oauth_provider: Only those that work with an account of this provider.
            sort_by: ``id`` where it is not given.
            sort_order: ``asc`` where it is not given.
            limit: Tools a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters and order.

        Returns:
            The tools, over all pages.

        Raises:
            InvalidInputError: An argument is out of its limits; nothing was sent.
            SimStudioError: Any other failure.

        Example:
            >>> for tool in client.v2.tools.list("workspace-id", search="gmail"):  # doctest: +SKIP
            ...     print(tool.id, tool.name)
        """
        return send.pages(ToolSummary)

    @endpoint("GET", "/api/v2/tools/{toolId}", "getTool", limits={"workspace_id": length(1, 128)})
    def get(self, send: Sender, tool_id: str, *, workspace_id: str) -> Flow[Tool]:
        """Retrieve one tool in full.

        Args:
            tool_id: Its id, such as ``gmail_send``.
            workspace_id: In which workspace.

        Returns:
            The tool: what it takes and what it gives.

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.tools.get("gmail_send", workspace_id="workspace-id").params["to"].type  # doctest: +SKIP
            'string'
        """
        return send.one(Tool)

    @endpoint(
        "POST",
        "/api/v2/tools/{toolId}/execute",
        "executeTool",
        local=("timeout",),
        limits={"workspace_id": length(1, 128)},
    )
    def execute(
        self,
        send: Sender,
        tool_id: str,
        *,
        workspace_id: str,
        input: Mapping[str, Any] | Unset = UNSET,
        credential_id: str | Unset = UNSET,
        timeout_seconds: int | Unset = UNSET,
        timeout: float | Unset | None = UNSET,
    ) -> Flow[ToolResult]:
        """Run a tool, once: it may act on the world, so it is never sent again where it may have run.

        Args:
            tool_id: Its id, such as ``gmail_send``.
            workspace_id: In which workspace.
            input: What it takes, by name; nothing where it is not given.
            credential_id: The account it works with; tools of accounts need one.
            timeout_seconds: How long the tool may take, in seconds; the server's rule where it is not given.
            timeout: Seconds for the whole call, None for no bound; the client's where it is not given. Give more than
                ``timeout_seconds``.

        Returns:
            What it gave. A tool that failed is a result too: look at ``succeeded``, ``error``.

        Raises:
            PermissionDeniedError: A workspace key, or a tool that the workspace does not allow.
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> sent = {"workspace_id": "workspace-id", "input": {"url": "https://example.com"}}
            >>> client.v2.tools.execute("http_request", **sent).output  # doctest: +SKIP
        """
        return send.one(ToolResult, timeout=timeout)
