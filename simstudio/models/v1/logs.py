"""Logs of executions in v1.

Costs are in US dollars, times ISO 8601 in UTC, durations milliseconds. v1 has no status: an execution that runs, waits
or was cancelled has the level ``info``, like one that succeeded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.functions import with_hints
from simstudio.core.model import Model, model
from simstudio.models.cut_texts import find_cut_texts
from simstudio.models.large_values import with_references
from simstudio.models.runs import find_trace
from simstudio.models.v1.limits import Limits
from simstudio.models.v2.logs import TraceSpan

if TYPE_CHECKING:
    from simstudio.traces.trace import Trace


@model
class CostTokens(Model):
    """The tokens of an execution.

    Attributes:
        input: Tokens of prompts.
        output: Tokens of answers.
        prompt: The same as ``input``, on v0.4.
        completion: The same as ``output``, on v0.4.
    """

    total: int | None = None
    input: int | None = None
    output: int | None = None
    prompt: int | None = None
    completion: int | None = None


@model
class LogCost(Model):
    """The cost of an execution, in US dollars.

    Attributes:
        input: Cost of prompts; like the fields below sent with ``details="full"`` only.
        output: Cost of answers.
        models: Cost and tokens by language model, as JSON data.
    """

    total: float | None = None
    input: float | None = None
    output: float | None = None
    tokens: CostTokens | None = None
    models: dict[str, Any] | None = None


@model
class LogFile(Model):
    """A file of an execution.

    Attributes:
        key: Key of the file in the server's storage.
        url: Does not accept API keys (401).
        size: Bytes.
        type: Media type.
    """

    id: str | None = None
    key: str | None = None
    url: str | None = None
    name: str | None = None
    size: int | None = None
    type: str | None = None


@model
class LogWorkflow(Model):
    """The workflow of an execution, in its present state; lists have the first four fields only.

    Attributes:
        color: ``#rrggbb``.
        folder_id: None at the top level.
        user_id: Id of the owner.
    """

    id: str | None = None
    name: str | None = None
    description: str | None = None
    deleted: bool | None = None
    color: str | None = None
    folder_id: str | None = None
    user_id: str | None = None
    workspace_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


@model
class LogEntry(Model):
    """An execution in a list.

    Attributes:
        id: Id of the log, for ``client.v1.logs.get``.
        execution_id: For ``client.v1.logs.execution``.
        deployment_version_id: None of a run of the draft, and on v0.4.
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        ended_at: None while the execution runs.
        total_duration_ms: None while the execution runs.
        files: None if there are none.
        workflow: With ``details="full"`` only.
        final_output: JSON data; with ``include_final_output`` only.
        trace_spans: One root span with children; with ``include_trace_spans`` only.
    """

    id: str
    workflow_id: str | None = None
    execution_id: str | None = None
    deployment_version_id: str | None = None
    level: str | None = None
    trigger: str | None = None
    started_at: str | None = None
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
class ExecutionTrigger(Model):
    """The trigger of an execution.

    Attributes:
        type: ``api``, ``manual`` …
    """

    type: str | None = None
    source: str | None = None
    timestamp: str | None = None


@model
class ExecutionEnvironment(Model):
    """The environment of an execution.

    Attributes:
        variables: JSON data.
        user_id: Id of the user whose environment it was.
    """

    variables: dict[str, Any] | None = None
    user_id: str | None = None
    workflow_id: str | None = None
    execution_id: str | None = None
    workspace_id: str | None = None


@model
class BlockMark(Model):
    """The block of an execution that started last, or ended last.

    Attributes:
        block_type: ``agent``, ``function`` …
        success: Whether the block succeeded.
    """

    block_id: str | None = None
    block_name: str | None = None
    block_type: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    success: bool | None = None


@model
class ExecutionData(Model):
    """The record of an execution.

    Attributes:
        trace_spans: One root span with children.
        final_output: JSON data.
        models: Cost and tokens by language model, as JSON data.
        has_trace_spans: Whether spans were recorded.
        trace_span_count: Number of spans.
        finalization_path: Way in which the execution ended: ``completed`` …
        last_started_block: Block that started last.
        last_completed_block: Block that ended last.
        execution_state: The server's own state of the run, as JSON data.
    """

    trace_spans: list[TraceSpan] | None = None
    final_output: Any = attrs.field(default=None, converter=with_references)
    tokens: CostTokens | None = None
    models: dict[str, Any] | None = None
    trigger: ExecutionTrigger | None = None
    environment: ExecutionEnvironment | None = None
    has_trace_spans: bool | None = None
    trace_span_count: int | None = None
    finalization_path: str | None = None
    last_started_block: BlockMark | None = None
    last_completed_block: BlockMark | None = None
    execution_state: dict[str, Any] | None = attrs.field(default=None, converter=with_references)

    @property
    def truncated(self) -> tuple[str, ...]:
        """Paths into ``final_output``, such as ``rows[2].text``, of texts that Sim cut after 15,000 characters."""
        return find_cut_texts(self.final_output)


@model
class LogDetails(Model):
    """A log with the record of its execution.

    Attributes:
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        ended_at: None while the execution runs.
        total_duration_ms: None while the execution runs.
        files: None if there are none.
        created_at: Time at which the log was made.
    """

    id: str
    workflow_id: str | None = None
    execution_id: str | None = None
    level: str | None = None
    trigger: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    total_duration_ms: float | None = None
    files: list[LogFile] | None = None
    workflow: LogWorkflow | None = None
    execution_data: ExecutionData | None = None
    cost: LogCost | None = None
    created_at: str | None = None

    @property
    @with_hints
    def trace(self) -> Trace | None:
        """Trace of the run, block by block; None if the server recorded no spans."""
        return find_trace(self._mapping())


@model
class Position(Model):
    """Position of a block in the editor, in pixels from the top left."""

    x: float | None = None
    y: float | None = None


@model
class SubBlock(Model):
    """A field of a block with its value.

    Attributes:
        type: ``code``, ``dropdown`` …
        value: JSON data.
    """

    id: str | None = None
    type: str | None = None
    value: Any = None


@model
class StateBlock(Model):
    """A block of a workflow as it was executed.

    Attributes:
        type: ``start_trigger``, ``function`` …
        enabled: Whether the block was executed.
        sub_blocks: Fields by id; the code of a function is among them.
        outputs: Schemas by name.
        data: JSON data.
        height: Height in the editor, in pixels.
        is_wide: Whether the editor shows the block wide; v0.4 only.
        locked: Whether the block cannot be changed.
        advanced_mode: Whether the editor shows the advanced fields.
        trigger_mode: Whether the block starts the workflow.
        horizontal_handles: Whether the editor shows the ports at the sides.
        error_enabled: Whether the block has an output port for failures; None from servers before v0.8.
    """

    id: str | None = None
    type: str | None = None
    name: str | None = None
    enabled: bool | None = None
    position: Position | None = None
    sub_blocks: dict[str, SubBlock] | None = None
    outputs: dict[str, Any] | None = None
    data: dict[str, Any] | None = None
    height: float | None = None
    is_wide: bool | None = None
    locked: bool | None = None
    advanced_mode: bool | None = None
    trigger_mode: bool | None = None
    horizontal_handles: bool | None = None
    error_enabled: bool | None = None


@model
class StateEdge(Model):
    """A connection of a workflow as it was executed.

    Attributes:
        type: ``default`` …
        source: Id of the block at its start.
        target: Id of the block at its end.
        source_handle: Port of the source block.
        target_handle: Port of the target block.
        data: JSON data.
    """

    id: str | None = None
    type: str | None = None
    source: str | None = None
    target: str | None = None
    source_handle: str | None = None
    target_handle: str | None = None
    data: dict[str, Any] | None = None


@model
class WorkflowState(Model):
    """A workflow as it was executed.

    Attributes:
        blocks: By id, with their code.
        loops: By id, as JSON data.
        parallels: By id, as JSON data.
        variables: By id, as JSON data; None on v0.4.
    """

    blocks: dict[str, StateBlock] | None = None
    edges: list[StateEdge] | None = None
    loops: dict[str, Any] | None = None
    parallels: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None


@model
class ExecutionMetadata(Model):
    """The trigger, times and cost of an execution.

    Attributes:
        trigger: ``api``, ``manual``, ``schedule`` …
        ended_at: None while the execution runs.
        total_duration_ms: None while the execution runs.
    """

    trigger: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    total_duration_ms: float | None = None
    cost: LogCost | None = None


@model
class ExecutionDetails(Model):
    """An execution with the workflow as it was executed.

    Attributes:
        limits: Limits of executions and of the account.
    """

    execution_id: str
    workflow_id: str | None = None
    workflow_state: WorkflowState | None = None
    execution_metadata: ExecutionMetadata | None = None
    limits: Limits = attrs.field(factory=Limits)
