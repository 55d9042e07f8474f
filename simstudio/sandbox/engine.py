"""Runs executions and background jobs, and stops them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.sandbox.http import Refusal
from simstudio.sandbox.records import ExecutionRecord, JobRecord, Store
from simstudio.sandbox.runs import Invocation, Outcome, Run, Sink
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.threads import join

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Coroutine, Mapping

    from simstudio.sandbox.dialects.base import Dialect
    from simstudio.sandbox.limits import Limiter
    from simstudio.sandbox.workflow import Workflow

T = TypeVar("T")

FINISHED = ("completed", "failed", "cancelled")
"""States of an execution that cannot change any more."""

RESTARTED = "The server was restarted while this job was running"
RESTARTED_WHILE_PAUSED = "The server was restarted while this run was paused"

_KEPT = 24 * 3600.0
_SWEEP_EVERY = 1000
_THREAD_PATIENCE = 0.5
_REFUSED_AFTER = 0.001  # seconds that the real server's logs show for a run that was refused before it began


@attrs.frozen
class Resumption:
    """A claimed pause and its answer, with which the run must be resumed."""

    run: Run
    execution: ExecutionRecord
    answer: object


class Engine:
    """The runs and jobs of a sandbox, on one event loop between `start` and `stop`. It can be started again.

    Args:
        store: keeps jobs and executions.
        clock: epoch seconds.
        timeout: the longest a run may take, in seconds; None for no bound.
        job_concurrency: how many jobs run at a time; None for no bound.
        usage_error: returns the message of an exceeded usage limit, or None; called for every job.
        base_url: address of the server, for runs whose request had none.
        workspace_id: the workspace all workflows are in.
        deployment: returns the id of the deployed version of a workflow.
        ended: called with every execution when it ends.
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
        base_url: Callable[[], str | None] = lambda: None,
        workspace_id: str = "",
        deployment: Callable[[str], str | None] = lambda _: None,
        ended: Callable[[ExecutionRecord], object] = lambda _: None,
    ) -> None:
        self._workflows = workflows
        self._dialect = dialect
        self._limiter = limiter
        self._store = store
        self._clock = clock
        self._timeout = timeout
        self._job_concurrency = job_concurrency
        self._usage_error = usage_error
        self._base_url = base_url
        self._workspace_id = workspace_id
        self._deployment = deployment
        self._ended = ended
        self._runs: dict[str, Run] = {}
        self._resting: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._threads: set[threading.Thread] = set()
        self._slots: asyncio.Semaphore | None = None
        self._running = False
        self._count = 0
        self.last_runs: dict[str, tuple[int, float]] = {}
        """Number of runs, and beginning of the last one in epoch seconds, by workflow."""

    def start(self) -> None:
        """Continue after an earlier server: run pending jobs, fail interrupted ones. Needs a running loop."""
        if self._running:
            return
        self._running = True
        self._store.open()
        self._slots = asyncio.Semaphore(self._job_concurrency) if self._job_concurrency else None
        for execution in self._store.unfinished_executions():
            reason = RESTARTED_WHILE_PAUSED if execution.state == "paused" else RESTARTED
            self._store.save_execution(execution.interrupt(reason, self._clock()))
        for job in self._store.unfinished_jobs():
            if job.state == "processing":
                self._store.save_job(job.refuse(RESTARTED, self._clock()))
            else:
                self.spawn(self._work_off(job))

    async def stop(self) -> None:
        """Interrupt every run. Jobs stay in the store, where the next `start` finds them."""
        if not self._running:
            return
        self._running = False
        for run in list(self._runs.values()):
            run.cancel("interrupted")
        resting = [run.discard() for run in self._resting.values()]
        self._resting.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        discarded = [work for work in resting if work is not None]
        if discarded:
            await asyncio.wait(discarded, timeout=_THREAD_PATIENCE)
        if self._threads:
            await asyncio.to_thread(join, self._threads, _THREAD_PATIENCE)
        self._store.close()

    def begin(self, workflow: Workflow, invocation: Invocation, execution_id: str | None = None) -> Run:
        """Make a run and store its beginning."""
        bounds = [bound for bound in (self._timeout, invocation.timeout) if bound is not None]
        run = Run(
            workflow,
            invocation,
            execution_id or str(new_uuid()),
            clock=self._clock,
            timeout=min(bounds) if bounds else None,
            threads=self._threads,
            base_url=invocation.base_url or self._base_url() or "",
            workspace_id=self._workspace_id,
            may_pause="hitl" in self._dialect.options,
        )
        self._runs[run.id] = run
        self._count += 1
        if self._count % _SWEEP_EVERY == 0:
            self._store.forget_before(self._clock() - _KEPT)
        self.last_runs[workflow.id] = (self.last_runs.get(workflow.id, (0, 0.0))[0] + 1, run.started)
        self._store.save_execution(
            ExecutionRecord(
                run.id,
                workflow.id,
                invocation.trigger,
                run.started,
                mode=invocation.mode,
                request_id=new_uuid().hex[:8],
                received=invocation.received,
                selected=invocation.selected,
                deployment=self._deployment(workflow.id),
            )
        )
        return run

    @property
    def under_way(self) -> int:
        """Number of running executions, without paused and pending ones."""
        return len(self._runs)

    def refuse(self, workflow: Workflow, invocation: Invocation, reason: str, execution_id: str | None = None) -> None:
        """Store a run that was refused before it began; logs of the real server show it."""
        now = self._clock()
        self._store.save_execution(
            ExecutionRecord(
                execution_id or str(new_uuid()),
                workflow.id,
                invocation.trigger,
                now,
                state="failed",
                ended=now,
                output={},
                error=reason,
                reason=reason,
                ending="interrupted",
                duration=_REFUSED_AFTER,
                mode=invocation.mode,
                received=invocation.received,
            )
        )

    def knows(self, execution_id: str) -> bool:
        """Whether an id belongs to a run, or to a job whose run has not begun."""
        return self._store.execution(execution_id) is not None or self._store.job_of(execution_id) is not None

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        """One execution; before v0.8 also by the id of its resumption."""
        execution = self._store.execution(execution_id)
        if execution is None or execution.continues is None:
            return execution
        return None if self._dialect.since_v08 else self._store.execution(execution.continues)

    def execute(self, run: Run, sink: Sink | None = None) -> asyncio.Task[Outcome]:
        """Start a run in a task of its own, which continues if the caller disconnects."""
        return self.spawn(self._execute(run, sink))

    def submit(self, workflow: Workflow, invocation: Invocation, execution_id: str | None = None) -> JobRecord:
        """Store a background execution, then queue it."""
        execution_id = execution_id or str(new_uuid())
        job = self._job(self._dialect.job_id(execution_id), workflow.id, execution_id, invocation)
        self._store.save_job(job)
        self.spawn(self._work_off(job, exempt=invocation.exempt))
        return job

    def claim(self, workflow_id: str, execution_id: str, context_id: str, answer: object) -> Resumption:
        """Claim a pause, so that no other request can answer it.

        Raises:
            Refusal: There is no such pause, or it can no longer be answered.
        """
        strict = self._dialect.since_v08
        execution = self.execution(execution_id)
        if strict and execution is None and self.knows(execution_id):
            raise Refusal(409, "Execution can no longer be resumed")
        if execution is None or execution.workflow_id != workflow_id or not execution.pauses:
            raise Refusal(404, f"Paused execution not found{'' if strict else ' or already resumed'}")
        if strict and execution.state in FINISHED:
            raise Refusal(409, "Paused execution is not resumable")
        if execution.state == "cancelled":
            raise Refusal(409, "Execution has been cancelled")
        pause = execution.pause(context_id)
        if pause is None:
            raise Refusal(404, "Pause point not found for execution")
        if pause.status != "paused":
            raise Refusal(409, "Pause point already resumed or in progress")
        run = self._resting.pop(execution.id, None)
        if run is None:
            raise Refusal(409, RESTARTED_WHILE_PAUSED)
        execution = execution.resume(context_id, self._clock())
        self._store.save_execution(execution)
        self._runs[run.id] = run
        return Resumption(run, execution, answer)

    def rename(self, resumption: Resumption) -> str:
        """Give a resumption a new id, which since v0.8 cannot be read."""
        run, new_id, now = resumption.run, str(new_uuid()), self._clock()
        record = ExecutionRecord(new_id, run.workflow.id, run.invocation.trigger, now, ended=now, continues=run.id)
        self._store.save_execution(record)
        return new_id

    def resume(self, resumption: Resumption, sink: Sink | None = None) -> asyncio.Task[Outcome]:
        """Resume a run in a task of its own."""
        return self.spawn(self._carry_on(resumption, sink))

    def submit_resumption(self, resumption: Resumption, context_id: str) -> JobRecord:
        """Queue a resumption."""
        run = resumption.run
        resumes = {"contextId": context_id, "input": resumption.answer}
        own = self._job(f"run_{new_uuid().hex[:20]}", run.workflow.id, run.id, run.invocation)
        job = attrs.evolve(own, resumes=resumes)
        self._store.save_job(job)
        self.spawn(self._work_off(job, resumption=resumption))
        return job

    def cancel(self, execution_id: str) -> bool:
        """Cancel a run, or a job that has not begun; unknown and finished ones do not change.

        Returns:
            Whether it was paused.
        """
        execution = self.execution(execution_id)
        run_id = execution_id if execution is None else execution.id
        run = self._runs.get(run_id)
        if run is not None:
            run.cancel()
            return False
        run = self._resting.pop(run_id, None)
        if run is not None and execution is not None:
            run.discard()
            self._end(execution.cancel(self._clock()))
            return True
        for job in self._store.unfinished_jobs():
            if job.execution_id == run_id and job.resumes is None:
                now = self._clock()
                self._store.save_job(job.cancel(now))
                self._end(ExecutionRecord(job.execution_id, job.workflow_id, job.trigger, now).cancel(now))
        return False

    def _job(self, job_id: str, workflow_id: str, execution_id: str, invocation: Invocation) -> JobRecord:
        return JobRecord(
            id=job_id,
            execution_id=execution_id,
            workflow_id=workflow_id,
            request_id=new_uuid().hex[:8],
            received=invocation.received,
            raw=invocation.raw,
            trigger=invocation.trigger,
            created=self._clock(),
            base_url=invocation.base_url,
            timeout=invocation.timeout,
        )

    async def _execute(self, run: Run, sink: Sink | None) -> Outcome:
        return await self._follow(run, run.execute(sink))

    async def _carry_on(self, resumption: Resumption, sink: Sink | None) -> Outcome:
        run = resumption.run
        return await self._follow(run, run.resume(resumption.answer, sink))

    async def _follow(self, run: Run, running: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Wait until a run pauses or ends, and store its state."""
        try:
            outcome = await running
        finally:
            self._runs.pop(run.id, None)
        for file in run.files:
            self._store.save_file(file)
        run.files.clear()
        execution = self._store.execution(run.id)
        if outcome.ending == "interrupted" or execution is None:
            return outcome
        error = self._dialect.error_text(outcome, run.workflow, run.timeout)
        execution = execution.end(outcome, error)
        if outcome.pause is not None:
            self._resting[run.id] = run
            self._store.save_execution(execution.add_pause(outcome.pause, str(new_uuid())))
            return outcome
        if outcome.ending == "failed":
            execution = attrs.evolve(execution, block=run.workflow.block, block_id=run.workflow.block_id())
        self._end(execution)
        return outcome

    def _end(self, execution: ExecutionRecord) -> None:
        self._store.save_execution(execution)
        self._ended(execution)

    async def _work_off(self, job: JobRecord, *, exempt: bool = False, resumption: Resumption | None = None) -> None:
        if self._slots is None:
            await self._run_job(job, exempt=exempt, resumption=resumption)
        else:
            async with self._slots:
                await self._run_job(job, exempt=exempt, resumption=resumption)

    async def _run_job(self, job: JobRecord, *, exempt: bool, resumption: Resumption | None) -> None:
        current = self._store.job(job.id)
        if current is None or current.state == "done":  # cancelled while it was queued
            return
        if resumption is None:
            run = self._first_run(job, exempt=exempt)
            if run is None:
                return
            job = job.start(run.started)
        else:
            run = resumption.run
            job = job.start(self._clock())
        self._store.save_job(job)
        outcome = await (self._execute(run, None) if resumption is None else self._carry_on(resumption, None))
        if outcome.ending != "interrupted":
            self._store.save_job(job.end(outcome, run.workflow.block))

    def _first_run(self, job: JobRecord, *, exempt: bool) -> Run | None:
        """Make the run of a job that begins; None if the job is refused."""
        if job.resumes is not None:  # after a restart the paused generator is lost
            self._store.save_job(job.refuse(RESTARTED_WHILE_PAUSED, self._clock()))
            return None
        workflow = self._workflows.get(job.workflow_id)
        refusal = None
        if workflow is None or not workflow.deployed:
            refusal = f"Workflow {job.workflow_id} has no active deployment"
        elif not exempt and self._dialect.job_takes_token and not self._limiter().take("sync"):
            refusal = self._dialect.rate_limited_job
        elif self._dialect.usage_checked_at_start:
            refusal = self._usage_error()
        if workflow is None or refusal is not None:
            self._store.save_job(job.refuse(refusal or "", self._clock()))
            return None
        invocation = Invocation(
            job.received,
            job.raw,
            background=True,
            trigger=job.trigger,
            base_url=job.base_url,
            timeout=job.timeout,
        )
        return self.begin(workflow, invocation, job.execution_id)

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine in a task that is cancelled when the engine stops."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
