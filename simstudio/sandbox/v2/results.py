"""Runs as v2 shows them, in the response of an execution and later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from simstudio.sandbox.engine import RESTARTED, RESTARTED_WHILE_PAUSED
from simstudio.sandbox.outputs import selected_values
from simstudio.sandbox.steps import cost_of
from simstudio.sandbox.times import iso, iso_or_none

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.records import ExecutionRecord, JobRecord
    from simstudio.sandbox.runs import Ending, Outcome, Run

Status = Literal["queued", "pending", "running", "paused", "completed", "failed", "cancelled"]

_BLOCK_TYPE = "function"
_STATUS: dict[Ending, Status] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "timeout": "failed",
    "interrupted": "failed",
    "paused": "paused",
}


def present_run(core: Core, run: Run, outcome: Outcome, run_id: str, selected: Iterable[str] | None = None) -> Any:
    """The response of an execution whose run has ended or paused.

    Args:
        core: core of the sandbox.
        outcome: outcome of the run.
        run_id: id under which the response shows the run.
        selected: selectors of block outputs; None if the caller gave none.
    """
    values = None if selected is None else selected_values(outcome.blocks, selected)
    own = run.workflow.block_id(), run.workflow.block
    return {
        "runId": run_id,
        "workflowId": run.workflow.id,
        "status": _STATUS[outcome.ending],
        "output": core.output(outcome.output, run.id),
        "blockOutputs": core.outputs(values, run.id),
        "error": _error(outcome.ending, outcome.error, core.error_text(outcome, run), own),
        "startedAt": iso(outcome.started),
        "endedAt": iso(outcome.ended),
        "durationMs": round(outcome.duration * 1000),
    }


def error_of(execution: ExecutionRecord) -> dict[str, object] | None:
    """The error of a run that has ended."""
    if execution.ending is None:
        return None
    own = (execution.block_id, execution.block) if execution.block_id and execution.block else None
    return _error(execution.ending, execution.reason, execution.error, own)


def refusal_of(job: JobRecord) -> dict[str, object] | None:
    """Error of a job whose run was refused."""
    if job.ending != "refused":
        return None
    over = (job.error or "").startswith("Usage limit exceeded")
    return {"message": job.error or "", "code": "USAGE_LIMIT_EXCEEDED" if over else "EXECUTION_FAILED"}


def status_of(execution: ExecutionRecord) -> Status:
    """The status of a run that has begun."""
    return execution.state


def duration_of(execution: ExecutionRecord) -> int | None:
    """Duration in milliseconds, without pauses."""
    if execution.ended is None:
        return None
    seconds = execution.duration if execution.duration is not None else execution.ended - execution.started
    return round(seconds * 1000)


def summary(execution: ExecutionRecord) -> dict[str, object]:
    """A run as lists show it."""
    return {
        "runId": execution.id,
        "workflowId": execution.workflow_id,
        "status": status_of(execution),
        "trigger": execution.trigger,
        "startedAt": iso(execution.started),
        "endedAt": iso_or_none(execution.ended),
        "durationMs": duration_of(execution),
        "cost": {"total": cost_of(execution.steps)} if execution.ended is not None else None,
    }


def _error(
    ending: Ending, reason: str | None, text: str | None, block: tuple[str, str] | None
) -> dict[str, object] | None:
    """The error of a run; the name of a failed block stands beside the message."""
    if ending in ("completed", "paused"):
        return None
    if ending == "cancelled":
        return {"message": "Execution was cancelled", "code": "CANCELLED"}
    if ending == "timeout":
        return {"message": text or "Execution timed out", "code": "TIMEOUT"}
    if ending == "failed" and block is not None:
        block_id, name = block
        named = {"blockId": block_id, "blockName": name, "blockType": _BLOCK_TYPE}
        return {"message": reason or text or "", "code": "BLOCK_EXECUTION_FAILED", **named}
    restarted = text in (RESTARTED, RESTARTED_WHILE_PAUSED)
    return {"message": text if restarted and text else text or "Execution failed", "code": "EXECUTION_FAILED"}
