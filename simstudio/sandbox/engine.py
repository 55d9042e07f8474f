"""Runs executions and background jobs, and stops them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from simstudio.sandbox.records import ExecutionRecord, JobRecord, Store
from simstudio.sandbox.runs import Invocation, Outcome, Run, Sink
from simstudio.sandbox.threads import join

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Coroutine, Mapping

    from simstudio.sandbox.dialects.base import Dialect
    from simstudio.sandbox.limits import Limiter
    from simstudio.sandbox.workflow import Workflow

T = TypeVar("T")

RESTARTED = "The server was restarted while this job was running"

_KEPT = 24 * 3600.0
_SWEEP_EVERY = 1000
_THREAD_PATIENCE = 0.5


class Engine:
    """Everything that runs. Lives on one event loop between `start` and `stop`, and can be started again.

    Args:
        store: where jobs and executions are kept.
        clock: epoch seconds.
        timeout: the longest a run may take, in seconds; None for no bound.
        job_concurrency: how many jobs run at a time; None for no bound.
        usage_error: the message of an exceeded usage limit, or None; asked again for every job.
    """

    def __init__(
        self,
        *,
        workflows: Mapping[str, Workflow],
        dialect: Dialect,
        limiter: Callable[[], Limiter],
        store: Store,
        clock: Callable[[], float],
        timeout: float | None,
        job_concurrency: int | None,
        usage_error: Callable[[], str | None],
    ) -> None:
        self._workflows = workflows
        self._dialect = dialect
        self._limiter = limiter
        self._store = store
        self._clock = clock
        self._timeout = timeout
        self._job_concurrency = job_concurrency
        self._usage_error = usage_error
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._threads: set[threading.Thread] = set()
        self._slots: asyncio.Semaphore | None = None
        self._running = False
        self._count = 0
        self.last_runs: dict[str, tuple[int, float]] = {}
        """Per workflow: how many runs there were, and when the last one began (epoch seconds)."""

    def start(self) -> None:
        """Take up what an earlier server left: pending jobs run, orphaned ones fail. Needs a running loop."""
        if self._running:
            return
        self._running = True
        self._store.open()
        self._slots = asyncio.Semaphore(self._job_concurrency) if self._job_concurrency else None
        for execution in self._store.unfinished_executions():
            self._store.save_execution(execution.orphaned(RESTARTED, self._clock()))
        for job in self._store.unfinished_jobs():
            if job.state == "processing":
                self._store.save_job(job.refused(RESTARTED, self._clock()))
            else:
                self._spawn(self._work_off(job))

    async def stop(self) -> None:
        """Interrupt every run. Jobs stay in the store as they are, for the next `start` to take up."""
        if not self._running:
            return
        self._running = False
        for run in list(self._runs.values()):
            run.cancel("interrupted")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._threads:
            await asyncio.to_thread(join, self._threads, _THREAD_PATIENCE)
        self._store.close()

    def begin(self, workflow: Workflow, invocation: Invocation, execution_id: str | None = None) -> Run:
        """Make a run and note that it has begun."""
        run = Run(
            workflow,
            invocation,
            execution_id or str(uuid4()),
            clock=self._clock,
            timeout=self._timeout,
            threads=self._threads,
        )
        self._runs[run.id] = run
        self._count += 1
        if self._count % _SWEEP_EVERY == 0:
            self._store.forget_before(self._clock() - _KEPT)
        self.last_runs[workflow.id] = (self.last_runs.get(workflow.id, (0, 0.0))[0] + 1, run.started)
        self._store.save_execution(ExecutionRecord(run.id, workflow.id, invocation.trigger, run.started))
        return run

    def execute(self, run: Run, sink: Sink | None = None) -> asyncio.Task[Outcome]:
        """Start a run in a task of its own: it goes on when the caller hangs up."""
        return self._spawn(self._execute(run, sink))

    def submit(self, workflow: Workflow, invocation: Invocation) -> JobRecord:
        """Queue a background execution; it is in the store before anyone hears of it."""
        job = JobRecord(
            id=f"run_{uuid4().hex[:20]}",
            execution_id=str(uuid4()),
            workflow_id=workflow.id,
            request_id=uuid4().hex[:8],
            received=invocation.received,
            raw=invocation.raw,
            trigger=invocation.trigger,
            created=self._clock(),
        )
        self._store.save_job(job)
        self._spawn(self._work_off(job, exempt=invocation.exempt))
        return job

    def cancel(self, execution_id: str) -> None:
        """Cancel a run, or a job that has not begun; unknown and finished ones are left alone."""
        run = self._runs.get(execution_id)
        if run is not None:
            run.cancel()
            return
        for job in self._store.unfinished_jobs():
            if job.execution_id == execution_id:
                now = self._clock()
                self._store.save_job(job.cancelled(now))
                execution = ExecutionRecord(job.execution_id, job.workflow_id, job.trigger, now)
                self._store.save_execution(execution.cancelled(now))

    async def _execute(self, run: Run, sink: Sink | None) -> Outcome:
        try:
            outcome = await run.execute(sink)
        finally:
            self._runs.pop(run.id, None)
        if outcome.ending != "interrupted":
            record = ExecutionRecord(run.id, run.workflow.id, run.invocation.trigger, run.started)
            error = self._dialect.error_text(outcome, run.workflow, self._timeout)
            self._store.save_execution(record.ending_with(outcome, error))
        return outcome

    async def _work_off(self, job: JobRecord, *, exempt: bool = False) -> None:
        if self._slots is None:
            await self._run_job(job, exempt=exempt)
        else:
            async with self._slots:
                await self._run_job(job, exempt=exempt)

    async def _run_job(self, job: JobRecord, *, exempt: bool) -> None:
        current = self._store.job(job.id)
        if current is None or current.state == "done":  # cancelled while it waited
            return
        workflow = self._workflows.get(job.workflow_id)
        refusal = None
        if workflow is None or not workflow.deployed:
            refusal = f"Workflow {job.workflow_id} has no active deployment"
        elif not exempt and self._dialect.job_takes_token and not self._limiter().take("sync"):
            refusal = self._dialect.rate_limited_job
        elif self._dialect.usage_checked_at_start:
            refusal = self._usage_error()
        if workflow is None or refusal is not None:
            self._store.save_job(job.refused(refusal or "", self._clock()))
            return
        invocation = Invocation(job.received, job.raw, background=True, trigger=job.trigger)
        run = self.begin(workflow, invocation, job.execution_id)
        job = job.starting(run.started)
        self._store.save_job(job)
        outcome = await self._execute(run, None)
        if outcome.ending != "interrupted":
            self._store.save_job(job.ending_with(outcome, workflow.block))

    def _spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
