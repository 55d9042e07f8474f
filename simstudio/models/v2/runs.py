"""Runs of workflows: results of executions, and states that are fetched later."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model
from simstudio.models.pauses import Pause, pause_block, pause_in


@model
class RunError(Model):
    """Why a run failed.

    Attributes:
        message: The server's text.
        code: ``TIMEOUT``, ``CANCELLED``, ``USAGE_LIMIT_EXCEEDED``, ``INVALID_INPUT``, ``BLOCK_EXECUTION_FAILED``,
            ``CHILD_WORKFLOW_FAILED`` or ``EXECUTION_FAILED``.
        block_id: The block that failed.
        block_name: What it is called.
        block_type: Of what kind it is.
    """

    message: str
    code: str | None = None
    block_id: str | None = None
    block_name: str | None = None
    block_type: str | None = None


@model
class RunCost(Model):
    """What a run cost.

    Attributes:
        total: Credits (not dollars).
    """

    total: float | None = None


@model
class RunResult(Model):
    """What an execution brought, once it was over.

    Attributes:
        run_id: The run.
        workflow_id: The workflow.
        status: ``completed``, ``failed``, ``paused`` or ``cancelled``: it, and not HTTP's status, decides.
        output: Plain JSON data; values that were too large are :class:`~simstudio.LargeValueRef`.
        block_outputs: With ``selected_outputs``: ``{selector: value}``.
        error: Why it failed.
        started_at: ISO 8601.
        ended_at: ISO 8601.
        duration_ms: Milliseconds.
    """

    run_id: str
    workflow_id: str
    status: str
    output: Any = None
    block_outputs: dict[str, Any] | None = None
    error: RunError | None = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: float | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it ran to its end without failing."""
        return self.status == "completed"

    @property
    def paused(self) -> Pause | None:
        """What it asks the human, None when it does not wait."""
        if self.status != "paused":
            return None
        known: dict[str, Any] = {"workflow_id": self.workflow_id, "execution_id": self.run_id}
        return pause_in(self.output, **known) or Pause(**known)


@model
class RunReceipt(Model):
    """The receipt of a queued execution.

    Attributes:
        run_id: The run, for ``client.v2.runs.get`` and ``client.v2.runs.wait``.
        status_url: Where to ask, as the server thinks of its public host; the client makes its own address.
        queue_position: Of a resume that waits its turn.
    """

    run_id: str
    status_url: str | None = None
    queue_position: int | None = None


@model
class RunSummary(Model):
    """A run in a list.

    Attributes:
        run_id: The run.
        workflow_id: The workflow.
        status: ``pending``, ``running``, ``redacting``, ``paused``, ``completed``, ``failed`` or ``cancelled``.
        trigger: What began it: ``api``, ``manual``, ``schedule`` …
        started_at: ISO 8601.
        ended_at: ISO 8601, None while it runs.
        duration_ms: Milliseconds, None while it runs.
        cost: In credits, None where it is not known.
    """

    run_id: str
    workflow_id: str
    status: str
    trigger: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: float | None = None
    cost: RunCost | None = None


@model
class RunPause(Model):
    """The state of a paused run, as the server tells it; ``run.paused`` has it with what is asked.

    Attributes:
        paused_at: ISO 8601.
        context_id: Which pause waits.
        resume_at: When it goes on by itself, ISO 8601.
        pause_kind: ``time`` or ``human``.
        blocked_on_block_id: The block that waits.
        automatic_resume_waiting_reason: Why it has not gone on by itself.
        pause_point_count: How many pauses it has had.
        resumed_count: How many of them are over.
    """

    paused_at: str | None = None
    context_id: str | None = None
    resume_at: str | None = None
    pause_kind: str | None = None
    blocked_on_block_id: str | None = None
    automatic_resume_waiting_reason: str | None = None
    pause_point_count: int | None = None
    resumed_count: int | None = None


@model
class RunFile(Model):
    """A file that a run made.

    Attributes:
        id: For ``client.v2.runs.download_file``.
        name: What it is called.
        size: Bytes.
        type: Its media type.
        download_path: The path of the API that gives it.
        base64: Its bytes, with ``include_file_base64``.
    """

    id: str
    name: str
    size: int | None = None
    type: str | None = None
    download_path: str | None = None
    base64: str | None = None


@model
class Run(Model):
    """One run.

    Attributes:
        run_id: The run.
        workflow_id: The workflow.
        status: ``queued``, ``pending``, ``running``, ``redacting``, ``paused``, ``completed``, ``failed`` or
            ``cancelled``.
        trigger: What began it.
        started_at: ISO 8601, None while it is queued.
        ended_at: ISO 8601, None while it runs.
        duration_ms: Milliseconds, None while it runs.
        pause_state: While it is paused: what the server tells of that; as an item, ``run["paused"]``.
        cost: In credits.
        error: Why it failed.
        output: With ``include_output``.
        block_outputs: With ``selected_outputs``: ``{selector: value}``.
        files: With ``include_output``.
    """

    run_id: str
    workflow_id: str
    status: str
    trigger: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: float | None = None
    pause_state: RunPause | None = attrs.field(default=None, metadata={"wire": "paused"})
    cost: RunCost | None = None
    error: RunError | None = None
    output: Any = None
    block_outputs: dict[str, Any] | None = None
    files: list[RunFile] | None = None

    @property
    def done(self) -> bool:
        """Whether it ended or waits for a human."""
        return self.status in ("completed", "failed", "cancelled", "paused")

    @property
    def paused(self) -> Pause | None:
        """What it asks the human, None when it does not wait. What is asked is in its output: ``include_output``."""
        if self.pause_state is None:
            return None
        return pause_block(
            self.pause_state.to_dict(), self.output, workflow_id=self.workflow_id, execution_id=self.run_id
        )


@model
class RunCancellation(Model):
    """What came of asking to cancel a run.

    Attributes:
        success: Whether it was asked to stop; False of a run that was over.
        run_id: The run.
        redis_available: Whether the server could record it.
        durably_recorded: Whether other server processes will see it.
        locally_aborted: Whether the asked process itself stopped it.
        paused_cancelled: Whether it was a paused one.
        reason: ``recorded``, ``already_cancelled``, ``already_completed``, ``already_failed``, ``queue_cancelled``,
            ``redis_unavailable`` …
    """

    success: bool
    run_id: str
    redis_available: bool | None = None
    durably_recorded: bool | None = None
    locally_aborted: bool | None = None
    paused_cancelled: bool | None = None
    reason: str | None = None
