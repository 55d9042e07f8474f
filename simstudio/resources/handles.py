"""``JobHandle``: a background execution as the handle that every service has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.runs import SubmittedRun
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.models.jobs import Job

if TYPE_CHECKING:
    from simstudio.resources.dialects.target import Target
    from simstudio.resources.jobs import Jobs
    from simstudio.transport.flow import Flow


class JobHandle(SubmittedRun[M, Job, WorkflowExecutionResult]):
    """A background execution as a :class:`~simstudio.core.runs.SubmittedRun`; made by ``client.jobs.handle``.

    A pickled handle contains the client's key: treat it as a secret.
    """

    def __init__(self, jobs: Jobs[M], target: Target, state: Job | None) -> None:
        super().__init__(jobs._context, "jobs", target.task_id, state)
        self._jobs: Jobs[M] = jobs
        self._target = target

    def _status_of(self, state: Job) -> str:
        return state.status

    def _is_done(self, state: Job) -> bool:
        return state.done

    def _may_go_on(self, state: Job) -> bool:
        return state.paused

    def _fetch_state(self) -> Flow[Job]:
        return self._jobs._fetch(self._target, whole=True)

    def _await(
        self, timeout: float | None, on_progress: Callable[[Job], Any] | None, poll_interval: float | None
    ) -> Flow[Job]:
        return self._jobs._wait(self._target, timeout=timeout, on_progress=on_progress, poll_interval=poll_interval)

    def _result(self, state: Job) -> Flow[WorkflowExecutionResult]:
        self._jobs._raise_unless_succeeded(state)
        return state.result
        yield  # makes this a generator, as a flow must be

    def __reduce__(self) -> tuple[Any, ...]:
        return JobHandle, (self._jobs, self._target, self.state)
