"""Groups of columns that a workflow or an enrichment fills, and their runs."""

from __future__ import annotations

from simstudio.core.model import Model, model
from simstudio.models.v2.tables import TableColumn


@model
class GroupDependencies(Model):
    """The columns that must have a value before a group runs."""

    columns: list[str] | None = None


@model
class GroupOutput(Model):
    """An output of a workflow or enrichment, and the column that it fills.

    Attributes:
        block_id: Block of the workflow; empty for an enrichment.
        path: Output of the block, such as ``result``; empty for an enrichment.
        output_id: Output of the enrichment.
    """

    block_id: str
    path: str
    column_name: str
    output_id: str | None = None


@model
class GroupInput(Model):
    """An input of a workflow or enrichment, and the column that it is read from."""

    input_name: str
    column_name: str


@model
class WorkflowGroup(Model):
    """Columns that a workflow or an enrichment fills.

    Attributes:
        workflow_id: Empty for an enrichment.
        name: None if the group has none.
        type: ``manual`` (a workflow; also if None) or ``enrichment``.
        deployment_mode: Version of the workflow that runs: ``deployed`` or ``live`` (the draft); None for the
            server's default.
        auto_run: Whether the group runs in rows that are inserted; None: it does.
    """

    id: str
    workflow_id: str
    outputs: list[GroupOutput]
    enrichment_id: str | None = None
    name: str | None = None
    type: str | None = None
    dependencies: GroupDependencies | None = None
    input_mappings: list[GroupInput] | None = None
    deployment_mode: str | None = None
    auto_run: bool | None = None


@model
class SavedWorkflowGroup(Model):
    """A group that was added or changed, and all columns of the table."""

    group: WorkflowGroup
    columns: list[TableColumn]


@model
class DeletedWorkflowGroup(Model):
    """The response to the deletion of a group.

    Attributes:
        deleted: True.
        columns: Columns that remain.
    """

    id: str
    deleted: bool
    columns: list[TableColumn]


@model
class DispatchScope(Model):
    """The cells that a dispatch runs.

    Attributes:
        row_ids: None: not limited to these rows.
        filtered: Whether the rows were chosen by a filter.
        exclude_row_ids: Rows that are left out.
    """

    group_ids: list[str]
    row_ids: list[str] | None = None
    filtered: bool | None = None
    exclude_row_ids: list[str] | None = None


@model
class DispatchLimit(Model):
    """The largest number of rows that a dispatch runs.

    Attributes:
        type: ``rows``.
    """

    type: str
    max: int


@model
class TableDispatch(Model):
    """A run of groups over rows.

    Attributes:
        id: ``tdsp_…``.
        status: ``pending``, ``dispatching``, ``complete`` or ``canceled``. A complete dispatch has started its cells;
            whether one of them failed is in the rows' ``run_state``.
        mode: ``all`` (all cells again), ``incomplete`` or ``new`` (cells that have never run).
        processed_count: Stays 0 on servers of August 2026.
        is_manual_run: Whether a person or an API call started it.
        requested_at: ISO 8601.
        limit: None for no limit.
        completed_at: ISO 8601.
        canceled_at: ISO 8601.
    """

    id: str
    table_id: str
    workspace_id: str
    status: str
    mode: str
    scope: DispatchScope
    processed_count: int
    is_manual_run: bool
    requested_at: str
    limit: DispatchLimit | None = None
    completed_at: str | None = None
    canceled_at: str | None = None

    @property
    def done(self) -> bool:
        """Whether the dispatch has ended."""
        return self.status in ("complete", "canceled")


@model
class StartedDispatch(Model):
    """A dispatch that was started.

    Attributes:
        dispatch_id: None if there was nothing to run.
    """

    dispatch_id: str | None = None
