"""Workflows in v1. Times are ISO 8601 in UTC."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class Workflow(Model):
    """A workflow, as a list shows it.

    Attributes:
        id: Of the workflow.
        name: Its name.
        description: What it says of itself.
        color: ``#rrggbb``.
        folder_id: None at the top.
        workspace_id: Where it is.
        is_deployed: Whether it can be run by others.
        deployed_at: Since when.
        run_count: Runs so far.
        last_run_at: The latest of them.
        created_at: When it was made.
        updated_at: When it was last changed.
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
    """A field that a workflow takes.

    Attributes:
        name: Its name in the input.
        type: ``string``, ``number``, ``file[]`` …
        description: What it is.
    """

    name: str | None = None
    type: str | None = None
    description: str | None = None


@model
class WorkflowDetails(Model):
    """A workflow in full.

    Attributes:
        id: Of the workflow.
        name: Its name.
        description: What it says of itself.
        color: ``#rrggbb``.
        folder_id: None at the top.
        workspace_id: Where it is.
        is_deployed: Whether it can be run by others.
        deployed_at: Since when.
        run_count: Runs so far.
        last_run_at: The latest of them.
        variables: Plain JSON data.
        inputs: What it takes.
        created_at: When it was made.
        updated_at: When it was last changed.
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
    """What became of a deployment.

    Not recorded: the shape is that of v2, and every field may be missing.

    Attributes:
        id: Of the workflow.
        is_deployed: Whether it can be run by others now.
        deployed_at: Since when.
        version: Which version is, or will be, live.
        warnings: What the server minds.
    """

    id: str | None = None
    is_deployed: bool | None = None
    deployed_at: str | None = None
    version: int | None = None
    warnings: list[str] | None = None


@model
class ExportedWorkflow(Model):
    """Which workflow was exported.

    Attributes:
        id: Of the workflow.
        name: Its name.
        description: What it says of itself.
        workspace_id: Where it was.
        folder_id: In which folder.
    """

    id: str | None = None
    name: str | None = None
    description: str | None = None
    workspace_id: str | None = None
    folder_id: str | None = None


@model
class WorkflowExport(Model):
    """A workflow that can be imported elsewhere.

    Not recorded: the shape is that of v2, and every field may be missing.

    Attributes:
        version: Of the format.
        exported_at: When.
        workflow: Which it was.
        state: Its blocks and edges: plain JSON data, as the server keeps it.
    """

    version: str | None = None
    exported_at: str | None = None
    workflow: ExportedWorkflow | None = None
    state: dict[str, Any] | None = None


@model
class ImportedWorkflow(Model):
    """The workflow that an import made.

    Not recorded: the shape is that of v2, and every field may be missing.

    Attributes:
        id: Of the new workflow.
        name: Its name.
        description: What it says of itself.
        workspace_id: Where it is.
        folder_id: None at the top.
        created_at: When it was made.
        updated_at: When it was last changed.
        warnings: What the server minds.
    """

    id: str | None = None
    name: str | None = None
    description: str | None = None
    workspace_id: str | None = None
    folder_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    warnings: list[str] | None = None
