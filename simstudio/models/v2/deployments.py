"""Deployments of a workflow: the active version, and the attempts to activate one."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class ActiveDeployment(Model):
    """The version that runs when a workflow is executed.

    Attributes:
        deployment_version_id: Its id.
        version: Its number.
        deployed_at: When it went live, ISO 8601.
    """

    deployment_version_id: str
    version: int
    deployed_at: str


@model
class DeploymentReadiness(Model):
    """How far the parts of a deployment are: each ``pending``, ``ready`` or ``not_applicable``.

    Attributes:
        webhooks: Of its triggers.
        schedules: Of its triggers.
        mcp: The MCP tools it is published as.
    """

    webhooks: str
    schedules: str
    mcp: str


@model
class DeploymentAttemptError(Model):
    """Why an attempt failed.

    Attributes:
        code: For programs.
        message: For people.
        retryable: Whether the same again may succeed.
    """

    code: str
    message: str
    retryable: bool


@model
class DeploymentAttempt(Model):
    """One attempt to make a version live. It goes on after the call that began it has returned.

    Attributes:
        id: Of the attempt.
        deployment_version_id: The version's id.
        version: The version's number.
        action: ``deploy`` (a new version) or ``activate`` (an old one).
        status: ``preparing``, ``activating``, ``active``, ``failed`` or ``superseded``.
        is_current: Whether no later one replaced it.
        readiness: How far its parts are.
        requested_at: When, ISO 8601.
        activated_at: When it went live, ISO 8601; None before.
        error: Why it failed; None otherwise.
    """

    id: str
    deployment_version_id: str
    version: int
    action: str
    status: str
    is_current: bool
    readiness: DeploymentReadiness
    requested_at: str
    activated_at: str | None = None
    error: DeploymentAttemptError | None = None


@model
class DeploymentState(Model):
    """What of a workflow is live. All answers about deployments hold it.

    Attributes:
        id: Of the workflow.
        is_deployed: Whether a version is live.
        warnings: The server's sentences about it.
        deployed_at: When the live version went live, ISO 8601; None where there is none.
        active_deployment: The live version; None where there is none.
        latest_deployment_attempt: The last one, which may still be under way; None where there was none.
    """

    id: str
    is_deployed: bool
    warnings: list[str]
    deployed_at: str | None = None
    active_deployment: ActiveDeployment | None = None
    latest_deployment_attempt: DeploymentAttempt | None = None


@model
class DeployedWorkflow(DeploymentState):
    """A workflow that was asked to be deployed: see ``latest_deployment_attempt`` for how far that is.

    Attributes:
        version: The number of the version that was made.
    """

    version: int | None = None


@model
class DeploymentResult(DeploymentState):
    """A workflow of which another version was asked to be live: see ``latest_deployment_attempt``.

    Attributes:
        version: The number of that version.
    """

    version: int = attrs.field(kw_only=True)


@model
class ArchivedMcpTool(Model):
    """A workflow's tool on one of the workspace's MCP servers, put away.

    Attributes:
        server_id: Of the MCP server.
        tool_name: The tool's name there.
    """

    server_id: str
    tool_name: str


@model
class UndeployedWorkflow(DeploymentState):
    """A workflow of which nothing is live any more.

    Attributes:
        archived_mcp_tools: The tools it was published as.
    """

    archived_mcp_tools: list[ArchivedMcpTool] | None = None


@model
class DeployedWebhook(Model):
    """An address at which a deployed trigger takes deliveries.

    Attributes:
        url: The address.
        block_id: Of the trigger.
        provider: Whose deliveries it takes.
    """

    url: str
    block_id: str | None = None
    provider: str | None = None


@model
class WorkflowDeployment(DeploymentState):
    """What of a workflow is live, and who may reach it.

    Attributes:
        needs_redeployment: Whether the draft differs from the live version.
        is_public_api: Whether anyone may run it without a key.
        webhooks: Where its triggers take deliveries.
    """

    needs_redeployment: bool = attrs.field(kw_only=True)
    is_public_api: bool = attrs.field(kw_only=True)
    webhooks: list[DeployedWebhook] | None = None


@model
class PublicApiAccess(Model):
    """Who may run a workflow.

    Attributes:
        id: Of the workflow.
        is_public_api: Whether anyone may, without a key.
    """

    id: str
    is_public_api: bool
