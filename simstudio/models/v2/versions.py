"""The versions of a workflow. Each deployment makes one."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class WorkflowVersion(Model):
    """A version in a list.

    Attributes:
        version: Number of the version, from 1.
        is_active: Whether the version is live.
        created_at: ISO 8601.
        name: Label; None if it has none.
        deployed_by: Name of the person who deployed it.
        latest_operation_status: Status of the latest attempt to make it live: ``preparing``, ``activating``,
            ``active``, ``failed`` or ``superseded``; None if there was none.
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
    """A version with its graph.

    Attributes:
        version: Number of the version, from 1.
        is_active: Whether the version is live.
        created_at: ISO 8601.
        state: Graph, as JSON data.
        name: Label; None if it has none.
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
    """The label and the description of a version.

    Attributes:
        version: Number of the version, from 1.
        name: Label; None if it has none.
    """

    version: int
    name: str | None = None
    description: str | None = None


@model
class VersionDifferences(Model):
    """The differences between two versions. Sim leaves the form of the entries open: JSON data.

    Attributes:
        added_blocks: Blocks of the target only.
        removed_blocks: Blocks of the base only.
        modified_blocks: Blocks with other settings.
        container_changes: Blocks that moved into or out of a loop or a parallel.
        has_changes: Whether anything differs.
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
    """Two versions of a workflow, and their differences.

    Attributes:
        base: Number of the version that is compared with.
        target: Number of the version that is compared.
        diff: Changes from the base to the target.
    """

    workflow_id: str
    base: int
    target: int
    diff: VersionDifferences


@model
class RevertedWorkflow(Model):
    """A workflow whose draft was replaced by a version.

    Attributes:
        id: Id of the workflow.
        version: Number of the version, or ``active``, as in the request.
        last_saved: Time at which the draft was saved, in milliseconds since 1970.
    """

    id: str
    version: int | str
    last_saved: int
