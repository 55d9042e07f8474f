"""Workflows."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model


@model
class Workflow(Model):
    """A workflow.

    Attributes:
        folder_path: Path of its folder, percent-encoded by segment; ``/`` is the root.
        is_deployed: Whether a version is live.
        run_count: Number of executions.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        deployed_at: Time at which the live version was deployed, ISO 8601; None if none is live.
        last_run_at: Time of the latest execution, ISO 8601; None before the first.
        web_url: URL of its page in the editor; None on servers that do not send it.
    """

    id: str
    name: str
    folder_path: str
    workspace_id: str
    is_deployed: bool
    run_count: int
    created_at: str
    updated_at: str
    description: str | None = None
    deployed_at: str | None = None
    last_run_at: str | None = None
    web_url: str | None = None


@model
class BlockSummary(Model):
    """A block of a workflow, without its settings.

    Attributes:
        type: Block type, such as ``start_trigger`` or ``agent``.
    """

    id: str
    type: str
    name: str


@model
class CreatedWorkflow(Workflow):
    """A workflow that was just created.

    Attributes:
        blocks: Blocks that it starts with.
    """

    blocks: list[BlockSummary] = attrs.field(kw_only=True)


@model
class WorkflowInput(Model):
    """A field of a workflow's input.

    Attributes:
        type: ``string``, ``number``, ``boolean``, ``object``, ``array``, ``files`` …
    """

    name: str
    type: str
    description: str | None = None


@model
class WorkflowDetail(Workflow):
    """A workflow with its variables and the fields of its input.

    Attributes:
        variables: By id, as JSON data.
        inputs: Fields of the input.
    """

    variables: dict[str, Any] = attrs.field(kw_only=True)
    inputs: list[WorkflowInput] = attrs.field(kw_only=True)


@model
class DeletedWorkflow(Model):
    """A workflow that was archived, and can be restored.

    Attributes:
        deleted: True.
        archived: True.
    """

    id: str
    deleted: bool
    archived: bool


@model
class MovedWorkflows(Model):
    """The result of moving workflows.

    Attributes:
        moved: Ids of moved workflows.
        failed: Ids of workflows that could not be moved.
        folder_path: Path of the target folder.
    """

    moved: list[str]
    failed: list[str]
    folder_path: str
