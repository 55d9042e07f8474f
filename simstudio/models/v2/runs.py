"""Runs: the results of executions, and the runs that a server keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.functions import with_hints
from simstudio.core.model import Model, model
from simstudio.models.large_values import with_references
from simstudio.models.pauses import Pause, find_pauses, parse_pause_object
from simstudio.models.runs import find_trace, is_resuming, truncated_field

if TYPE_CHECKING:
    from simstudio.traces.trace import Trace


@model
class RunError(Model):
    """The reason why a run failed.

    Attributes:
        code: ``TIMEOUT``, ``CANCELLED``, ``USAGE_LIMIT_EXCEEDED``, ``INVALID_INPUT``, ``BLOCK_EXECUTION_FAILED``,
            ``CHILD_WORKFLOW_FAILED`` or ``EXECUTION_FAILED``.
        block_id: Id of the block that failed.
    """

    message: str
    code: str | None = None
    block_id: str | None = None
    block_name: str | None = None
    block_type: str | None = None


@model
class RunCost(Model):
    """The cost of a run.

    Attributes:
        total: Credits.
    """

    total: float | None = None


@model
class RunResult(Model):
    """The result of an execution.

    Attributes:
        status: ``completed``, ``failed``, ``paused`` or ``cancelled``, whatever the HTTP status is.
        run_id: Id of the run; of a resumed run a new one, which cannot be read.
        output: JSON data. A value of more than 8 MiB is a :class:`~simstudio.LargeValueRef`, a list a
            :class:`~simstudio.LargeArrayManifest`.
        block_outputs: With ``selected_outputs``: ``{selector: value}``.
        error: None unless the run failed.
        started_at: ISO 8601.
        ended_at: ISO 8601.
        truncated: Paths into ``output``, such as ``result.rows[2].text``, of texts that the server cut after 15,000
            characters. Empty unless the output was read afterwards and the whole could not be had.
    """

    run_id: str
    workflow_id: str
    status: str
    output: Any = attrs.field(default=None, converter=with_references)
    block_outputs: dict[str, Any] | None = attrs.field(default=None, converter=with_references)
    error: RunError | None = None
    started_at: str | None = None
    ended_at: str | None = None
    duration_ms: float | None = None
    truncated: tuple[str, ...] = truncated_field()

    @property
    def succeeded(self) -> bool:
        """Whether the run ended without a failure."""
        return self.status == "completed"

    @property
    def paused(self) -> Pause | None:
        """The pause that waits for a human, or the first of several; None if the run does not wait."""
        return next(iter(self.pauses), None)

    @property
    def pauses(self) -> list[Pause]:
        """The pauses with which the run waits for a human; empty if it does not."""
        if self.status != "paused":
            return []
        known: dict[str, Any] = {"workflow_id": self.workflow_id, "execution_id": self.run_id}
        return find_pauses(self.output, **known) or [Pause(**known)]

    @property
    @with_hints
    def trace(self) -> Trace | None:
        """Trace of the run, block by block; None if the server sent no spans.

        ``client.traces.get(result)`` reads them.
        """
        return find_trace(self._mapping())


@model
class RunReceipt(Model):
    """The receipt of a queued execution.

    Attributes:
        run_id: Id for ``client.v2.runs.get`` and ``client.v2.runs.wait``;
            of a resumed run a new one, which cannot be read.
        status_url: URL of the run on the server's own idea of its public host; the client makes its own.
        queue_position: Position of a resume that waits for another one of the same run.
    """

    run_id: str
    status_url: str | None = None
    queue_position: int | None = None


@model
class RunSummary(Model):
    """A run in a list.

    Attributes:
        status: ``pending``, ``running``, ``redacting``, ``paused``, ``completed``, ``failed`` or ``cancelled``.
        trigger: ``api``, ``manual``, ``schedule`` …
        started_at: ISO 8601.
        ended_at: ISO 8601; None before its end.
        duration_ms: None before its end.
        cost: None if it is unknown.
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
    """The state of a paused run as the server sends it; ``run.paused`` also has the question.

    Attributes:
        paused_at: ISO 8601.
        context_id: Id of the pause that waits.
        resume_at: Time at which a pause of kind ``time`` ends by itself, ISO 8601.
        pause_kind: ``time`` or ``human``.
        blocked_on_block_id: Id of the block that waits.
        automatic_resume_waiting_reason: Reason why the run did not resume by itself; None if it waits for a human.
        resumed_count: Number of pauses that are over.
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
        id: Id for ``client.v2.runs.download_file``.
        size: Bytes.
        type: Media type.
        download_path: Path of the API that returns the file.
        base64: Content of the file, with ``include_file_base64``.
    """

    id: str
    name: str
    size: int | None = None
    type: str | None = None
    download_path: str | None = None
    base64: str | None = None


@model
class Run(Model):
    """A run.

    Attributes:
        status: ``queued``, ``pending``, ``running``, ``redacting``, ``paused``, ``completed``, ``failed`` or
            ``cancelled``.
        trigger: ``api``, ``manual``, ``schedule`` …
        started_at: ISO 8601; None while the run is queued.
        ended_at: ISO 8601; None before its end.
        duration_ms: None before its end.
        pause_state: State of a paused run as the server sends it; as an item, ``run["paused"]``.
        error: None unless the run failed.
        output: With ``include_output``. A value of more than 8 MiB is a :class:`~simstudio.LargeValueRef`, a list a
            :class:`~simstudio.LargeArrayManifest`.
        block_outputs: With ``selected_outputs``: ``{selector: value}``, with long texts in full.
        files: With ``include_output``.
        truncated: Paths into ``output``, such as ``result.rows[2].text``, of texts that the server cut after 15,000
            characters.
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
    output: Any = attrs.field(default=None, converter=with_references)
    block_outputs: dict[str, Any] | None = attrs.field(default=None, converter=with_references)
    files: list[RunFile] | None = None
    truncated: tuple[str, ...] = truncated_field()

    @property
    def done(self) -> bool:
        """Whether the run ended or waits for a human."""
        return self.status in ("completed", "failed", "cancelled", "paused") and not is_resuming(self._mapping())

    @property
    def paused(self) -> Pause | None:
        """The pause that waits for a human; None if the run does not wait. Its question needs ``include_output``."""
        return next(iter(self.pauses), None)

    @property
    def pauses(self) -> list[Pause]:
        """The pauses that wait for a human. Of several, the run names one; ``workflows.get_paused`` has all."""
        if not isinstance(self.pause_state, RunPause):
            return []
        known: dict[str, Any] = {"workflow_id": self.workflow_id, "execution_id": self.run_id}
        return parse_pause_object(self.pause_state.to_dict(), self.output, **known)

    @property
    @with_hints
    def trace(self) -> Trace | None:
        """Trace of the run, block by block; None if the server sent no spans: ``client.traces.get(run)`` reads them."""
        return find_trace(self._mapping())


@model
class RunCancellation(Model):
    """The result of a request to cancel a run.

    Attributes:
        success: False if the run was over.
        redis_available: Whether the server reached Redis.
        durably_recorded: Whether other processes of the server will see the request.
        locally_aborted: Whether the process that answered stopped the run itself.
        paused_cancelled: Whether the run was a paused one.
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
