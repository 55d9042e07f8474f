"""Workflows in v2: list items, details, and results of creating and deleting."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model


@model
class Workflow(Model):
    """One workflow.

    Attributes:
        id: Of the workflow.
        web_url: Where a person edits it.
        name: What it is called.
        folder_path: The folder it lies in, percent-encoded by segment; ``/`` is the root.
        workspace_id: Where it is.
        is_deployed: Whether a version of it is live.
        run_count: How often it ran.
        created_at: When, ISO 8601.
        updated_at: When, ISO 8601.
        description: What its author says of it.
        deployed_at: When the live version was deployed, ISO 8601; None where there is none.
        last_run_at: When it last ran, ISO 8601; None where it never did.
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
        id: Of the block.
        type: What it is, such as ``start_trigger`` or ``agent``.
        name: What it is called there.
    """

    id: str
    type: str
    name: str


@model
class CreatedWorkflow(Workflow):
    """A workflow just made.

    Attributes:
        blocks: What it was given to begin with.
    """

    blocks: list[BlockSummary] = attrs.field(kw_only=True)


@model
class WorkflowInput(Model):
    """A field of what a workflow takes.

    Attributes:
        name: Its name in the input.
        type: ``string``, ``number``, ``boolean``, ``object``, ``array``, ``files`` …
        description: What its author says of it.
    """

    name: str
    type: str
    description: str | None = None


@model
class WorkflowDetail(Workflow):
    """One workflow, with what it takes.

    Attributes:
        variables: Its variables by id, as plain JSON data.
        inputs: The fields of its input.
    """

    variables: dict[str, Any] = attrs.field(kw_only=True)
    inputs: list[WorkflowInput] = attrs.field(kw_only=True)


@model
class DeletedWorkflow(Model):
    """A workflow that was archived.

    Attributes:
        id: Of the workflow; ``restore`` takes it.
        deleted: True.
        archived: True.
    """

    id: str
    deleted: bool
    archived: bool


@model
class MovedWorkflows(Model):
    """What became of workflows that were to be moved.

    Attributes:
        moved: The ids of those that were.
        failed: The ids of those that were not.
        folder_path: Where to.
    """

    moved: list[str]
    failed: list[str]
    folder_path: str
