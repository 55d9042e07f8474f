"""``client.v2.mcp_servers``: MCP servers of others, whose tools workflows call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import secret
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.mcp_servers import McpServer
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.mcp_server_tools import McpServerTools

AuthType: TypeAlias = Literal["none", "headers", "oauth"]
Transport: TypeAlias = Literal["streamable-http"]


class McpServers(APIResource[M]):
    """MCP servers of others, whose tools workflows call. ``workflow_mcp_servers`` are those that Sim publishes.

    The server never sends header values and client secrets back, and no error of this package shows one.
    """

    @namespace
    def tools(self) -> McpServerTools[M]:
        """Tools of an MCP server."""
        from simstudio.resources.v2.mcp_server_tools import McpServerTools

        return McpServerTools(self._context, f"{self._name}.tools")

    @paged("GET", "/api/v2/mcp-servers", "listMcpServers")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[McpServer]:
        """List the MCP servers of a workspace, with their state when their tools were last listed.

        Args:
            search: Part of the name.
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(McpServer)

    @endpoint("POST", "/api/v2/mcp-servers", "createMcpServer")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        name: str,
        url: str,
        description: str | Unset = UNSET,
        transport: Transport | Unset = UNSET,
        auth_type: AuthType | Unset = UNSET,
        headers: Annotated[Mapping[str, str] | Unset, secret] = UNSET,
        timeout: int | Unset = UNSET,
        retries: int | Unset = UNSET,
        enabled: bool | Unset = UNSET,
        oauth_client_id: str | Unset | None = UNSET,
        oauth_client_secret: Annotated[str | Unset | None, secret] = UNSET,
    ) -> Flow[McpServer]:
        """Register an MCP server. Sim connects to it when its tools are listed or called.

        Args:
            url: HTTP or HTTPS address, which identifies the server and cannot be changed later.
            auth_type: Default: the server finds out by a request to ``url``, unless ``headers`` are given.
            headers: Headers of each request to the MCP server.
            timeout: Milliseconds for one request, 1,000 to 300,000; default 30,000.
            retries: Retries of one request, 0 to 10; default 3.
            enabled: Whether workflows can use the tools; default True.

        Raises:
            ConflictError: The workspace has an MCP server with this URL.
            PermissionDeniedError: Sim does not connect to this address, or the caller may only read.

        Example:
            >>> headers = {"Authorization": f"Bearer {os.environ['CRM_TOKEN']}"}  # doctest: +SKIP
            >>> new = {"name": "CRM", "url": "https://crm.example.com/mcp", "headers": headers}  # doctest: +SKIP
            >>> client.v2.mcp_servers.create("workspace-id", **new).header_names  # doctest: +SKIP
            ['Authorization']
        """
        return send.one(McpServer)

    @endpoint("GET", "/api/v2/mcp-servers/{mcpServerId}", "getMcpServer")
    def get(self, send: Sender, mcp_server_id: str, *, workspace_id: WorkspaceId) -> Flow[McpServer]:
        """Retrieve an MCP server.

        Raises:
            NotFoundError: The workspace has no MCP server with this id.
        """
        return send.one(McpServer)

    @endpoint("PATCH", "/api/v2/mcp-servers/{mcpServerId}", "updateMcpServer")
    def update(
        self,
        send: Sender,
        mcp_server_id: str,
        *,
        workspace_id: WorkspaceId,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        transport: Transport | Unset = UNSET,
        url: str | Unset = UNSET,
        auth_type: AuthType | Unset = UNSET,
        headers: Annotated[Mapping[str, str] | Unset, secret] = UNSET,
        timeout: int | Unset = UNSET,
        retries: int | Unset = UNSET,
        enabled: bool | Unset = UNSET,
        oauth_client_id: str | Unset | None = UNSET,
        oauth_client_secret: Annotated[str | Unset | None, secret] = UNSET,
    ) -> Flow[McpServer]:
        """Change an MCP server. Parameters that are left out stay unchanged; the others are as in :meth:`create`.

        A change of the authentication disconnects the server, and revokes its OAuth grant.

        Args:
            description: An empty text clears it.
            url: Only the present URL; for another one, delete the server and create it anew.
            headers: Replace all headers; an empty mapping removes them.

        Raises:
            InvalidRequestError: Another URL was given.
            NotFoundError: The workspace has no MCP server with this id.
        """
        return send.one(McpServer)

    @endpoint("DELETE", "/api/v2/mcp-servers/{mcpServerId}", "deleteMcpServer")
    def delete(self, send: Sender, mcp_server_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Remove an MCP server, and revoke its OAuth grant. Blocks that call its tools stay in their workflows.

        Raises:
            NotFoundError: The workspace has no MCP server with this id.
        """
        return send.one(Deleted)
