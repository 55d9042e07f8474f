"""Background executions as the server tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.conversion import structure
from simstudio.core.errors import JobNotDoneError
from simstudio.core.model import Model, model
from simstudio.models.execution import WorkflowExecutionResult, error_text
from simstudio.models.outputs import find_resume

if TYPE_CHECKING:
    from simstudio.models.pauses import Pause
    from simstudio.transport.message import Response

_FINAL = ("completed", "failed", "cancelled")


@model
class Job(Model):
    """The state of one background execution.

    Attributes:
        task_id: Its id.
        status: ``pending``, ``processing``, ``completed``, ``failed`` (v0.6); ``queued``, ``processing``,
            ``completed``, ``failed``, ``cancelled``, ``unknown`` (v0.4); ``queued``, ``pending``, ``running``,
            ``redacting``, ``paused``, ``completed``, ``failed``, ``cancelled`` (v2). A completed job of v1 may hold a
            failed workflow: see ``succeeded``.
        output: As sent: of v1 ``{"success", "workflowId", "executionId", "output", "executedAt"}`` once it is
            completed; the workflow's own output is ``job.result.output``, in every version.
        error: As sent: text, an object with ``message``, or None. ``error_message`` is its text.
        metadata: As sent: ``startedAt``, ``completedAt``, ``duration`` (milliseconds), or ids.
        success: Whether the question was answered; says nothing of the job.
        estimated_duration: Milliseconds, where the server guesses (v0.4, while it is queued or processing).
        execution_id: The id to cancel by, when known.
        workflow_id: The workflow it runs, when known.
        api_version: Which API told of it (``v1``, ``v2``); None of a job made by hand.
        block: Of v2, while it is paused: the run's ``paused`` object, as sent.
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
    api_version: str | None = None
    block: dict[str, Any] | None = attrs.field(default=None, metadata={"wire": "paused"})

    @property
    def done(self) -> bool:
        """Whether waiting on brings nothing more: it ended, or it is paused."""
        return self.status in _FINAL or self.paused

    @property
    def paused(self) -> bool:
        """Whether it waits for a human (recording 112)."""
        return self.status == "paused" or (self.status == "completed" and find_resume(self.output) is not None)

    @property
    def pause(self) -> Pause | None:
        """What it asks the human, None when it does not wait; for ``client.workflows.resume``."""
        if not self.paused:
            return None
        from simstudio.models.pauses import Pause, pause_block, pause_in

        known: dict[str, Any] = {"workflow_id": self.workflow_id, "execution_id": self.execution_id}
        if isinstance(self.block, dict):
            return pause_block(self.block, self.output, **known)
        return pause_in(self.output, **known) or Pause(**known)

    @property
    def run_id(self) -> str:
        """The same as ``task_id``, under v2's name."""
        return self.task_id

    @property
    def succeeded(self) -> bool:
        """Whether it ended, not paused, and its workflow succeeded."""
        return self.status == "completed" and not self.paused and self._success() is not False

    @property
    def cancelled(self) -> bool:
        """Whether the server says that it was cancelled. v0.6 does not: its job looks like a timed-out one (340)."""
        inner = self.output.get("status") if self._enveloped else None
        return self.status == "cancelled" or inner == "cancelled"

    @property
    def error_message(self) -> str | None:
        """The text of its error, wherever the server put it."""
        enveloped = self.api_version != "v2" and isinstance(self.output, Mapping)
        for error in (self.error, self.output.get("error") if enveloped else None):
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
        if self._enveloped and isinstance(output.get("success"), bool):
            inner, output = output, output["output"]
        metadata = inner.get("metadata") or self.metadata
        values: dict[str, Any] = {
            "success": self.status in ("completed", "paused") and self._success() is not False,
            "output": output,
            "error": self.error_message,
            "metadata": dict(metadata) if isinstance(metadata, Mapping) else None,
            "execution_id": self.execution_id,
            "status": "paused" if self.paused else self.status,
        }
        if self.api_version == "v2":
            return structure(self._mapping(), WorkflowExecutionResult, overrides=values)
        return WorkflowExecutionResult(**values)

    @property
    def _enveloped(self) -> bool:
        """Whether the output is v1's envelope around the workflow's own; v2 has none, whatever a workflow gives."""
        return self.api_version != "v2" and isinstance(self.output, Mapping) and "output" in self.output

    def _success(self) -> bool | None:
        return self.output.get("success") if self._enveloped else None


def job_from(data: Any, *, response: Response, task_id: str, workflow_id: str | None, execution_id: str | None) -> Job:
    """A job from an answer of the jobs or the executions route, and what the asker knows of it."""
    known: dict[str, Any] = {"task_id": task_id, "workflow_id": workflow_id, "execution_id": execution_id}
    known["api_version"] = "v1"
    if isinstance(data, dict):
        metadata = data.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        correlation = metadata.get("correlation")
        output = data.get("output")
        for place in (correlation, metadata, output):
            if isinstance(place, dict):
                known["workflow_id"] = known["workflow_id"] or _text(place.get("workflowId"))
                known["execution_id"] = known["execution_id"] or _text(place.get("executionId"))
    return structure(data, Job, response=response, fallbacks=known)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
