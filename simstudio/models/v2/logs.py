"""Logs of runs, and what they add up to.

Costs are in credits, times ISO 8601 in UTC, durations milliseconds.
"""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model


@model
class TraceTokens(Model):
    """The tokens of one step.

    Attributes:
        total: All.
        input: Of the prompt.
        output: Of the answer.
    """

    total: int | None = None
    input: int | None = None
    output: int | None = None


@model
class TraceCost(Model):
    """What one step cost.

    Attributes:
        total: All.
        input: Of the prompt.
        output: Of the answer.
        tool_cost: Of the tools that were called.
    """

    total: float | None = None
    input: float | None = None
    output: float | None = None
    tool_cost: float | None = None


@model
class TraceToolCall(Model):
    """A tool that a step called.

    Attributes:
        id: Of the call.
        name: Of the tool.
        arguments: Plain JSON data.
        result: Plain JSON data.
        error: What went wrong.
        start_time: When it began.
        end_time: When it ended.
        duration: Milliseconds.
    """

    id: str | None = None
    name: str | None = None
    arguments: Any = None
    result: Any = None
    error: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    duration: float | None = None


@model
class TraceSpan(Model):
    """One step of a run, with the steps inside it.

    Attributes:
        id: Of the step.
        name: Of the block, or ``Workflow Execution`` at the root.
        type: Of the block: ``agent``, ``function`` …; ``workflow`` at the root.
        duration: Milliseconds.
        duration_ms: Milliseconds, under its newer name.
        start_time: When it began.
        end_time: When it ended.
        status: ``success`` or ``error``.
        error_handled: Whether the workflow went on after an error.
        error_type: The kind of error.
        error_message: What went wrong.
        block_id: Of which block.
        input: What the block got; plain JSON data.
        output: What it gave; plain JSON data.
        tokens: Their number, or more about them.
        cost: What it cost.
        relative_start_ms: Milliseconds after the beginning of the run.
        tool_calls: The tools that it called.
        children: The steps inside it.
    """

    id: str
    name: str
    type: str
    duration: float | None = None
    duration_ms: float | None = None
    start_time: str | None = None
    end_time: str | None = None
    status: str | None = None
    error_handled: bool | None = None
    error_type: str | None = None
    error_message: str | None = None
    block_id: str | None = None
    input: Any = None
    output: Any = None
    tokens: int | float | TraceTokens | None = None
    cost: TraceCost | None = None
    relative_start_ms: float | None = None
    tool_calls: list[TraceToolCall] | None = None
    children: list[TraceSpan] | None = None


@model
class LogFile(Model):
    """A file of a run.

    Attributes:
        id: Of the file.
        name: With its extension.
        size: Bytes.
        type: Its MIME type.
        download_path: Of this API; get it with ``client.v2.runs``.
    """

    id: str
    name: str
    size: int
    type: str
    download_path: str


@model
class LogCost(Model):
    """What a run cost.

    Attributes:
        total: Credits.
    """

    total: float


@model
class LogWorkflow(Model):
    """The workflow of a listed run.

    Attributes:
        id: None where it is gone.
        name: As it is now.
        description: As it is now.
        deleted: Whether it is gone.
    """

    name: str
    deleted: bool
    id: str | None = None
    description: str | None = None


@model
class LogEntry(Model):
    """One run, as a list shows it.

    Attributes:
        kind: ``workflow`` or ``job``.
        run_id: Give it to :meth:`~simstudio.resources.v2.logs.Logs.get`.
        status: ``completed``, ``failed``, ``pending``, ``cancelled``, ``paused``, ``running`` or ``redacting``.
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        started_at: When it began.
        has_handled_errors: Whether blocks failed and the workflow went on.
        workflow_id: None of jobs.
        deployment_version_id: None of drafts.
        ended_at: None while it runs.
        total_duration_ms: None while it runs.
        cost: In credits.
        files: None where there are none.
        workflow: With ``details="full"`` only.
        final_output: With ``include_final_output`` only; plain JSON data.
        trace_spans: With ``include_trace_spans`` only.
    """

    kind: str
    run_id: str
    status: str
    level: str
    trigger: str
    started_at: str
    has_handled_errors: bool | None = None
    workflow_id: str | None = None
    deployment_version_id: str | None = None
    ended_at: str | None = None
    total_duration_ms: float | None = None
    cost: LogCost | None = None
    files: list[LogFile] | None = None
    workflow: LogWorkflow | None = None
    final_output: Any = None
    trace_spans: list[TraceSpan] | None = None


@model
class CostItem(Model):
    """One item of what a run cost.

    Attributes:
        category: ``model``, ``tool`` or ``fixed``.
        description: Of what.
        cost: Credits.
        input_tokens: Of models only.
        output_tokens: Of models only.
    """

    category: str
    description: str
    cost: float
    input_tokens: int | None = None
    output_tokens: int | None = None


@model
class ItemizedCost(Model):
    """What a run cost, and for what.

    Attributes:
        total: Credits.
        items: None where the server does not say; as a mapping it has ``items()`` too, so the attribute is ``items_``.
    """

    total: float
    items_: list[CostItem] | None = attrs.field(default=None, metadata={"wire": "items"})


@model
class LogWorkflowDetails(Model):
    """The workflow of a run.

    Attributes:
        name: As it is now.
        deleted: Whether it is gone.
        id: None where it is gone.
        description: As it is now.
        folder_path: Where it is.
        owner_email: Whose it is.
        workspace_id: Where it is.
        created_at: When it was made.
        updated_at: When it was last changed.
    """

    name: str
    deleted: bool
    id: str | None = None
    description: str | None = None
    folder_path: str | None = None
    owner_email: str | None = None
    workspace_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


@model
class LogDetails(Model):
    """One run in full.

    Attributes:
        run_id: Of the run.
        status: ``completed``, ``failed``, ``pending``, ``cancelled``, ``paused``, ``running`` or ``redacting``.
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        started_at: When it began.
        workflow: Which was run.
        trace_spans: The steps that were taken.
        created_at: Of the log.
        workflow_id: None of jobs.
        deployment_version_id: None of drafts.
        ended_at: None while it runs.
        total_duration_ms: None while it runs.
        files: None where there are none.
        executed_by_email: By whom.
        workflow_state: The workflow as it was run, as the server keeps it; None where it was not asked for.
        final_output: Plain JSON data.
        cost: In credits.
        workflow_input: Plain JSON data.
    """

    run_id: str
    status: str
    level: str
    trigger: str
    started_at: str
    workflow: LogWorkflowDetails
    trace_spans: list[TraceSpan]
    created_at: str
    workflow_id: str | None = None
    deployment_version_id: str | None = None
    ended_at: str | None = None
    total_duration_ms: float | None = None
    files: list[LogFile] | None = None
    executed_by_email: str | None = None
    workflow_state: dict[str, Any] | None = None
    final_output: Any = None
    cost: ItemizedCost | None = None
    workflow_input: Any = None


@model
class LogSegment(Model):
    """The runs of one stretch of time.

    Attributes:
        timestamp: Where it begins.
        total_executions: Runs.
        successful_executions: Those that did not fail.
        avg_duration_ms: Milliseconds.
    """

    timestamp: str
    total_executions: int
    successful_executions: int
    avg_duration_ms: float


@model
class WorkflowStats(Model):
    """The runs of one workflow.

    Attributes:
        workflow_id: Which.
        workflow_name: Its name.
        segments: By time.
        total_executions: Runs.
        total_successful: Those that did not fail.
        overall_success_rate: As the server counts it.
    """

    workflow_id: str
    workflow_name: str
    segments: list[LogSegment]
    total_executions: int
    total_successful: int
    overall_success_rate: float


@model
class TimeBounds(Model):
    """A stretch of time.

    Attributes:
        start: Where it begins.
        end: Where it ends.
    """

    start: str
    end: str


@model
class LogStats(Model):
    """What the runs of a workspace add up to.

    Attributes:
        workflows: By workflow.
        workflows_truncated: Whether there are more workflows than are shown.
        aggregate_segments: Of all, by time.
        total_runs: Runs.
        total_errors: Those that failed.
        avg_latency: Milliseconds.
        time_bounds: What was looked at.
        segment_ms: How long a segment is, in milliseconds; a minute at least.
        handled_error_runs: Runs in which blocks failed and the workflow went on.
    """

    workflows: list[WorkflowStats]
    workflows_truncated: bool
    aggregate_segments: list[LogSegment]
    total_runs: int
    total_errors: int
    avg_latency: float
    time_bounds: TimeBounds
    segment_ms: float
    handled_error_runs: int | None = None
