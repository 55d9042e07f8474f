"""``client.v2.workflow_mcp_servers.tools``: the workflows that an MCP server publishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.workflow_mcp_servers import (
    DeployedMcpTool,
    ParameterDescription,
    UndeployedMcpTool,
    WorkflowMcpTool,
)
from simstudio.transport.flow import Flow


class WorkflowMcpTools(APIResource[M]):
    """The workflows that an MCP server publishes as tools. Needs a personal key."""

    @paged("GET", "/api/v2/workflow-mcp-servers/{serverId}/tools", "listWorkflowMcpTools")
    def list(self, send: Sender, server_id: str) -> Pages[WorkflowMcpTool]:
        """List the tools of an MCP server by name, up to 2,000, all in one page.

        Raises:
            NotFoundError: No MCP server has this id, or the API key may not see it.
        """
        return send.pages(WorkflowMcpTool)

    @endpoint("POST", "/api/v2/workflow-mcp-servers/{serverId}/tools", "deployWorkflowMcpTool")
    def deploy(
        self,
        send: Sender,
        server_id: str,
        *,
        workflow_id: str,
        tool_name: str | Unset = UNSET,
        tool_description: str | Unset = UNSET,
        parameter_descriptions: Sequence[ParameterDescription | Mapping[str, str]] | Unset = UNSET,
    ) -> Flow[DeployedMcpTool]:
        """Publish a deployed workflow as a tool, or replace the tool that it is.

        Args:
            tool_name: Up to 128 characters, which the server changes to lowercase letters, digits and underscores;
                default: from the workflow's name, also for a tool that had another name.
            tool_description: Up to 2,000 characters; default: from the workflow's name.
            parameter_descriptions: Descriptions of up to 100 inputs of the workflow; others are ignored.

        Raises:
            InvalidRequestError: The workflow is not deployed.
            NotFoundError: No MCP server or no workflow has this id.

        Example:
            >>> call = {"workflow_id": "workflow-id", "tool_name": "answer_a_customer"}
            >>> client.v2.workflow_mcp_servers.tools.deploy("server-id", **call).updated  # doctest: +SKIP
            False
        """
        return send.one(DeployedMcpTool)

    @endpoint("DELETE", "/api/v2/workflow-mcp-servers/{serverId}/tools/{workflowId}", "undeployWorkflowMcpTool")
    def undeploy(self, send: Sender, server_id: str, workflow_id: str) -> Flow[UndeployedMcpTool]:
        """Remove a workflow from an MCP server. It stays deployed.

        Raises:
            NotFoundError: No MCP server has this id, or the workflow is none of its tools.
        """
        return send.one(UndeployedMcpTool)
