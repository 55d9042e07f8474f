"""Which pause an answer is for, from whatever a caller holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from simstudio.errors import InvalidInputError
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.models.jobs import Job
from simstudio.models.pauses import Pause, PausedRun

if TYPE_CHECKING:
    from simstudio.resources.dialects.base import Dialect
    from simstudio.transport.flow import Flow


@attrs.frozen
class Answered:
    """The pause that an answer is for: a workflow, a run of it, and which of the run's pauses."""

    workflow_id: str
    execution_id: str
    context_id: str


def pause_of(dialect: Dialect[Any], run: object, workflow_id: str | None, context_id: str | None) -> Flow[Answered]:
    """The pause to answer; asks the server for the run where nothing names its pause.

    Raises:
        InvalidInputError: ``run`` does not wait, names no workflow, or has several pauses of which none was chosen.
    """
    execution_id: str | None
    if isinstance(run, str):
        execution_id = run
    elif isinstance(run, (WorkflowExecutionResult, Job, PausedRun, Pause)):
        pause = run if isinstance(run, Pause) else run.paused if isinstance(run, PausedRun) else run.pause
        if pause is None:
            raise InvalidInputError(f"This run does not wait for anybody: its status is {_status(run)!r}.")
        execution_id = pause.execution_id or _named(run, "execution_id")
        workflow_id = workflow_id or pause.workflow_id or _named(run, "workflow_id")
        context_id = context_id or pause.context_id
    else:
        raise InvalidInputError(
            f"run must be a paused result, job or run, one of its pauses, or an execution id, not {type(run).__name__}."
        )
    if not workflow_id or not execution_id:
        missing = "workflow_id=" if execution_id else "an execution id"
        raise InvalidInputError(f"A pause is answered by workflow and run; here {missing} is missing.")
    if context_id is None:
        found = yield from dialect.paused_run(workflow_id, execution_id)
        context_id = _the_one(found)
    return Answered(workflow_id, execution_id, context_id)


def version_of(run: object) -> str | None:
    """The API that told of a run, where it says so."""
    return run.api_version if isinstance(run, Job) else None


def _the_one(run: PausedRun) -> str:
    waiting = [pause for pause in run.pauses if pause.waiting and pause.context_id]
    if not waiting:
        raise InvalidInputError(f"The run {run.execution_id} does not wait for anybody: its status is {run.status!r}.")
    if len(waiting) > 1:
        choices = ", ".join(f"{pause.context_id} ({pause.question or 'no question'})" for pause in waiting)
        raise InvalidInputError(
            f"The run {run.execution_id} waits with several pauses: choose by context_id=: {choices}."
        )
    return str(waiting[0].context_id)


def _named(run: object, name: str) -> str | None:
    found = getattr(run, name, None)
    return found if isinstance(found, str) else None


def _status(run: object) -> object:
    return getattr(run, "status", None)
