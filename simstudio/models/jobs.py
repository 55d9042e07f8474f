"""Executions in the background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.conversion import structure
from simstudio.core.errors import JobNotDoneError
from simstudio.core.functions import with_hints
from simstudio.core.model import Model, model
from simstudio.models.execution import WorkflowExecutionResult, error_text
from simstudio.models.large_values import with_references
from simstudio.models.runs import find_resume, find_trace, is_resuming, truncated_field

if TYPE_CHECKING:
    from simstudio.models.pauses import Pause
    from simstudio.traces.trace import Trace
    from simstudio.transport.message import Response

_FINAL = ("completed", "failed", "cancelled")


@model
class Job(Model):
    """The state of an execution in the background.

    Attributes:
        task_id: Id of the job; on v2 of the run.
        status: v0.4: ``queued``, ``processing``, ``completed``, ``failed``, ``cancelled``, ``unknown``. v0.6 and later:
            ``pending``, ``processing``, ``completed``, ``failed``, ``cancelled`` (since v0.8). v2: ``queued``,
            ``pending``, ``running``, ``redacting``, ``paused``, ``completed``, ``failed``, ``cancelled``. A completed
            job of the unversioned routes may hold a failed workflow: see ``succeeded``.
        output: As sent: on the unversioned routes ``{"success", "workflowId", "executionId", "output", "executedAt"}``
            of a completed job. ``job.result.output`` is the workflow's own output on every API version.
        error: As sent: text, an object with ``message``, or None; ``error_message`` is its text.
        metadata: As sent: ``startedAt``, ``completedAt``, ``duration`` in milliseconds, or ids.
        success: Whether the server answered the request; it says nothing about the job.
        estimated_duration: Milliseconds; sent by v0.4 while the job is queued or processing.
        execution_id: Id for ``client.workflows.cancel``; of a resumed run, its first id; None if unknown.
        workflow_id: Id of the workflow; None if unknown.
        api_version: The API that the job came from: ``v1`` (the unversioned routes) or ``v2``; None of a job that was
            constructed in Python.
        block: v2, while the run is paused: its ``paused`` object as sent; if several pauses are waiting, with all of
            them as ``pausePoints``.
        truncated: v2: paths into ``output``, such as ``result.rows[2].text``, of texts that the server cut after 15,000
            characters; ``client.jobs.wait`` reads them in full if it can.
    """

    task_id: str = attrs.field(metadata={"wire": ("taskId", "jobId", "runId", "executionId")})
    status: str
    output: Any = attrs.field(default=None, converter=with_references, metadata={"wire": ("output", "finalOutput")})
    error: Any = None
    metadata: dict[str, Any] | None = None
    success: bool | None = None
    estimated_duration: float | None = None
    execution_id: str | None = None
    workflow_id: str | None = None
    api_version: str | None = None
    block: dict[str, Any] | None = attrs.field(default=None, metadata={"wire": "paused"})
    truncated: tuple[str, ...] = truncated_field()

    @property
    def done(self) -> bool:
        """Whether the job ended or is paused, so that waiting changes nothing more."""
        return self.status in _FINAL or self.paused

    @property
    def paused(self) -> bool:
        """Whether the run waits for a human."""
        if self.status == "paused":
            return not is_resuming(self._mapping())
        return self.status == "completed" and find_resume(self.output) is not None

    @property
    @with_hints
    def pause(self) -> Pause | None:
        """The pause, for ``client.workflows.resume``, or the first of several; None if there is none to answer."""
        return next(iter(self.pauses), None)

    @property
    @with_hints
    def pauses(self) -> list[Pause]:
        """The pauses with which the run waits for a human; empty if there is none to answer."""
        if not self.paused:
            return []
        from simstudio.models.pauses import Pause, find_pauses, parse_pause_object

        known: dict[str, Any] = {"workflow_id": self.workflow_id, "execution_id": self.execution_id}
        if isinstance(self.block, dict):
            return parse_pause_object(self.block, self.output, **known)
        return find_pauses(self.output, **known) or [Pause(**known)]

    @property
    def run_id(self) -> str:
        """The same as ``task_id``, under its name in v2."""
        return self.task_id

    @property
    def succeeded(self) -> bool:
        """Whether the job ended, is not paused, and its workflow succeeded."""
        return self.status == "completed" and not self.paused and self._success() is not False

    @property
    def cancelled(self) -> bool:
        """Whether the server says that the job was cancelled. v0.6 shows a cancelled job like a timed-out one."""
        inner = self.output.get("status") if self._enveloped else None
        return self.status == "cancelled" or inner == "cancelled"

    @property
    def error_message(self) -> str | None:
        """Text of the error; None if there is none."""
        enveloped = self.api_version != "v2" and isinstance(self.output, Mapping)
        for error in (self.error, self.output.get("error") if enveloped else None):
            text = error_text(error)
            if text:
                return text
        return None

    @property
    def result(self) -> WorkflowExecutionResult:
        """The result of the workflow, in the form that ``workflows.execute`` returns.

        Raises:
            JobNotDoneError: The job is not done.
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
            "truncated": self.truncated,
        }
        if self.api_version == "v2":
            return structure(self._mapping(), WorkflowExecutionResult, overrides=values)
        return WorkflowExecutionResult(**values)

    @property
    @with_hints
    def trace(self) -> Trace | None:
        """Trace of the run, block by block; None if the server sent no spans: ``client.traces.get(job)`` reads them."""
        known = {**self._mapping(), **(self.output if self._enveloped else {})}
        if self.done and not self.succeeded and not self.paused:
            known["status"] = "cancelled" if self.cancelled else "failed"
        return find_trace(known)

    @property
    def _enveloped(self) -> bool:
        """Whether the output is the envelope of the unversioned routes around the workflow's own; v2 has none."""
        return self.api_version != "v2" and isinstance(self.output, Mapping) and "output" in self.output

    def _success(self) -> bool | None:
        return self.output.get("success") if self._enveloped else None


def parse_job(
    data: Any,
    *,
    response: Response,
    task_id: str,
    workflow_id: str | None,
    execution_id: str | None,
    truncated: tuple[str, ...] = (),
) -> Job:
    """Make a job of a response of the jobs or the executions route, and of the ids that the request was made with."""
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
    return structure(data, Job, response=response, fallbacks=known, overrides={"truncated": truncated})


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
