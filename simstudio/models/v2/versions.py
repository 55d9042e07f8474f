"""Versions of a workflow. Each deployment creates one."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class WorkflowVersion(Model):
    """A version, as it is listed.

    Attributes:
        id: Of the version.
        version: Its number, counted up by each deployment.
        is_active: Whether it is the live one.
        created_at: When, ISO 8601.
        name: Its label.
        description: What was said of it.
        deployed_by: Who deployed it.
        latest_operation_status: Of the last attempt to make it live: ``preparing``, ``activating``, ``active``,
            ``failed`` or ``superseded``; None where there was none.
    """

    id: str
    version: int
    is_active: bool
    created_at: str
    name: str | None = None
    description: str | None = None
    deployed_by: str | None = None
    latest_operation_status: str | None = None


@model
class WorkflowVersionDetail(Model):
    """A version with the graph that it froze.

    Attributes:
        id: Of the version.
        version: Its number.
        is_active: Whether it is the live one.
        created_at: When, ISO 8601.
        state: The graph, as plain JSON data.
        name: Its label.
        description: What was said of it.
    """

    id: str
    version: int
    is_active: bool
    created_at: str
    state: dict[str, Any]
    name: str | None = None
    description: str | None = None


@model
class WorkflowVersionLabels(Model):
    """What a version is called.

    Attributes:
        version: Its number.
        name: Its label.
        description: What is said of it.
    """

    version: int
    name: str | None = None
    description: str | None = None


@model
class VersionDifferences(Model):
    """What differs between two versions. Sim leaves the shape of its entries open: plain JSON data.

    Attributes:
        added_blocks: Only in the target.
        removed_blocks: Only in the base.
        modified_blocks: In both, with other settings.
        container_changes: Blocks that moved into or out of a loop or a parallel.
        has_changes: Whether anything differs.
        edge_changes: Of the connections.
        loop_changes: Of the loops.
        parallel_changes: Of the parallels.
        variable_changes: Of the variables.
    """

    added_blocks: list[Any]
    removed_blocks: list[Any]
    modified_blocks: list[Any]
    container_changes: list[Any]
    has_changes: bool
    edge_changes: Any = None
    loop_changes: Any = None
    parallel_changes: Any = None
    variable_changes: Any = None


@model
class VersionComparison(Model):
    """Two versions of a workflow side by side.

    Attributes:
        workflow_id: Of the workflow.
        base: The number of the one.
        target: The number of the other.
        diff: What the other changed.
    """

    workflow_id: str
    base: int
    target: int
    diff: VersionDifferences


@model
class RevertedWorkflow(Model):
    """A workflow whose draft was overwritten by a version.

    Attributes:
        id: Of the workflow.
        version: The version's number, or ``active``, as it was asked for.
        last_saved: When the draft was saved, milliseconds since 1970.
    """

    id: str
    version: int | str
    last_saved: int
