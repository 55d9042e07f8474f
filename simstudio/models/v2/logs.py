"""Logs of runs, and statistics of them. Costs are in credits, times ISO 8601 in UTC, durations milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.functions import with_hints
from simstudio.core.model import Model, model
from simstudio.models.cut_texts import find_cut_texts
from simstudio.models.large_values import with_references
from simstudio.models.runs import find_trace

if TYPE_CHECKING:
    from simstudio.traces.trace import Trace


@model
class TraceTokens(Model):
    """The tokens of a span.

    Attributes:
        input: Tokens of the prompt.
        output: Tokens of the answer.
    """

    total: int | None = None
    input: int | None = None
    output: int | None = None


@model
class TraceCost(Model):
    """The cost of a span.

    Attributes:
        input: Cost of the prompt.
        output: Cost of the answer.
        tool_cost: Cost of tool calls.
    """

    total: float | None = None
    input: float | None = None
    output: float | None = None
    tool_cost: float | None = None


@model
class TraceToolCall(Model):
    """A tool call in a span.

    Attributes:
        arguments: JSON data.
        result: JSON data.
        error: None if the call succeeded.
    """

    id: str | None = None
    name: str | None = None
    arguments: Any = attrs.field(default=None, converter=with_references)
    result: Any = attrs.field(default=None, converter=with_references)
    error: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    duration: float | None = None


@model
class TraceSpan(Model):
    """A span: one step of a run, with the steps inside it.

    Attributes:
        name: Name of the block; ``Workflow Execution`` of the root.
        type: Type of the block: ``agent``, ``function`` …; ``workflow`` of the root.
        duration: Milliseconds.
        duration_ms: The same as ``duration``, under its later name.
        status: ``success`` or ``error``.
        error_handled: Whether the workflow went on after an error.
        input: JSON data.
        output: JSON data.
        tokens: Number of tokens, or the numbers by kind.
        relative_start_ms: Milliseconds after the start of the run.
        execution_order: Position among the blocks of the run, in the order in which they began, from 1.
        children: Spans inside this one.
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
    input: Any = attrs.field(default=None, converter=with_references)
    output: Any = attrs.field(default=None, converter=with_references)
    tokens: int | float | TraceTokens | None = None
    cost: TraceCost | None = None
    relative_start_ms: float | None = None
    execution_order: int | None = None
    tool_calls: list[TraceToolCall] | None = None
    children: list[TraceSpan] | None = None


@model
class LogFile(Model):
    """A file of a run.

    Attributes:
        size: Bytes.
        type: Media type.
        download_path: Path of the API; ``client.v2.runs.download_file`` reads it.
    """

    id: str
    name: str
    size: int
    type: str
    download_path: str


@model
class LogCost(Model):
    """The cost of a run.

    Attributes:
        total: Credits.
    """

    total: float


@model
class LogWorkflow(Model):
    """The workflow of a run in a list, in its present state.

    Attributes:
        id: None if the workflow was deleted.
    """

    name: str
    deleted: bool
    id: str | None = None
    description: str | None = None


@model
class LogEntry(Model):
    """A run in a list.

    Attributes:
        kind: ``workflow`` or ``job``.
        run_id: Id of the run, for ``client.v2.logs.get``.
        status: ``completed``, ``failed``, ``pending``, ``cancelled``, ``paused``, ``running`` or ``redacting``.
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        has_handled_errors: Whether blocks failed and the workflow went on; None on servers that do not send it.
        workflow_id: None for a job, which has no workflow.
        deployment_version_id: None for a run of the draft.
        ended_at: None before its end.
        total_duration_ms: None before its end.
        files: None if there are none.
        workflow: With ``details="full"`` only.
        final_output: JSON data; with ``include_final_output`` only.
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
    final_output: Any = attrs.field(default=None, converter=with_references)
    trace_spans: list[TraceSpan] | None = None

    @property
    def truncated(self) -> tuple[str, ...]:
        """Paths into ``final_output``, such as ``rows[2].text``, of texts that Sim cut after 15,000 characters."""
        return find_cut_texts(self.final_output)

    @property
    @with_hints
    def trace(self) -> Trace | None:
        """Trace of the run, block by block; None if the list was not asked for spans."""
        return find_trace(self._mapping())


@model
class CostItem(Model):
    """An item of the cost of a run.

    Attributes:
        category: ``model``, ``tool`` or ``fixed``.
        description: Name of the charged service or model.
        input_tokens: None unless the category is ``model``.
        output_tokens: None unless the category is ``model``.
    """

    category: str
    description: str
    cost: float
    input_tokens: int | None = None
    output_tokens: int | None = None


@model
class ItemizedCost(Model):
    """The cost of a run by items.

    Attributes:
        items_: None if the server sends no items. The attribute has an underscore, as a mapping has a method ``items``.
    """

    total: float
    items_: list[CostItem] | None = attrs.field(default=None, metadata={"wire": "items"})


@model
class LogWorkflowDetails(LogWorkflow):
    """The workflow of a run, in its present state."""

    folder_path: str | None = None
    owner_email: str | None = None
    workspace_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


@model
class LogDetails(Model):
    """A run with its spans.

    Attributes:
        status: ``completed``, ``failed``, ``pending``, ``cancelled``, ``paused``, ``running`` or ``redacting``.
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        created_at: Time at which the log was made.
        workflow_id: None for a job, which has no workflow.
        deployment_version_id: None for a run of the draft.
        ended_at: None before its end.
        total_duration_ms: None before its end.
        files: None if there are none.
        workflow_state: Workflow as it was executed, in the server's own form; None if it was not requested.
        final_output: JSON data.
        workflow_input: JSON data.
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
    final_output: Any = attrs.field(default=None, converter=with_references)
    cost: ItemizedCost | None = None
    workflow_input: Any = attrs.field(default=None, converter=with_references)

    @property
    def truncated(self) -> tuple[str, ...]:
        """Paths into ``final_output``, such as ``rows[2].text``, of texts that Sim cut after 15,000 characters."""
        return find_cut_texts(self.final_output)

    @property
    @with_hints
    def trace(self) -> Trace | None:
        """Trace of the run, block by block; None if the server recorded no spans."""
        return find_trace(self._mapping())


@model
class LogSegment(Model):
    """The runs within one segment of time.

    Attributes:
        timestamp: Start of the segment.
        successful_executions: Runs that did not fail.
    """

    timestamp: str
    total_executions: int
    successful_executions: int
    avg_duration_ms: float


@model
class WorkflowStats(Model):
    """The runs of a workflow.

    Attributes:
        segments: In the order of time.
        total_successful: Runs that did not fail.
        overall_success_rate: Percentage of runs that did not fail, 0 to 100; 100 if there were no runs.
    """

    workflow_id: str
    workflow_name: str
    segments: list[LogSegment]
    total_executions: int
    total_successful: int
    overall_success_rate: float


@model
class TimeBounds(Model):
    """The period that statistics cover."""

    start: str
    end: str


@model
class LogStats(Model):
    """Statistics of the runs of a workspace.

    Attributes:
        workflows_truncated: Whether there are more workflows than the response holds.
        aggregate_segments: Runs of all workflows, in the order of time.
        total_errors: Runs that failed.
        avg_latency: Mean duration in milliseconds.
        segment_ms: Length of a segment in milliseconds, 60,000 at least.
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
