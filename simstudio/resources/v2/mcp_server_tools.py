"""``client.v2.mcp_servers.tools``: the tools of an MCP server."""

from __future__ import annotations

from simstudio.core.endpoint import Sender, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.mcp_servers import McpServerTool
from simstudio.resources.parameters import WorkspaceId


class McpServerTools(APIResource[M]):
    """The tools of an MCP server."""

    @paged("GET", "/api/v2/mcp-servers/{mcpServerId}/tools", "listMcpServerTools", resend="never")
    def list(
        self, send: Sender, mcp_server_id: str, *, workspace_id: WorkspaceId, refresh: bool | None = None
    ) -> Pages[McpServerTool]:
        """Connect to an MCP server and list its tools, up to 1,000, all in one page. Needs a personal key.

        Sim notes the outcome: see ``connection_status`` and ``last_error`` of ``client.v2.mcp_servers.get``. The call
        is not retried, as Sim itself tries to connect several times.

        Args:
            refresh: Connect even if the tools were listed a short time ago.

        Raises:
            ConflictError: The MCP server is disabled, or a person has to sign in to it again.
            NotFoundError: The workspace has no MCP server with this id.
            ServerError: The MCP server could not be reached or refused the request (503).
        """
        return send.pages(McpServerTool)
