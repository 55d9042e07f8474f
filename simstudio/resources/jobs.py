"""``client.jobs``: executions in the background."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import attrs

from simstudio.core.context import Context
from simstudio.core.conversion import require
from simstudio.core.errors import JobCancelledError, JobExecutionTimeoutError, JobFailedError, JobTimeoutError
from simstudio.core.functions import with_hints
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_interval, check_timeout
from simstudio.core.resource import APIResource
from simstudio.models.execution import error_facts, is_time_limit
from simstudio.models.runs import trace_advice
from simstudio.resources.advice import CANNOT_RESUME, CANNOT_RESUME_ADVICE
from simstudio.resources.dialects import Dialects
from simstudio.resources.dialects.target import Target
from simstudio.transport.errors import InvalidInputError, NotFoundError, SimStudioError
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.core.expectations import Durations
    from simstudio.core.polling import Poller
    from simstudio.models.jobs import Job
    from simstudio.models.pauses import Pause
    from simstudio.models.receipts import AsyncExecutionResult
    from simstudio.resources.handles import JobHandle

    JobReference: TypeAlias = str | AsyncExecutionResult | Job

Until: TypeAlias = Literal["pause", "done"]

V = TypeVar("V")

_MOST_REMEMBERED = 1024


class Jobs(APIResource[M]):
    """Retrieve background executions, and wait for them."""

    def __init__(self, context: Context, name: str, dialects: Dialects[M]) -> None:
        super().__init__(context, name)
        self._dialects: Dialects[M] = dialects
        self._cancelled: OrderedDict[str, None] = OrderedDict()
        self._workflows: OrderedDict[str, str] = OrderedDict()
        self._queued: OrderedDict[str, float] = OrderedDict()
        self._durations: Durations | None = None

    @cached_property
    def poller(self) -> Poller:
        """The timing of the polls; may be replaced."""
        from simstudio.core.polling import Poller

        return Poller()

    @operation
    def get(self, job: str | AsyncExecutionResult | Job, *, workflow_id: str | None = None) -> Flow[Job]:
        """Retrieve the state of one background execution.

        Args:
            job: Job id, receipt from ``client.workflows.submit``, or an earlier state.
            workflow_id: For a bare id; required with v2, unless this client queued the job.

        Returns:
            The job; ``done``, ``succeeded`` and ``paused`` mean the same on every server, ``status`` does not. If the
            server cut texts in its output (v2), ``truncated`` has their paths.

        Raises:
            NotFoundError: No job has this id; finished jobs are kept for about a day.

        Example:
            >>> client.jobs.get("run_1234").status  # doctest: +SKIP
            'completed'
        """
        return (yield from self._fetch(self._target(job, workflow_id)))

    @operation
    def wait(
        self,
        job: str | AsyncExecutionResult | Job,
        *,
        workflow_id: str | None = None,
        timeout: float | None = 3600.0,
        on_progress: Callable[[Job], Any] | None = None,
        poll_interval: float | None = None,
        until: Until = "pause",
        on_pause: Callable[[Pause], Any] | None = None,
    ) -> Flow[Job]:
        """Wait until a background execution is done.

        Polls begin at once and follow at growing intervals: 0.5 to 10 s with jitter, or shorter where earlier runs of
        the workflow or the server's estimate show when the end is likely. Up to five polls in a row may fail.

        Args:
            job: Job id, receipt from ``client.workflows.submit``, or an earlier state.
            workflow_id: For a bare id; required with v2, unless this client queued the job.
            timeout: Seconds to wait. None for no limit, unless all polls are refused (429) for a day. A job
                orphaned by a restart of the server never ends.
            on_progress: Function called with the job after each poll; may be async on the async client. An exception
                from it ends the wait.
            poll_interval: Seconds between polls, instead of growing intervals.
            until: ``pause`` also ends the wait when the run pauses for a human; ``done`` waits through pauses.
            on_pause: With ``until="done"``, function called once with each :class:`~simstudio.Pause`. What it returns
                is the answer, as for ``client.workflows.resume``; None leaves the pause to another client. May be async
                on the async client. Without it, ``on_progress`` sees whom the run waits for (``job.pause.question``,
                ``job.pause.links.ui_url``).

        Returns:
            The job, which has succeeded or, until ``pause``, may be paused. Texts that the server cut in its output
            (v2) are read in full if the server still has them; else ``truncated`` has their paths, and a
            :class:`~simstudio.TruncatedOutputWarning` says so.

        Raises:
            JobFailedError: The job or its workflow failed (``error.job``, ``error.result``);
                :class:`~simstudio.JobExecutionTimeoutError` if the server stopped it at its time limit.
            JobCancelledError: The job was cancelled.
            JobTimeoutError: The job was not done within ``timeout``; it continues (``error.job``).
            SimStudioError: Polling failed; ``error.task_id`` names the job.

        Example:
            >>> client.jobs.wait("run_1234", timeout=60).result.output  # doctest: +SKIP
        """
        return (
            yield from self._wait_until(
                self._target(job, workflow_id),
                until,
                on_pause,
                timeout=timeout,
                on_progress=on_progress,
                poll_interval=poll_interval,
            )
        )

    @with_hints
    def handle(self, job: str | AsyncExecutionResult | Job, *, workflow_id: str | None = None) -> JobHandle[M]:
        """A handle of one background execution, with the interface that all services share. No request is sent.

        The arguments are those of :meth:`get`. On the async client the handle's ``refresh()``, ``wait()`` and
        ``result()`` are awaited.

        Example:
            >>> client.jobs.handle("run_1234").result(timeout=60).output  # doctest: +SKIP
        """
        from simstudio.models.jobs import Job
        from simstudio.resources.handles import JobHandle

        return JobHandle(self, self._target(job, workflow_id), job if isinstance(job, Job) else None)

    def _note_cancelled(self, execution_id: str) -> None:
        """Note that cancelling an execution was requested: v0.6 reports a cancelled job like a timed-out one."""
        _remember(self._cancelled, execution_id, None)

    def _note_queued(self, receipt: AsyncExecutionResult) -> None:
        """Note a job that this client queued.

        v2 needs the workflow to find a run, and the time of queuing is used to predict when later runs end.
        """
        _remember(self._queued, receipt.task_id, self.poller.clock())
        if receipt.workflow_id is not None:
            _remember(self._workflows, receipt.task_id, receipt.workflow_id)

    def _wait_until(
        self, target: Target, until: Until, on_pause: Callable[[Pause], Any] | None, **options: Any
    ) -> Flow[Job]:
        if until not in ("pause", "done"):
            raise InvalidInputError(f'until must be "pause" or "done", not {until!r}.')
        if on_pause is not None and (until != "done" or not callable(on_pause)):
            raise InvalidInputError('on_pause must be a function of the pause, and needs until="done".')
        if until == "pause":
            return (yield from self._wait(target, **options))
        from simstudio.resources.pauses import answer_pause, with_question
        from simstudio.resources.waiting_through_pauses import PauseAnswering

        dialect = self._dialects.of(target.version)
        answering = PauseAnswering(
            on_pause,
            self._wait,
            lambda pause: with_question(dialect, pause),
            lambda pause, answer: answer_pause(dialect, pause, answer),
            lambda receipt: self._target(receipt, None),
            self.poller.clock,
        )
        return (yield from answering.wait_until_done(target, **options))

    def _wait(
        self,
        target: Target,
        *,
        timeout: float | None,
        on_progress: Callable[[Job], Any] | None,
        poll_interval: float | None,
        resumed: Callable[[Job], bool] | None = None,
    ) -> Flow[Job]:
        """Poll until the job is done; of a run that was paused, until ``resumed`` is true of it."""
        from simstudio.core.expectations import Durations, Watch

        check_timeout(timeout)
        poller: Poller = self.poller
        poller = poller.with_interval(check_interval(poll_interval))
        if target.fresh:
            poller = attrs.evolve(poller, transient=(*poller.transient, NotFoundError))
        if on_progress is not None and not callable(on_progress):
            raise InvalidInputError(f"on_progress must be a function of the job, not {on_progress!r}.")
        workflow_id = target.workflow_id or self._workflows.get(target.task_id)
        durations = self._durations
        if durations is None:
            durations = self._durations = Durations()
        # The time that a person takes says nothing about the next run.
        watch = Watch(None if resumed is not None else self._queued.get(target.task_id))
        known = poll_interval is None and watch.begun is not None

        def ask(seconds: float | Unset) -> Flow[Job]:
            sent_at = poller.clock()
            dialect = self._dialects.of(target.version)
            fetch = dialect.fetch if resumed is None else dialect.fetch_resumed
            job, response = yield from fetch(target, timeout=seconds, whole=True)
            require(job, response, status=str)
            if not job.done:
                watch.record_running(sent_at)
            elif resumed is None and workflow_id is not None and not job.cancelled:
                duration = watch.duration(poller.clock(), _read_duration(job))
                if duration is not None:
                    durations.add(workflow_id, duration)
            return job

        def make_error(last: Job | None) -> JobTimeoutError:
            state = _describe_state(last)
            return JobTimeoutError(
                f"The job {target.task_id} was not done within {timeout:g} s ({state}). It goes on; wait again with "
                "client.jobs.wait(error.job), or give a longer timeout.",
                job=last,
            )

        try:
            done = yield from poller.wait(
                ask,
                done=resumed or (lambda state: state.done),
                expired=make_error,
                timeout=timeout,
                client_timeout=self._context.options.timeout,
                on_progress=on_progress,
                estimate=_read_estimate,
                expected=durations.expect(workflow_id) if known else None,
                begun=watch.begun,
                subject=f"The job {target.task_id}",
                again=f"client.jobs.wait({target.task_id!r}{f', workflow_id={workflow_id!r}' if workflow_id else ''})",
            )
            self._raise_unless_succeeded(done)
        except SimStudioError as error:
            error.task_id = target.task_id
            seen = error.job if isinstance(error, JobTimeoutError) else None
            error.run_id = error.run_id or target.execution_id or (seen.execution_id if seen is not None else None)
            raise
        return done

    def _raise_unless_succeeded(self, job: Job) -> None:
        """Raise if the job ended without success."""
        if job.succeeded or job.paused:
            return
        message = job.error_message
        cancel_requested = message is None and isinstance(job.execution_id, str) and job.execution_id in self._cancelled
        kind = JobCancelledError if job.cancelled or cancel_requested else JobFailedError
        what = "was cancelled" if kind is JobCancelledError else "failed"
        if kind is JobFailedError and is_time_limit(job.error or message):
            kind = JobExecutionTimeoutError
        hint = (
            ""
            if message or kind is JobCancelledError
            else ": Sim gives no reason (it may have been cancelled or timed out)"
        )
        advice = f" {CANNOT_RESUME_ADVICE}" if message == CANNOT_RESUME else ""
        trace = trace_advice(job.execution_id or job.task_id, job.workflow_id, job.api_version)
        failure = kind(
            f"The job {job.task_id} {what}{': ' + message if message else hint}. Its state is in error.job.{advice} "
            f"{trace}",
            job=job,
            result=job.result,
            **error_facts(job.error),
        )
        failure.task_id, failure.run_id = job.task_id, job.execution_id
        raise failure

    def _fetch(self, target: Target, *, whole: bool = False) -> Flow[Job]:
        job, _ = yield from self._dialects.of(target.version).fetch(target, timeout=UNSET, whole=whole)
        return job

    def _target(self, job: JobReference, workflow_id: str | None) -> Target:
        from simstudio.models.jobs import Job
        from simstudio.models.receipts import AsyncExecutionResult

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


def _describe_state(job: Job | None) -> str:
    """The last state of a job for a message."""
    if job is None:
        return "never seen"
    if job.pause is None:
        return f"last seen {job.status!r}"
    from simstudio.resources.pauses import describe_pause

    return describe_pause(job.pause)


def _remember(memory: OrderedDict[str, V], key: str, value: V) -> None:
    memory[key] = value
    if len(memory) > _MOST_REMEMBERED:
        memory.popitem(last=False)


def _read_estimate(job: Job) -> float | None:
    """The server's estimate of the job's duration in seconds; None if it is missing or malformed."""
    return _seconds(job.estimated_duration)


def _read_duration(job: Job) -> float | None:
    """The duration that the server reports for a job, in seconds; only v0.4 and v2 report it."""
    metadata: object = job.metadata
    return _seconds(metadata.get("duration")) if isinstance(metadata, dict) else None


def _seconds(milliseconds: object) -> float | None:
    if isinstance(milliseconds, (int, float)) and 0 < milliseconds < 1e15:
        return milliseconds / 1000
    return None
