"""``client.v2.workflow_mcp_servers``: MCP servers that publish workflows as tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.workflow_mcp_servers import WorkflowMcpServer, WorkflowMcpServerSummary
from simstudio.resources.parameters import PageLimit, WorkspaceId
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.workflow_mcp_tools import WorkflowMcpTools


class WorkflowMcpServers(APIResource[M]):
    """MCP servers on which Sim publishes workflows as tools. ``mcp_servers`` are servers that workflows call.

    Needs a personal key.
    """

    @namespace
    def tools(self) -> WorkflowMcpTools[M]:
        """Workflows that an MCP server publishes."""
        from simstudio.resources.v2.workflow_mcp_tools import WorkflowMcpTools

        return WorkflowMcpTools(self._context, f"{self._name}.tools")

    @paged("GET", "/api/v2/workflow-mcp-servers", "listWorkflowMcpServers")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[WorkflowMcpServerSummary]:
        """List the MCP servers that a workspace publishes, with the names of their tools.

        Args:
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(WorkflowMcpServerSummary)

    @endpoint("POST", "/api/v2/workflow-mcp-servers", "createWorkflowMcpServer")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        name: str,
        description: str | Unset = UNSET,
        is_public: bool | Unset = UNSET,
        workflow_ids: Sequence[str] | Unset = UNSET,
    ) -> Flow[WorkflowMcpServer]:
        """Publish an MCP server.

        Args:
            name: Need not be unique.
            is_public: Whether everybody who has the URL can call the tools, without a key; default False.
            workflow_ids: Up to 100 deployed workflows that become tools.

        Raises:
            InvalidRequestError: A workflow is not deployed.
            NotFoundError: No workspace has this id, or the API key may not see it.
            PermissionDeniedError: The key is a workspace key, or the caller may only read.

        Example:
            >>> new = {"name": "Support", "workflow_ids": ["workflow-id"]}
            >>> client.v2.workflow_mcp_servers.create("workspace-id", **new).mcp_server_url  # doctest: +SKIP
        """
        return send.one(WorkflowMcpServer)

    @endpoint("GET", "/api/v2/workflow-mcp-servers/{serverId}", "getWorkflowMcpServer")
    def get(self, send: Sender, server_id: str) -> Flow[WorkflowMcpServer]:
        """Retrieve an MCP server, without its tools.

        Raises:
            NotFoundError: No MCP server has this id, or the API key may not see it.
        """
        return send.one(WorkflowMcpServer)

    @endpoint("PATCH", "/api/v2/workflow-mcp-servers/{serverId}", "updateWorkflowMcpServer")
    def update(
        self,
        send: Sender,
        server_id: str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        is_public: bool | Unset = UNSET,
    ) -> Flow[WorkflowMcpServer]:
        """Change an MCP server. Parameters that are left out stay unchanged.

        Args:
            description: None clears it.
            is_public: Whether everybody who has the URL can call the tools, without a key.

        Raises:
            InvalidRequestError: No change was given.
            NotFoundError: No MCP server has this id, or the API key may not see it.
        """
        return send.one(WorkflowMcpServer)

    @endpoint("DELETE", "/api/v2/workflow-mcp-servers/{serverId}", "deleteWorkflowMcpServer")
    def delete(self, send: Sender, server_id: str) -> Flow[Deleted]:
        """Delete an MCP server. Its workflows stay deployed, but MCP clients can no longer call them.

        Raises:
            NotFoundError: No MCP server has this id, or the API key may not see it.
        """
        return send.one(Deleted)
