"""Rows of a table, and what groups of columns did in them."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class RowRunState(Model):
    """The state of a group in a row.

    Attributes:
        status: ``running``, ``completed``, ``error``, ``canceled`` …
        running_block_ids: Blocks that run now.
        block_errors: Error texts by block id.
        execution_id: Run of the workflow; None if none was started.
        canceled_at: ISO 8601.
    """

    status: str
    workflow_id: str
    running_block_ids: list[str]
    block_errors: dict[str, str]
    execution_id: str | None = None
    error: str | None = None
    canceled_at: str | None = None


@model
class TableRow(Model):
    """A row of a table.

    Attributes:
        id: ``row_…``.
        data: Values by column name, as JSON data, not in the order of the columns. A value that was never set has no
            key; one that was set to null is None.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        run_state: By group id; None unless it was asked for.
    """

    id: str
    data: dict[str, Any]
    created_at: str
    updated_at: str
    run_state: dict[str, RowRunState] | None = None


@model
class InsertedRows(Model):
    """The rows that were inserted, in the order of the request."""

    rows: list[TableRow]
    inserted_count: int


@model
class UpdatedRows(Model):
    """The rows that were updated."""

    updated_count: int
    updated_row_ids: list[str]


@model
class DeletedRows(Model):
    """The rows that were deleted.

    Attributes:
        requested_count: Number of ids in the request; None if it had a filter.
        missing_row_ids: Ids of the request that are no rows of the table; None if it had a filter.
    """

    deleted_count: int
    deleted_row_ids: list[str]
    requested_count: int | None = None
    missing_row_ids: list[str] | None = None


@model
class UpsertedRow(Model):
    """The row after an upsert.

    Attributes:
        operation: ``insert`` or ``update``.
    """

    row: TableRow
    operation: str


@model
class RowCount(Model):
    """The number of rows that match a filter."""

    total_count: int


@model
class RowMatch(Model):
    """A cell that contains a text.

    Attributes:
        ordinal: Index of the row, from 0, among the rows that match the filter, in the order of the request.
    """

    ordinal: int
    row_id: str
    column: str


@model
class RowMatches(Model):
    """The cells that contain a text, at most 1,000.

    Attributes:
        truncated: Whether there are more.
    """

    matches: list[RowMatch]
    truncated: bool


@model
class EnrichmentProvider(Model):
    """The outcome of one provider of an enrichment.

    Attributes:
        status: ``matched``, ``no_match``, ``skipped``, ``error`` or ``not_run``.
        cost: US dollars; 0 if Sim did not charge it.
        error: None unless the status is ``error``.
    """

    id: str
    label: str
    tool_id: str
    status: str
    cost: float
    duration_ms: float
    error: str | None = None


@model
class EnrichmentCascade(Model):
    """The providers that an enrichment asked, one after another.

    Attributes:
        total_cost: US dollars.
        aborted: Whether the run was canceled.
        providers: In the order in which they were asked.
        started_at: ISO 8601.
        completed_at: ISO 8601.
        matched_provider: None if no provider had an answer.
    """

    duration_ms: float
    total_cost: float
    aborted: bool
    providers: list[EnrichmentProvider]
    started_at: str | None = None
    completed_at: str | None = None
    matched_provider: str | None = None


@model
class RowEnrichment(Model):
    """The state of a group in a row.

    Attributes:
        outputs: Values by column; None from servers before September 2026.
        run_state: None if the group has not run; always from servers before September 2026.
        cascade: None unless the group is an enrichment.
    """

    group_id: str
    outputs: dict[str, Any] | None = None
    run_state: RowRunState | None = None
    cascade: EnrichmentCascade | None = None
