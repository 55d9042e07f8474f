"""The results of executions: whole ones, and the receipts of those that were queued."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.errors import ExecutionError
from simstudio.models.base import Model, find_resume, model


@model
class WorkflowExecutionResult(Model):
    """What an execution brought.

    Attributes:
        success: Whether the workflow succeeded. (A Response block's answer counts as success: it ran.)
        output: Plain JSON data: the last block's output, a Response block's body, or, of a stream with
            ``selected_outputs``, ``{block_id: {path: value}}``.
        error: The server's text when it failed, else None. Kept as sent, should it not be text.
        logs: Plain JSON data; current servers do not send it.
        metadata: ``duration`` in milliseconds, ``startTime`` and ``endTime`` as ISO 8601.
        trace_spans: Plain JSON data; current servers do not send it.
        total_duration: Milliseconds; current servers do not send it.
        execution_id: The server's id of the run; missing from failures and streams.
        status: The run's status where the server sends one (``paused`` of a stream, of v2 always), else None.

    Example:
        >>> WorkflowExecutionResult(success=True, output={"n": 1})["output"]["n"]
        1
    """

    success: bool
    output: Any = None
    error: str | None = None
    logs: list[Any] | None = None
    metadata: dict[str, Any] | None = None
    trace_spans: list[Any] | None = None
    total_duration: float | None = None
    execution_id: str | None = None
    status: str | None = None

    def raise_for_failure(self) -> WorkflowExecutionResult:
        """The result itself, when it succeeded: for code that must work on servers that answer a failure with 200.

        Raises:
            ExecutionError: It did not succeed (on v0.4, or cancelled: v0.6 raises by itself); ``error.result`` is this.

        Example:
            >>> WorkflowExecutionResult(success=True, output=1).raise_for_failure().output
            1
        """
        if self.success:
            return self
        message = error_text(self.error) or "The workflow failed"
        raise ExecutionError(f"{message}. The result is in error.result.", result=self)

    @property
    def paused(self) -> bool:
        """Whether the run waits for a human: v1 says so only by a ``_resume`` in its output (recording 094)."""
        return self.status == "paused" or (self.status is None and find_resume(self.output) is not None)


@model
class AsyncExecutionResult(Model):
    """The receipt of a queued execution: give it to ``client.jobs.get`` or ``client.jobs.wait``.

    One class for every generation of the server: ``taskId``/``links`` (the documents, v0.4), ``jobId``/``executionId``/
    ``statusUrl`` (v0.6) and ``runId`` (v2).

    Attributes:
        success: Whether it was queued.
        task_id: The id to ask for.
        status: ``queued``.
        created_at: ISO 8601, where the server says it (v0.4), else None.
        links: ``links["status"]`` is the path to ask, on the client's base address.
        execution_id: The id to cancel by, where the server says it (v0.6).
        status_url: The address as the server gave it: its own idea of its public host. The client uses its path only.
        message: The server's text.
        workflow_id: The workflow it runs.
    """

    success: bool
    task_id: str = attrs.field(metadata={"wire": ("taskId", "jobId", "runId", "executionId")})
    status: str = "queued"
    created_at: str | None = None
    links: dict[str, str] = attrs.field(factory=dict)
    execution_id: str | None = None
    status_url: str | None = None
    message: str | None = None
    workflow_id: str | None = None

    def __contains__(self, name: object) -> bool:
        """Whether a name came; ``links`` is always there, whatever the server calls it."""
        return name == "links" or super().__contains__(name)


def error_text(error: Any) -> str | None:
    """The text of an error that may be text, an object with ``message``, or absent."""
    text = error.get("message") if isinstance(error, dict) else error
    return str(text) if text else None


@model
class CancelResult(Model):
    """What came of asking to cancel an execution.

    Attributes:
        success: Whether the request was recorded. Sim says true even of unknown and finished executions (recordings
            086, 087), and false (with 200) where it has no Redis (345): the run then goes on.
        execution_id: Of the execution.
        reason: ``recorded``, ``redis_unavailable`` …
        redis_available: Whether the server could record it.
        durably_recorded: Whether other server processes will see it.
        locally_aborted: Whether the asked process itself stopped it.
        paused_cancelled: Whether it was a paused one.
    """

    success: bool
    execution_id: str | None = None
    reason: str | None = None
    redis_available: bool | None = None
    durably_recorded: bool | None = None
    locally_aborted: bool | None = None
    paused_cancelled: bool | None = None
