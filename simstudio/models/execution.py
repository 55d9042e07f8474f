"""The result of an execution."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attr  # the library of attrs, without the six modules that only rename it

from simstudio.core.errors import ExecutionError, ExecutionTimeoutError
from simstudio.core.functions import with_hints
from simstudio.core.model import Model, model
from simstudio.models.large_values import with_references
from simstudio.models.runs import find_resume, find_trace, trace_advice, truncated_field

if TYPE_CHECKING:
    from simstudio.models.pauses import Pause
    from simstudio.traces.trace import Trace


@model
class WorkflowExecutionResult(Model):
    """The result of an execution.

    Attributes:
        success: Whether the workflow succeeded. A workflow that ends in a Response block has, whatever that answers.
        output: JSON data: the output of the last block, or the body of a Response block; of a stream with
            ``selected_outputs``, ``{block_id: {path: value}}``. A value of more than 8 MiB is a
            :class:`~simstudio.LargeValueRef`, a list a :class:`~simstudio.LargeArrayManifest`.
        error: Error text, or whatever the server sent in its place; None if the workflow succeeded.
        logs: JSON data; not sent by current servers.
        metadata: ``duration`` in milliseconds, ``startTime`` and ``endTime`` in ISO 8601.
        trace_spans: JSON data; not sent by current servers.
        total_duration: Milliseconds; not sent by current servers.
        execution_id: Id of the run, under which the server keeps it: of a resumed run, the first one. On the
            unversioned routes, failures and streams do not name it; on v2 it is always set.
        status: Status of the run: on v2 always, on the unversioned routes ``paused`` at the end of a stream; else None.
        truncated: Paths into ``output``, such as ``result.rows[2].text``, of texts that the server cut after 15,000
            characters. Empty unless the output was read afterwards and the whole could not be had.

    Example:
        >>> WorkflowExecutionResult(success=True, output={"n": 1})["output"]["n"]
        1
    """

    success: bool
    output: Any = attr.field(default=None, converter=with_references)
    error: str | None = None
    logs: list[Any] | None = attr.field(default=None, converter=with_references)
    metadata: dict[str, Any] | None = None
    trace_spans: list[Any] | None = attr.field(default=None, converter=with_references)
    total_duration: float | None = None
    execution_id: str | None = attr.field(default=None, metadata={"wire": ("executionId", "runId")})
    status: str | None = None
    truncated: tuple[str, ...] = truncated_field()

    def raise_for_failure(self) -> WorkflowExecutionResult:
        """Return the result if the workflow succeeded: for servers that answer a failure with 200, as v0.4 does.

        Raises:
            ExecutionError: The workflow failed or was cancelled; ``error.result`` is this result.

        Example:
            >>> WorkflowExecutionResult(success=True, output=1).raise_for_failure().output
            1
        """
        if self.success:
            return self
        error: Any = self._mapping().get("error") or self.error
        message = error_text(error) or "The workflow failed"
        kind = ExecutionTimeoutError if is_time_limit(error) else ExecutionError
        api_version = "v2" if "runId" in self._mapping() else None
        advice = trace_advice(self.execution_id, self.workflow_id, api_version)
        failure = kind(f"{message}. The result is in error.result. {advice}", result=self, **error_facts(error))
        failure.run_id = self.execution_id
        raise failure

    @property
    def paused(self) -> bool:
        """Whether the run waits for a human. On the unversioned routes only a ``_resume`` in the output says so."""
        return self.status == "paused" or (self.status is None and find_resume(self.output) is not None)

    @property
    @with_hints
    def pause(self) -> Pause | None:
        """The pause, for ``client.workflows.resume``, or the first of several; None if the run is not paused."""
        return next(iter(self.pauses), None)

    @property
    @with_hints
    def pauses(self) -> list[Pause]:
        """The pauses with which the run waits for a human; empty if it does not."""
        if not self.paused:
            return []
        from simstudio.models.pauses import Pause, find_pauses

        known: dict[str, Any] = {"workflow_id": self.workflow_id, "execution_id": self.execution_id}
        return find_pauses(self.output, **known) or [Pause(**known)]

    @property
    def run_id(self) -> str | None:
        """The same as ``execution_id``, under its name in v2."""
        return self.execution_id

    @property
    def workflow_id(self) -> str | None:
        """Id of the workflow; on the unversioned routes known of a paused run only, else None."""
        named = self._mapping().get("workflowId")
        resume = named or (find_resume(self.output) or {}).get("workflowId")
        return resume if isinstance(resume, str) else None

    @property
    def block_outputs(self) -> dict[str, Any] | None:
        """v2, with ``selected_outputs``: ``{selector: value}``; else None."""
        outputs = with_references(self._mapping().get("blockOutputs"))
        return outputs if isinstance(outputs, dict) else None

    @property
    @with_hints
    def trace(self) -> Trace | None:
        """Trace of the run, block by block; None if the server sent no spans.

        ``client.traces.get(result)`` reads them.
        """
        return find_trace(self._mapping())


_TIME_LIMIT = r"Execution timed out after \d+ (second|minute)s?\.?"


def is_time_limit(error: Any) -> bool:
    """Whether the error of a run, text or an object, says that the server stopped the run at its time limit.

    The message of a block's own time limit differs: ``Script execution timed out after 180000ms``.
    """
    if isinstance(error, dict):
        return error.get("code") == "TIMEOUT" or is_time_limit(error.get("message"))
    return isinstance(error, str) and re.fullmatch(_TIME_LIMIT, error) is not None


def error_facts(error: Any) -> dict[str, Any]:
    """``details`` and ``server_code`` of the exception for the error of a run; empty for an error that is text."""
    if not isinstance(error, dict):
        return {}
    code = error.get("code")
    return {"details": error, "server_code": code if isinstance(code, str) else None}


def error_text(error: Any) -> str | None:
    """The text of an error that is text or an object with ``message``; None if there is none.

    v2 has the name of the failed block apart (``blockName``); it is put before the text, as the unversioned routes do.
    """
    if not isinstance(error, dict):
        return str(error) if error else None
    text, block = error.get("message"), error.get("blockName")
    if not text:
        return None
    return f"{block}: {text}" if isinstance(block, str) and not str(text).startswith(f"{block}:") else str(text)
