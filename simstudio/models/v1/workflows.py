"""Workflows in v1. Times are ISO 8601 in UTC."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model
from simstudio.models.v2.deployments import ActiveDeployment, DeploymentAttempt


@model
class Workflow(Model):
    """A workflow in a list.

    Attributes:
        color: ``#rrggbb``.
        folder_id: None at the top level.
        is_deployed: Whether a version is live.
        deployed_at: None if no version is live.
        run_count: Number of executions.
        last_run_at: Time of the latest execution; None before the first.
    """

    id: str
    name: str | None = None
    description: str | None = None
    color: str | None = None
    folder_id: str | None = None
    workspace_id: str | None = None
    is_deployed: bool | None = None
    deployed_at: str | None = None
    run_count: int | None = None
    last_run_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


@model
class WorkflowInput(Model):
    """A field of a workflow's input.

    Attributes:
        type: ``string``, ``number``, ``file[]`` …
        id: None from servers before v0.8.
    """

    name: str | None = None
    type: str | None = None
    description: str | None = None
    id: str | None = None


@model
class WorkflowDetails(Model):
    """A workflow with its variables and the fields of its input.

    Attributes:
        color: ``#rrggbb``.
        folder_id: None at the top level.
        is_deployed: Whether a version is live.
        deployed_at: None if no version is live.
        run_count: Number of executions.
        last_run_at: Time of the latest execution; None before the first.
        variables: JSON data.
        inputs: Fields of the input.
    """

    id: str
    name: str | None = None
    description: str | None = None
    color: str | None = None
    folder_id: str | None = None
    workspace_id: str | None = None
    is_deployed: bool | None = None
    deployed_at: str | None = None
    run_count: int | None = None
    last_run_at: str | None = None
    variables: dict[str, Any] | None = None
    inputs: list[WorkflowInput] | None = None
    created_at: str | None = None
    updated_at: str | None = None


@model
class Deployment(Model):
    """The deployment of a workflow.

    Attributes:
        id: Id of the workflow.
        is_deployed: Whether a version is live.
        version: Number of the version that is live, or will be.
        warnings: Texts of the server.
        active_deployment: None if no version is live, and from servers before v0.8.
        latest_deployment_attempt: May be in progress; None if there was none, and from servers before v0.8.
    """

    id: str | None = None
    is_deployed: bool | None = None
    deployed_at: str | None = None
    version: int | None = None
    warnings: list[str] | None = None
    active_deployment: ActiveDeployment | None = None
    latest_deployment_attempt: DeploymentAttempt | None = None


@model
class ExportedWorkflow(Model):
    """The workflow that was exported."""

    id: str | None = None
    name: str | None = None
    description: str | None = None
    workspace_id: str | None = None
    folder_id: str | None = None


@model
class WorkflowExport(Model):
    """A workflow for an import into another workspace.

    Attributes:
        version: Version of the format.
        state: Blocks and edges, as JSON data.
    """

    version: str | None = None
    exported_at: str | None = None
    workflow: ExportedWorkflow | None = None
    state: dict[str, Any] | None = None


@model
class ImportedWorkflow(Model):
    """The workflow that an import made.

    Attributes:
        folder_id: None at the top level.
        warnings: Texts of the server.
    """

    id: str | None = None
    name: str | None = None
    description: str | None = None
    workspace_id: str | None = None
    folder_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    warnings: list[str] | None = None
