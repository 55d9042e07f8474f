"""Resolve the pause that ``client.workflows.resume`` answers, from a result, a job, a run, a pause or an id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from simstudio.models.execution import WorkflowExecutionResult
from simstudio.models.jobs import Job
from simstudio.models.pauses import Pause, PausedRun
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from simstudio.resources.dialects.base import Dialect
    from simstudio.transport.flow import Flow


@attrs.frozen
class PauseAddress:
    """The address of a pause: workflow, run (``execution_id``), and pause within the run (``context_id``)."""

    workflow_id: str
    execution_id: str
    context_id: str


def resolve_pause(
    dialect: Dialect[Any], run: object, workflow_id: str | None, context_id: str | None
) -> Flow[PauseAddress]:
    """The address of the pause to answer; the run is fetched if neither ``run`` nor ``context_id`` names the pause.

    Raises:
        InvalidInputError: The run is not paused, the workflow is unknown, or several pauses are waiting.
    """
    execution_id: str | None
    if isinstance(run, str):
        execution_id = run
    elif isinstance(run, (WorkflowExecutionResult, Job, PausedRun, Pause)):
        pause = run if isinstance(run, Pause) else run.paused if isinstance(run, PausedRun) else run.pause
        if pause is None:
            raise InvalidInputError(f"This run does not wait for anybody: its status is {_status(run)!r}.")
        execution_id = pause.execution_id or _text_attribute(run, "execution_id")
        workflow_id = workflow_id or pause.workflow_id or _text_attribute(run, "workflow_id")
        context_id = context_id or pause.context_id
    else:
        raise InvalidInputError(
            f"run must be a paused result, job or run, one of its pauses, or an execution id, not {type(run).__name__}."
        )
    if not workflow_id or not execution_id:
        missing = "workflow_id=" if execution_id else "an execution id"
        raise InvalidInputError(f"A pause is answered by workflow and run; here {missing} is missing.")
    if context_id is None:
        context_id = _only_waiting_pause((yield from dialect.paused_run(workflow_id, execution_id)))
    return PauseAddress(workflow_id, execution_id, context_id)


def api_version_of(run: object) -> str | None:
    """The API version that a job was read from; None for anything else."""
    return run.api_version if isinstance(run, Job) else None


def _only_waiting_pause(run: PausedRun) -> str:
    waiting = [pause for pause in run.pauses if isinstance(pause, Pause) and pause.waiting and pause.context_id]
    name = _text_attribute(run, "execution_id") or "without an id"
    if not waiting:
        raise InvalidInputError(f"The run {name} does not wait for anybody: its status is {_status(run)!r}.")
    if len(waiting) > 1:
        choices = ", ".join(f"{pause.context_id} ({pause.question or 'no question'})" for pause in waiting)
        raise InvalidInputError(f"The run {name} waits with several pauses: choose by context_id=: {choices}.")
    return str(waiting[0].context_id)


def _text_attribute(run: object, name: str) -> str | None:
    value = getattr(run, name, None)
    return value if isinstance(value, str) else None


def _status(run: object) -> object:
    return getattr(run, "status", None)
