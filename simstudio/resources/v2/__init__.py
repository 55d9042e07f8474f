"""``client.v2``: the operations under ``/api/v2``.

Responses are ``{"data": …}``, lists ``{"data": […], "nextCursor"}``; the methods return the data. Reads are retried.
Writes are retried only if nothing was executed, except executions, which carry a run id (``X-Run-Id``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.modes import M
from simstudio.core.resource import APIResource, namespace

if TYPE_CHECKING:
    from simstudio.resources.v2.audit_logs import AuditLogs
    from simstudio.resources.v2.billing import Billing
    from simstudio.resources.v2.blocks import Blocks
    from simstudio.resources.v2.chat import Chat
    from simstudio.resources.v2.chat_deployments import ChatDeployments
    from simstudio.resources.v2.connector_types import ConnectorTypes
    from simstudio.resources.v2.credentials import Credentials
    from simstudio.resources.v2.custom_tools import CustomTools
    from simstudio.resources.v2.files import Files
    from simstudio.resources.v2.knowledge import Knowledge
    from simstudio.resources.v2.logs import Logs
    from simstudio.resources.v2.mcp_servers import McpServers
    from simstudio.resources.v2.meta import Meta
    from simstudio.resources.v2.organizations import Organizations
    from simstudio.resources.v2.runs import Runs
    from simstudio.resources.v2.sandboxes import Sandboxes
    from simstudio.resources.v2.secrets import Secrets
    from simstudio.resources.v2.selectors import Selectors
    from simstudio.resources.v2.skills import Skills
    from simstudio.resources.v2.tables import Tables
    from simstudio.resources.v2.tools import Tools
    from simstudio.resources.v2.uploads import Uploads
    from simstudio.resources.v2.workflow_mcp_servers import WorkflowMcpServers
    from simstudio.resources.v2.workflows import Workflows
    from simstudio.resources.v2.workspaces import Workspaces


class V2(APIResource[M]):
    """The namespaces of ``/api/v2``, each imported when it is first used.

    Every method raises :class:`~simstudio.InvalidInputError` before sending if an argument is out of its documented
    range, and otherwise a subclass of :class:`~simstudio.SimStudioError`; ``Raises`` lists causes that are specific to
    a method.
    """

    @namespace
    def workflows(self) -> Workflows[M]:
        """Workflows: definition, versions, deployment and folders."""
        from simstudio.resources.v2.workflows import Workflows

        return Workflows(self._context, f"{self._name}.workflows")

    @namespace
    def tables(self) -> Tables[M]:
        """Tables of a workspace: definition, rows, views and workflow groups."""
        from simstudio.resources.v2.tables import Tables

        return Tables(self._context, f"{self._name}.tables")

    @namespace
    def chat_deployments(self) -> ChatDeployments[M]:
        """Chats of a workspace."""
        from simstudio.resources.v2.chat_deployments import ChatDeployments

        return ChatDeployments(self._context, f"{self._name}.chat_deployments")

    @namespace
    def runs(self) -> Runs[M]:
        """Executions and their runs."""
        from simstudio.resources.v2.runs import Runs

        return Runs(self._context, f"{self._name}.runs")

    @namespace
    def uploads(self) -> Uploads[M]:
        """Bytes of upload sessions, request by request."""
        from simstudio.resources.v2.uploads import Uploads

        return Uploads(self._context, f"{self._name}.uploads")

    @namespace
    def files(self) -> Files[M]:
        """Files of a workspace: content, folders, shares, versions and uploads."""
        from simstudio.resources.v2.files import Files

        return Files(self._context, f"{self._name}.files")

    @namespace
    def logs(self) -> Logs[M]:
        """Logs of runs."""
        from simstudio.resources.v2.logs import Logs

        return Logs(self._context, f"{self._name}.logs")

    @namespace
    def audit_logs(self) -> AuditLogs[M]:
        """Audit log of an organization (Enterprise plan)."""
        from simstudio.resources.v2.audit_logs import AuditLogs

        return AuditLogs(self._context, f"{self._name}.audit_logs")

    @namespace
    def billing(self) -> Billing[M]:
        """Charges and remaining credits."""
        from simstudio.resources.v2.billing import Billing

        return Billing(self._context, f"{self._name}.billing")

    @namespace
    def meta(self) -> Meta[M]:
        """Whether v2 is switched on, and the kind of the API key."""
        from simstudio.resources.v2.meta import Meta

        return Meta(self._context, f"{self._name}.meta")

    @namespace
    def blocks(self) -> Blocks[M]:
        """Types of blocks that a workflow can use."""
        from simstudio.resources.v2.blocks import Blocks

        return Blocks(self._context, f"{self._name}.blocks")

    @namespace
    def tools(self) -> Tools[M]:
        """Tools that blocks use; a tool can also be executed on its own."""
        from simstudio.resources.v2.tools import Tools

        return Tools(self._context, f"{self._name}.tools")

    @namespace
    def knowledge(self) -> Knowledge[M]:
        """Knowledge bases: their documents, tags and connectors, and search in them."""
        from simstudio.resources.v2.knowledge import Knowledge

        return Knowledge(self._context, f"{self._name}.knowledge")

    @namespace
    def connector_types(self) -> ConnectorTypes[M]:
        """Types of connectors for knowledge bases."""
        from simstudio.resources.v2.connector_types import ConnectorTypes

        return ConnectorTypes(self._context, f"{self._name}.connector_types")

    @namespace
    def organizations(self) -> Organizations[M]:
        """Organizations: members, invitations, permission groups, access requests, usage, single sign-on."""
        from simstudio.resources.v2.organizations import Organizations

        return Organizations(self._context, f"{self._name}.organizations")

    @namespace
    def workspaces(self) -> Workspaces[M]:
        """Workspaces, their members and forks."""
        from simstudio.resources.v2.workspaces import Workspaces

        return Workspaces(self._context, f"{self._name}.workspaces")

    @namespace
    def credentials(self) -> Credentials[M]:
        """Accounts at other services."""
        from simstudio.resources.v2.credentials import Credentials

        return Credentials(self._context, f"{self._name}.credentials")

    @namespace
    def secrets(self) -> Secrets[M]:
        """Secrets of a workspace and of the caller."""
        from simstudio.resources.v2.secrets import Secrets

        return Secrets(self._context, f"{self._name}.secrets")

    @namespace
    def skills(self) -> Skills[M]:
        """Instructions that agents load when they need them."""
        from simstudio.resources.v2.skills import Skills

        return Skills(self._context, f"{self._name}.skills")

    @namespace
    def custom_tools(self) -> CustomTools[M]:
        """Functions of a workspace that agents call."""
        from simstudio.resources.v2.custom_tools import CustomTools

        return CustomTools(self._context, f"{self._name}.custom_tools")

    @namespace
    def mcp_servers(self) -> McpServers[M]:
        """MCP servers of others, whose tools workflows call."""
        from simstudio.resources.v2.mcp_servers import McpServers

        return McpServers(self._context, f"{self._name}.mcp_servers")

    @namespace
    def workflow_mcp_servers(self) -> WorkflowMcpServers[M]:
        """MCP servers that publish workflows as tools."""
        from simstudio.resources.v2.workflow_mcp_servers import WorkflowMcpServers

        return WorkflowMcpServers(self._context, f"{self._name}.workflow_mcp_servers")

    @namespace
    def sandboxes(self) -> Sandboxes[M]:
        """Environments in which code blocks run."""
        from simstudio.resources.v2.sandboxes import Sandboxes

        return Sandboxes(self._context, f"{self._name}.sandboxes")

    @namespace
    def selectors(self) -> Selectors[M]:
        """Choices for settings of blocks."""
        from simstudio.resources.v2.selectors import Selectors

        return Selectors(self._context, f"{self._name}.selectors")

    @namespace
    def chat(self) -> Chat[M]:
        """Conversations with Sim's agent."""
        from simstudio.resources.v2.chat import Chat

        return Chat(self._context, f"{self._name}.chat")
