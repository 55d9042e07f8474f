"""The live version of a workflow, and attempts to make a version live."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class ActiveDeployment(Model):
    """The live version, which executions run.

    Attributes:
        deployed_at: ISO 8601.
    """

    deployment_version_id: str
    version: int
    deployed_at: str


@model
class DeploymentReadiness(Model):
    """The progress of a deployment's parts: each is ``pending``, ``ready`` or ``not_applicable``."""

    webhooks: str
    schedules: str
    mcp: str


@model
class DeploymentAttemptError(Model):
    """The reason why an attempt failed.

    Attributes:
        retryable: Whether another attempt may succeed.
    """

    code: str
    message: str
    retryable: bool


@model
class DeploymentAttempt(Model):
    """An attempt to make a version live. It continues after the response to the request.

    Attributes:
        action: ``deploy`` (a new version) or ``activate`` (an earlier one).
        status: ``preparing``, ``activating``, ``active``, ``failed`` or ``superseded``.
        is_current: Whether no later attempt replaced it.
        requested_at: ISO 8601.
        activated_at: Time at which the version went live, ISO 8601; None before.
        error: None unless the attempt failed.
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
    """The live version of a workflow and the latest attempt. All responses about deployments hold it.

    Attributes:
        id: Id of the workflow.
        is_deployed: Whether a version is live.
        warnings: Texts of the server.
        deployed_at: Time at which the live version went live, ISO 8601; None if none is live.
        active_deployment: None if no version is live.
        latest_deployment_attempt: May be in progress; None if there was none.
    """

    id: str
    is_deployed: bool
    warnings: list[str]
    deployed_at: str | None = None
    active_deployment: ActiveDeployment | None = None
    latest_deployment_attempt: DeploymentAttempt | None = None


@model
class DeployedWorkflow(DeploymentState):
    """The response to a deployment, which ``latest_deployment_attempt`` describes.

    Attributes:
        version: Number of the new version.
    """

    version: int | None = None


@model
class DeploymentResult(DeploymentState):
    """The response to a rollback or an activation, which ``latest_deployment_attempt`` describes."""

    version: int = attrs.field(kw_only=True)


@model
class ArchivedMcpTool(Model):
    """A workflow that was a tool of an MCP server of the workspace, and is no longer."""

    server_id: str
    tool_name: str


@model
class UndeployedWorkflow(DeploymentState):
    """The response to the end of a deployment.

    Attributes:
        archived_mcp_tools: MCP tools that ended with it; None on servers that do not send them.
    """

    archived_mcp_tools: list[ArchivedMcpTool] | None = None


@model
class DeployedWebhook(Model):
    """The URL of a deployed trigger.

    Attributes:
        block_id: Id of the trigger block.
        provider: Service that delivers to the URL.
    """

    url: str
    block_id: str | None = None
    provider: str | None = None


@model
class WorkflowDeployment(DeploymentState):
    """The live version of a workflow, and its access.

    Attributes:
        needs_redeployment: Whether the draft differs from the live version.
        is_public_api: Whether anyone may execute the workflow without an API key.
        webhooks: URLs of its triggers; None on servers that do not send them.
    """

    needs_redeployment: bool = attrs.field(kw_only=True)
    is_public_api: bool = attrs.field(kw_only=True)
    webhooks: list[DeployedWebhook] | None = None


@model
class PublicApiAccess(Model):
    """The access to a workflow.

    Attributes:
        id: Id of the workflow.
        is_public_api: Whether anyone may execute the workflow without an API key.
    """

    id: str
    is_public_api: bool
