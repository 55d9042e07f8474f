"""The result of an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.errors import ExecutionError
from simstudio.core.model import Model, model
from simstudio.models.outputs import find_resume

if TYPE_CHECKING:
    from simstudio.models.pauses import Pause


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
        execution_id: The id of the run: of v1 the server's, missing from failures and streams; of v2 always there.
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
    execution_id: str | None = attrs.field(default=None, metadata={"wire": ("executionId", "runId")})
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
        """Whether the run waits for a human. v1 shows this only by a ``_resume`` in the output."""
        return self.status == "paused" or (self.status is None and find_resume(self.output) is not None)

    @property
    def pause(self) -> Pause | None:
        """What it asks the human, None when it does not wait; for ``client.workflows.resume``."""
        if not self.paused:
            return None
        from simstudio.models.pauses import Pause, pause_in

        known: dict[str, Any] = {"workflow_id": self.workflow_id, "execution_id": self.execution_id}
        return pause_in(self.output, **known) or Pause(**known)

    @property
    def run_id(self) -> str | None:
        """The same as ``execution_id``, under v2's name."""
        return self.execution_id

    @property
    def workflow_id(self) -> str | None:
        """The workflow, where the answer names it (v2 always, v1 of a paused run)."""
        named = self._mapping().get("workflowId")
        resume = named or (find_resume(self.output) or {}).get("workflowId")
        return resume if isinstance(resume, str) else None

    @property
    def block_outputs(self) -> dict[str, Any] | None:
        """Of v2, with ``selected_outputs``: ``{selector: value}``; else None."""
        outputs = self._mapping().get("blockOutputs")
        return outputs if isinstance(outputs, dict) else None


def error_text(error: Any) -> str | None:
    """The text of an error that may be text, an object with ``message``, or absent.

    v2 tells the failed block's name apart (``blockName``); v1 has it before the text, and so has this.
    """
    if not isinstance(error, dict):
        return str(error) if error else None
    text, block = error.get("message"), error.get("blockName")
    if not text:
        return None
    return f"{block}: {text}" if isinstance(block, str) and not str(text).startswith(f"{block}:") else str(text)
