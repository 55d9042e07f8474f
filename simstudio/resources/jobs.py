"""``client.jobs``: background executions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.core.context import Context
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_timeout
from simstudio.core.resource import APIResource
from simstudio.core.runs import SubmittedRun
from simstudio.errors import (
    InvalidInputError,
    JobCancelledError,
    JobFailedError,
    JobTimeoutError,
    NotFoundError,
    SimStudioError,
)
from simstudio.models.execution import AsyncExecutionResult, WorkflowExecutionResult
from simstudio.models.jobs import Job
from simstudio.resources.dialects import Dialects
from simstudio.resources.dialects.base import Target
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.core.expectations import Durations
    from simstudio.core.polling import Poller

    JobReference: TypeAlias = str | AsyncExecutionResult | Job

V = TypeVar("V")

_REMEMBERED = 1024


class Jobs(APIResource[M]):
    """Ask for background executions, and wait for them.

    Each takes a job as its id, as the receipt that ``client.workflows.submit`` gave, or as a :class:`~simstudio.Job`.
    """

    def __init__(self, context: Context, name: str, dialects: Dialects[M]) -> None:
        super().__init__(context, name)
        self._dialects: Dialects[M] = dialects
        self._cancelled: OrderedDict[str, None] = OrderedDict()
        self._workflows: OrderedDict[str, str] = OrderedDict()
        self._queued: OrderedDict[str, float] = OrderedDict()
        self._durations: Durations | None = None

    @cached_property
    def poller(self) -> Poller:
        """When it asks; may be replaced."""
        from simstudio.core.polling import Poller

        return Poller()

    @operation
    def get(self, job: str | AsyncExecutionResult | Job, *, workflow_id: str | None = None) -> Flow[Job]:
        """Retrieve the state of one background execution.

        Args:
            job: Its id, its receipt, or an earlier state of it.
            workflow_id: Its workflow, for a bare id that only its workflow can find: in v2 always, unless this client
                queued it.

        Returns:
            The job; look at ``done``, ``succeeded``, ``paused`` rather than at ``status``.

        Raises:
            NotFoundError: No such job: finished ones are kept for about a day.
            SimStudioError: Any other failure.

        Example:
            >>> client.jobs.get("run_1234").status  # doctest: +SKIP
            'completed'
        """
        return (yield from self._fetch(self._target(job, workflow_id), UNSET))

    @operation
    def wait(
        self,
        job: str | AsyncExecutionResult | Job,
        *,
        workflow_id: str | None = None,
        timeout: float | None = 3600.0,
        on_progress: Callable[[Job], Any] | None = None,
        poll_interval: float | None = None,
    ) -> Flow[Job]:
        """Wait until a background execution is done.

        It asks at once, then at growing intervals (0.5 s to 10 s, with jitter, guided by the server's estimate), and
        bears up to five failed questions in a row. Of a workflow that this client queued and waited for before, it
        asks when the end is likely (pauses of 0.08 s to 10 s), from what the last runs took.

        Args:
            job: Its id, its receipt, or an earlier state of it.
            workflow_id: Its workflow, for a bare id that only its workflow can find: in v2 always, unless this client
                queued it.
            timeout: Seconds to wait, None for ever. Jobs orphaned by a restart of the server never end (recording 354).
            on_progress: Called with the job at each poll; may be async on the async client. What it
                raises ends the wait.
            poll_interval: Seconds between questions, in place of the growing ones.

        Returns:
            The job, succeeded or paused.

        Raises:
            JobFailedError: It failed, or its workflow did (``error.job``, ``error.result``).
            JobCancelledError: It was cancelled.
            JobTimeoutError: It was not done in time; it goes on (``error.job``).
            SimStudioError: It could not be asked for (``error.task_id``).

        Example:
            >>> client.jobs.wait("run_1234", timeout=60).result.output  # doctest: +SKIP
        """
        return (
            yield from self._wait(
                self._target(job, workflow_id),
                timeout=timeout,
                on_progress=on_progress,
                poll_interval=poll_interval,
            )
        )

    def handle(self, job: str | AsyncExecutionResult | Job, *, workflow_id: str | None = None) -> JobHandle[M]:
        """A handle of one background execution, of the kind that every service's client gives.

        Nothing is sent. ``handle.refresh()``, ``handle.wait()`` and ``handle.result()`` are awaited on an async client.

        Example:
            >>> client.jobs.handle("run_1234").result(timeout=60).output  # doctest: +SKIP
        """
        from simstudio.models.jobs import Job

        return JobHandle(self, self._target(job, workflow_id), job if isinstance(job, Job) else None)

    def remember_cancelled(self, execution_id: str) -> None:
        """Remember that an execution was asked to stop: v0.6 shows a cancelled job like a timed-out one."""
        _remember(self._cancelled, execution_id, None)

    def remember(self, receipt: AsyncExecutionResult) -> None:
        """Remember what this client queued, and when: v2 finds a run by its workflow only, and waits learn from it."""
        _remember(self._queued, receipt.task_id, self.poller.clock())
        if receipt.workflow_id is not None:
            _remember(self._workflows, receipt.task_id, receipt.workflow_id)

    def _wait(
        self,
        target: Target,
        *,
        timeout: float | None,
        on_progress: Callable[[Job], Any] | None,
        poll_interval: float | None,
    ) -> Flow[Job]:
        from simstudio.core.expectations import Durations, Watch

        check_timeout(timeout)
        poller: Poller = self.poller
        poller = poller.every(check_timeout(poll_interval, "poll_interval"))
        if target.fresh:
            poller = attrs.evolve(poller, borne=(*poller.borne, NotFoundError))
        if on_progress is not None and not callable(on_progress):
            raise InvalidInputError(f"on_progress must be a function of the job, not {on_progress!r}.")
        client_timeout = self._context.options.timeout
        workflow_id = target.workflow_id or self._workflows.get(target.task_id)
        durations = self._durations
        if durations is None:
            durations = self._durations = Durations()
        watch = Watch(self._queued.get(target.task_id))
        known = poll_interval is None and watch.begun is not None

        def ask(seconds: float | None) -> Flow[Job]:
            shorter = seconds is not None and (client_timeout is None or seconds < client_timeout)
            asked = poller.clock()
            job = yield from self._fetch(target, seconds if shorter else UNSET)
            if not job.done:
                watch.seen_running(asked)
            elif workflow_id is not None and not job.cancelled:
                took = watch.took(poller.clock(), _told(job))
                if took is not None:
                    durations.add(workflow_id, took)
            return job

        def expired(last: Job | None) -> JobTimeoutError:
            state = f"last seen {last.status!r}" if last is not None else "never seen"
            return JobTimeoutError(
                f"The job {target.task_id} was not done within {timeout:g} s ({state}). It goes on; wait again with "
                "client.jobs.wait(error.job), or give a longer timeout.",
                job=last,
            )

        try:
            done = yield from poller.wait(
                ask,
                done=lambda state: state.done,
                expired=expired,
                timeout=timeout,
                on_progress=on_progress,
                estimate=_estimate,
                expected=durations.expect(workflow_id) if known else None,
                begun=watch.begun,
            )
            self._check(done)
        except SimStudioError as error:
            error.task_id = target.task_id
            raise
        return done

    def _check(self, job: Job) -> None:
        """Raise for a job that ended without success."""
        if job.succeeded or job.paused:
            return
        message = job.error_message
        asked_to_stop = message is None and isinstance(job.execution_id, str) and job.execution_id in self._cancelled
        kind = JobCancelledError if job.cancelled or asked_to_stop else JobFailedError
        what = "was cancelled" if kind is JobCancelledError else "failed"
        hint = (
            ""
            if message or kind is JobCancelledError
            else ": Sim gives no reason (it may have been cancelled or timed out)"
        )
        raise kind(
            f"The job {job.task_id} {what}{': ' + message if message else hint}. Its state is in error.job.",
            job=job,
            result=job.result,
        )

    def _fetch(self, target: Target, timeout: float | Unset | None) -> Flow[Job]:
        return self._dialects.of(target.version).fetch(target, timeout=timeout)

    def _target(self, job: JobReference, workflow_id: str | None) -> Target:
        from simstudio.models.jobs import Job

        execution_id: str | None = None
        version: str | None = None
        if isinstance(job, (AsyncExecutionResult, Job)):
            task_id, execution_id, version = job.task_id, job.execution_id, job.api_version
            workflow_id = workflow_id if workflow_id is not None else job.workflow_id
        elif isinstance(job, str):
            task_id = job
        else:
            raise InvalidInputError(
                f"job must be a job's id, what submit() returned, or a Job, not {type(job).__name__}."
            )
        dialect = self._dialects.of(version or self._dialects.version)
        if workflow_id is None and dialect.version == "v2":
            workflow_id = self._workflows.get(task_id)
        receipt = job if isinstance(job, AsyncExecutionResult) else None
        return dialect.target(task_id, workflow_id, execution_id, receipt)


def _remember(memory: OrderedDict[str, V], key: str, value: V) -> None:
    memory[key] = value
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)


def _estimate(job: Job) -> float | None:
    """Seconds that the server thinks a job takes. What it sends is a hint, and garbage in it breaks nothing."""
    return _seconds(job.estimated_duration)


def _told(job: Job) -> float | None:
    """Seconds that the server says a job took (v0.4 and v2 do)."""
    metadata: object = job.metadata
    return _seconds(metadata.get("duration")) if isinstance(metadata, dict) else None


def _seconds(sent: object) -> float | None:
    return sent / 1000 if isinstance(sent, (int, float)) and 0 < sent < 1e15 else None


class JobHandle(SubmittedRun[M, Job, WorkflowExecutionResult]):
    """A background execution as a :class:`~simstudio.core.runs.SubmittedRun`; made by ``client.jobs.handle``."""

    def __init__(self, jobs: Jobs[M], target: Target, state: Job | None) -> None:
        super().__init__(jobs._context, "jobs", target.task_id, state)
        self._jobs: Jobs[M] = jobs
        self._target = target

    def _status_of(self, state: Job) -> str:
        return state.status

    def _is_done(self, state: Job) -> bool:
        return state.done

    def _ask(self) -> Flow[Job]:
        return self._jobs._fetch(self._target, UNSET)

    def _await(
        self, timeout: float | None, on_progress: Callable[[Job], Any] | None, poll_interval: float | None
    ) -> Flow[Job]:
        return self._jobs._wait(self._target, timeout=timeout, on_progress=on_progress, poll_interval=poll_interval)

    def _result(self, state: Job) -> Flow[WorkflowExecutionResult]:
        self._jobs._check(state)
        return state.result
        yield  # a flow that needs nothing of the world

    def __reduce__(self) -> tuple[Any, ...]:
        return JobHandle, (self._jobs, self._target, self.state)
