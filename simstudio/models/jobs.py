"""Background executions as the server tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.errors import JobNotDoneError
from simstudio.models.base import Model, find_resume, model
from simstudio.models.conversion import structure
from simstudio.models.execution import WorkflowExecutionResult, error_text

if TYPE_CHECKING:
    from simstudio.transport.message import Response

_FINAL = frozenset({"completed", "failed", "cancelled"})


@model
class Job(Model):
    """The state of one background execution.

    Attributes:
        task_id: Its id.
        status: ``pending``, ``processing``, ``completed``, ``failed`` (v0.6); ``queued``, ``processing``,
            ``completed``, ``failed``, ``cancelled``, ``unknown`` (v0.4). A completed job may hold a failed
            workflow: see ``succeeded``.
        output: As sent: ``{"success", "workflowId", "executionId", "output", "executedAt"}`` once it is completed;
            the workflow's own output is ``job.result.output``.
        error: As sent: text, an object with ``message``, or None. ``error_message`` is its text.
        metadata: As sent: ``startedAt``, ``completedAt``, ``duration`` (milliseconds), or ids.
        success: Whether the question was answered; says nothing of the job.
        estimated_duration: Milliseconds, where the server guesses (v0.4, while it is queued or processing).
        execution_id: The id to cancel by, when known.
        workflow_id: The workflow it runs, when known.
    """

    task_id: str = attrs.field(metadata={"wire": ("taskId", "jobId", "runId", "executionId")})
    status: str
    output: Any = attrs.field(default=None, metadata={"wire": ("output", "finalOutput")})
    error: Any = None
    metadata: dict[str, Any] | None = None
    success: bool | None = None
    estimated_duration: float | None = None
    execution_id: str | None = None
    workflow_id: str | None = None

    @property
    def done(self) -> bool:
        """Whether waiting on brings nothing more: it ended, or it is paused."""
        return self.status in _FINAL or self.paused

    @property
    def paused(self) -> bool:
        """Whether it waits for a human (recording 112)."""
        return self.status == "paused" or (self.status == "completed" and find_resume(self.output) is not None)

    @property
    def succeeded(self) -> bool:
        """Whether it ended, not paused, and its workflow succeeded."""
        return self.status == "completed" and not self.paused and self._success() is not False

    @property
    def cancelled(self) -> bool:
        """Whether the server says that it was cancelled. v0.6 does not: its job looks like a timed-out one (340)."""
        inner = self.output.get("status") if isinstance(self.output, Mapping) else None
        return self.status == "cancelled" or inner == "cancelled"

    @property
    def error_message(self) -> str | None:
        """The text of its error, wherever the server put it."""
        for error in (self.error, self.output.get("error") if isinstance(self.output, Mapping) else None):
            text = error_text(error)
            if text:
                return text
        return None

    @property
    def result(self) -> WorkflowExecutionResult:
        """The workflow's result, in the form that ``workflows.execute`` gives.

        Raises:
            JobNotDoneError: The job is not done yet.
        """
        if not self.done:
            message = f"The job {self.task_id} is {self.status!r} and has no result yet; wait for it."
            raise JobNotDoneError(message, job=self)
        output = self.output
        inner: Mapping[str, Any] = {}
        if isinstance(output, Mapping) and "output" in output and isinstance(output.get("success"), bool):
            inner, output = output, output["output"]
        metadata = inner.get("metadata") or self.metadata
        return WorkflowExecutionResult(
            success=self.status in ("completed", "paused") and self._success() is not False,
            output=output,
            error=self.error_message,
            metadata=dict(metadata) if isinstance(metadata, Mapping) else None,
            execution_id=self.execution_id,
            status="paused" if self.paused else self.status,
        )

    def _success(self) -> bool | None:
        return self.output.get("success") if isinstance(self.output, Mapping) and "output" in self.output else None


def job_from(data: Any, *, response: Response, task_id: str, workflow_id: str | None, execution_id: str | None) -> Job:
    """A job from an answer of the jobs or the executions route, and what the asker knows of it."""
    known: dict[str, Any] = {"task_id": task_id, "workflow_id": workflow_id, "execution_id": execution_id}
    if isinstance(data, dict):
        metadata = data.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        correlation = metadata.get("correlation")
        output = data.get("output")
        for place in (correlation, metadata, output):
            if isinstance(place, dict):
                known["workflow_id"] = known["workflow_id"] or _text(place.get("workflowId"))
                known["execution_id"] = known["execution_id"] or _text(place.get("executionId"))
    return structure(data, Job, response=response, known=known)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
