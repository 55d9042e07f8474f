"""``WorkflowRun``: a run as the handle that every service's client gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.runs import SubmittedRun
from simstudio.services.vectorvein.models.workflows import WorkflowRunResult

if TYPE_CHECKING:
    from simstudio.services.vectorvein.resources.workflows import RunReference, Workflows
    from simstudio.transport.flow import Flow


class WorkflowRun(SubmittedRun[M, WorkflowRunResult, WorkflowRunResult]):
    """A run; ``status`` is ``running``, ``completed`` or ``failed``, and ``unknown`` while it was not asked for.

    ``refresh()`` gives a failed run's state, ``wait()`` and ``result()`` raise a
    :class:`~simstudio.services.vectorvein.WorkflowError` for it.
    """

    def __init__(self, workflows: Workflows[M], run: RunReference, state: WorkflowRunResult | None) -> None:
        super().__init__(workflows._context, "workflows", run.rid, state)
        self._workflows: Workflows[M] = workflows
        self._run = run

    @property
    def rid(self) -> str:
        """The same as ``id``."""
        return self.id

    def _status_of(self, state: WorkflowRunResult) -> str:
        return "completed" if state.succeeded else "failed" if state.done else "running"

    def _is_done(self, state: WorkflowRunResult) -> bool:
        return state.done

    def _ask(self) -> Flow[WorkflowRunResult]:
        return self._workflows._state(self._run)

    def _await(
        self,
        timeout: float | None,
        on_progress: Callable[[WorkflowRunResult], Any] | None,
        poll_interval: float | None,
    ) -> Flow[WorkflowRunResult]:
        if self.done:
            return self._result(self.state)  # type: ignore[arg-type]
        return self._workflows._wait(self._run, timeout, on_progress, poll_interval)

    def _result(self, state: WorkflowRunResult) -> Flow[WorkflowRunResult]:
        return self._workflows._checked(self._run, state)
        yield  # a flow that needs nothing of the world

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._workflows, self._run, self.state)
