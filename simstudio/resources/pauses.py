"""Resolve the pause that ``client.workflows.resume`` answers, from a result, a job, a run, a pause or an id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.options import UNSET
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.models.jobs import Job
from simstudio.models.pauses import Pause, PausedRun
from simstudio.resources.advice import CANNOT_RESUME_ADVICE
from simstudio.resources.claims import execution_of
from simstudio.transport.errors import ConflictError, InvalidInputError, SimStudioError

if TYPE_CHECKING:
    from simstudio.resources.dialects.base import Dialect, Resumed, Timeout
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
        ConflictError: The run is paused, but its pauses have been answered.
        InvalidInputError: The run is not paused, the workflow is unknown, or several pauses are waiting.
    """
    pauses: list[Pause] = []
    if isinstance(run, str):
        execution_id: str | None = execution_of(run)
    elif isinstance(run, (WorkflowExecutionResult, Job, PausedRun, Pause)):
        pauses = [run] if isinstance(run, Pause) else [pause for pause in run.pauses if _is_open(pause)]
        if not pauses and not _says_paused(run):
            raise InvalidInputError(f"This run does not wait for anybody: its status is {_status(run)!r}.")
        pause = _choose(pauses, context_id, run) if pauses else None
        named: object = run if pause is None else pause
        execution_id = _text_attribute(named, "execution_id") or _text_attribute(run, "execution_id")
        workflow_id = workflow_id or _text_attribute(named, "workflow_id") or _text_attribute(run, "workflow_id")
        context_id = context_id or (pause.context_id if pause is not None else None)
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


def answer_pause(
    dialect: Dialect[Any],
    run: object,
    answer: Any,
    *,
    workflow_id: str | None = None,
    context_id: str | None = None,
    timeout: Timeout = UNSET,
) -> Flow[Resumed]:
    """Answer a pause; an error names the run.

    Raises:
        ConflictError: The run is paused, but its pauses have been answered.
        InvalidInputError: The run is not paused, the workflow is unknown, or several pauses are waiting.
    """
    pause = yield from resolve_pause(dialect, run, workflow_id, context_id)
    try:
        return (
            yield from dialect.resume(pause.workflow_id, pause.execution_id, pause.context_id, answer, timeout=timeout)
        )
    except SimStudioError as error:
        error.run_id = error.run_id or pause.execution_id
        raise


def with_question(dialect: Dialect[Any], pause: Pause) -> Flow[Pause]:
    """The pause with its question, which a list of v2 lacks: the run is then fetched."""
    if pause.question or pause.input_fields or not pause.workflow_id or not pause.execution_id:
        return pause
    run = yield from dialect.paused_run(pause.workflow_id, pause.execution_id)
    return next((each for each in run.pauses if each.context_id == pause.context_id), pause)


def describe_pause(pause: Pause) -> str:
    """The question of a paused run, and how to answer it."""
    question = f": {pause.question}" if pause.question else ""
    return f"it waits for a human{question}{f' (at {pause.links.ui_url})' if pause.links.ui_url else ''}"


def api_version_of(run: object) -> str | None:
    """The API version that a job was read from; None for anything else."""
    return run.api_version if isinstance(run, Job) else None


def _is_open(pause: object) -> bool:
    return isinstance(pause, Pause) and pause.waiting and not pause.in_progress


def _says_paused(run: object) -> bool:
    return _status(run) == "paused"


def _only_waiting_pause(run: PausedRun) -> str:
    """The context id of the only pause that is waiting.

    Raises:
        ConflictError: The run is paused, but the answer to its pause is in progress, perhaps for ever.
        InvalidInputError: No pause is waiting, or several are.
    """
    pauses = [pause for pause in run.pauses if isinstance(pause, Pause)]
    waiting = [pause for pause in pauses if _is_open(pause) and pause.context_id]
    name = _text_attribute(run, "execution_id") or "without an id"
    if not waiting and _says_paused(run) and (not pauses or any(pause.in_progress for pause in pauses)):
        raise ConflictError(
            f"The run {name} is paused, but its pause has been answered: it is about to continue, or it has paused "
            f"again. {CANNOT_RESUME_ADVICE}",
            status=409,
        )
    if not waiting:
        raise InvalidInputError(f"The run {name} does not wait for anybody: its status is {_status(run)!r}.")
    return str(_choose(waiting, None, run).context_id)


def _choose(pauses: list[Pause], context_id: str | None, run: object) -> Pause:
    """The pause with a context id; without one, the only pause.

    Raises:
        InvalidInputError: Several pauses wait.
    """
    if context_id is None and len(pauses) > 1:
        name = _text_attribute(run, "execution_id") or "without an id"
        choices = ", ".join(f"{pause.context_id} ({pause.question or 'no question'})" for pause in pauses)
        raise InvalidInputError(f"The run {name} waits with several pauses: choose by context_id=: {choices}.")
    return next((pause for pause in pauses if pause.context_id == context_id), pauses[0])


def _text_attribute(run: object, name: str) -> str | None:
    value = getattr(run, name, None)
    return value if isinstance(value, str) else None


def _status(run: object) -> object:
    return getattr(run, "status", None)
