"""Logs of executions in v1.

Costs are in US dollars, times ISO 8601 in UTC, durations in milliseconds. There is no status: a run that is running,
paused or cancelled has the level ``info``, like a successful one.
"""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model
from simstudio.models.v1.limits import Limits
from simstudio.models.v2.logs import TraceSpan


@model
class CostTokens(Model):
    """The tokens of an execution.

    Attributes:
        total: All.
        input: Of prompts.
        output: Of answers.
        prompt: Of prompts, on v0.4.
        completion: Of answers, on v0.4.
    """

    total: int | None = None
    input: int | None = None
    output: int | None = None
    prompt: int | None = None
    completion: int | None = None


@model
class LogCost(Model):
    """What an execution cost.

    Attributes:
        total: US dollars.
        input: US dollars for prompts; with ``details="full"`` only, like the rest.
        output: US dollars for answers.
        tokens: How many.
        models: By name of the model; plain JSON data.
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
        id: Of the file.
        key: Where it is stored.
        url: Address of the file. It answers 401 to API keys.
        name: With its extension.
        size: Bytes.
        type: Its MIME type.
    """

    id: str | None = None
    key: str | None = None
    url: str | None = None
    name: str | None = None
    size: int | None = None
    type: str | None = None


@model
class LogWorkflow(Model):
    """The workflow of an execution; a list shows the first four fields only.

    Attributes:
        id: Of the workflow.
        name: As it is now.
        description: As it is now.
        deleted: Whether it is gone.
        color: ``#rrggbb``.
        folder_id: None at the top.
        user_id: Whose it is.
        workspace_id: Where it is.
        created_at: When it was made.
        updated_at: When it was last changed.
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
    """One execution, as a list shows it.

    Attributes:
        id: Of the log; give it to :meth:`~simstudio.resources.v1.logs.Logs.get`.
        workflow_id: Which workflow.
        execution_id: Give it to :meth:`~simstudio.resources.v1.logs.Logs.execution`.
        deployment_version_id: None of drafts, and on v0.4.
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        started_at: When it began.
        ended_at: None while it runs.
        total_duration_ms: None while it runs.
        cost: In US dollars.
        files: None where there are none.
        workflow: With ``details="full"`` only.
        final_output: With ``include_final_output`` only; plain JSON data.
        trace_spans: With ``include_trace_spans`` only: one root with children.
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
    final_output: Any = None
    trace_spans: list[TraceSpan] | None = None


@model
class ExecutionTrigger(Model):
    """What started an execution.

    Attributes:
        type: ``api``, ``manual`` …
        source: Where from.
        timestamp: When.
    """

    type: str | None = None
    source: str | None = None
    timestamp: str | None = None


@model
class ExecutionEnvironment(Model):
    """What an execution ran in.

    Attributes:
        variables: Plain JSON data.
        user_id: For whom.
        workflow_id: Which workflow.
        execution_id: Of the execution.
        workspace_id: Where.
    """

    variables: dict[str, Any] | None = None
    user_id: str | None = None
    workflow_id: str | None = None
    execution_id: str | None = None
    workspace_id: str | None = None


@model
class BlockMark(Model):
    """The block that began or ended last.

    Attributes:
        block_id: Which.
        block_name: Its name.
        block_type: ``agent``, ``function`` …
        started_at: When it began.
        ended_at: When it ended.
        success: Whether it went well.
    """

    block_id: str | None = None
    block_name: str | None = None
    block_type: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    success: bool | None = None


@model
class ExecutionData(Model):
    """What an execution left behind.

    Attributes:
        trace_spans: The steps that were taken: one root with children.
        final_output: Plain JSON data.
        tokens: How many.
        models: By name of the model; plain JSON data.
        trigger: What started it.
        environment: What it ran in.
        has_trace_spans: Whether there are any.
        trace_span_count: How many.
        finalization_path: How it ended: ``completed`` …
        last_started_block: The last to begin.
        last_completed_block: The last to end.
        execution_state: The server's own state of the run; plain JSON data.
    """

    trace_spans: list[TraceSpan] | None = None
    final_output: Any = None
    tokens: CostTokens | None = None
    models: dict[str, Any] | None = None
    trigger: ExecutionTrigger | None = None
    environment: ExecutionEnvironment | None = None
    has_trace_spans: bool | None = None
    trace_span_count: int | None = None
    finalization_path: str | None = None
    last_started_block: BlockMark | None = None
    last_completed_block: BlockMark | None = None
    execution_state: dict[str, Any] | None = None


@model
class LogDetails(Model):
    """One log in full.

    Attributes:
        id: Of the log.
        workflow_id: Which workflow.
        execution_id: Of the execution.
        level: ``info`` or ``error``.
        trigger: ``api``, ``manual``, ``schedule`` …
        started_at: When it began.
        ended_at: None while it runs.
        total_duration_ms: None while it runs.
        files: None where there are none.
        workflow: Which was run.
        execution_data: What it left behind.
        cost: In US dollars.
        created_at: Of the log.
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


@model
class Position(Model):
    """Where a block is drawn.

    Attributes:
        x: To the right.
        y: Downwards.
    """

    x: float | None = None
    y: float | None = None


@model
class SubBlock(Model):
    """One field of a block, filled in.

    Attributes:
        id: Which.
        type: ``code``, ``dropdown`` …
        value: Plain JSON data.
    """

    id: str | None = None
    type: str | None = None
    value: Any = None


@model
class StateBlock(Model):
    """A block of a workflow as it was run.

    Attributes:
        id: Of the block.
        type: ``start_trigger``, ``function`` …
        name: Its name.
        enabled: Whether it takes part.
        position: Where it is drawn.
        sub_blocks: Its fields, by id; a function's code is among them.
        outputs: A schema by name.
        data: Plain JSON data.
        height: As drawn.
        is_wide: As drawn, on v0.4.
        locked: Whether it may be changed.
        advanced_mode: Which fields are shown.
        trigger_mode: Whether it starts the workflow.
        horizontal_handles: As drawn.
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


@model
class StateEdge(Model):
    """A connection of a workflow as it was run.

    Attributes:
        id: Of the edge.
        type: ``default`` …
        source: The block it leaves.
        target: The block it reaches.
        source_handle: Where it leaves.
        target_handle: Where it arrives.
        data: Plain JSON data.
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
    """A workflow as it was run.

    Attributes:
        blocks: By id, their code included.
        edges: Between them.
        loops: By id; plain JSON data.
        parallels: By id; plain JSON data.
        variables: By id; plain JSON data. None on v0.4.
    """

    blocks: dict[str, StateBlock] | None = None
    edges: list[StateEdge] | None = None
    loops: dict[str, Any] | None = None
    parallels: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None


@model
class ExecutionMetadata(Model):
    """About an execution.

    Attributes:
        trigger: ``api``, ``manual``, ``schedule`` …
        started_at: When it began.
        ended_at: None while it runs.
        total_duration_ms: None while it runs.
        cost: In US dollars.
    """

    trigger: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    total_duration_ms: float | None = None
    cost: LogCost | None = None


@model
class ExecutionDetails(Model):
    """An execution and the workflow as it was run.

    Attributes:
        execution_id: Of the execution.
        workflow_id: Which workflow.
        workflow_state: As it was run.
        execution_metadata: About the execution.
        limits: What may still be run.
    """

    execution_id: str
    workflow_id: str | None = None
    workflow_state: WorkflowState | None = None
    execution_metadata: ExecutionMetadata | None = None
    limits: Limits = attrs.field(factory=Limits)
