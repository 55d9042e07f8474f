"""What the sandbox remembers: jobs and executions, and where they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import attrs

if TYPE_CHECKING:
    from simstudio.sandbox.outputs import BlockOutput
    from simstudio.sandbox.runs import Ending, Outcome

JobState = Literal["pending", "processing", "done"]
JobEnding = Literal["completed", "failed", "cancelled", "timeout", "refused"]
RunState = Literal["running", "completed", "failed", "cancelled"]

_MOST_EXECUTIONS = 10_000

_RUN_STATES: dict[Ending, RunState] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "timeout": "failed",
    "interrupted": "failed",
}


@attrs.frozen
class JobRecord:
    """One background execution.

    Attributes:
        ending: None until it is done; ``refused`` when the job ended without its workflow having run to an end.
        output: the last block's output of a workflow that completed.
        response: whether that block is a Response block.
        error: what went wrong, without the block's name.
        block: the name of the workflow's default block, as an error shows it.
        created, started, ended: epoch seconds.
    """

    id: str
    execution_id: str
    workflow_id: str
    request_id: str
    received: object
    raw: object
    trigger: str
    created: float
    state: JobState = "pending"
    ending: JobEnding | None = None
    output: object = None
    response: bool = False
    error: str | None = None
    block: str = ""
    started: float | None = None
    ended: float | None = None

    def starting(self, now: float) -> JobRecord:
        """The job as its run begins."""
        return attrs.evolve(self, state="processing", started=now)

    def refused(self, reason: str, now: float) -> JobRecord:
        """The job, ended without (or in the middle of) its run."""
        started = now if self.started is None else self.started
        return attrs.evolve(self, state="done", ending="refused", error=reason, started=started, ended=now)

    def cancelled(self, now: float) -> JobRecord:
        """The job, cancelled before its run began."""
        return attrs.evolve(self, state="done", ending="cancelled", output={}, started=now, ended=now)

    def ending_with(self, outcome: Outcome, block: str) -> JobRecord:
        """The job as its run left it."""
        ending: JobEnding = "refused" if outcome.ending == "interrupted" else outcome.ending
        return attrs.evolve(
            self,
            state="done",
            ending=ending,
            output=outcome.output,
            response=outcome.response is not None,
            error=outcome.error,
            block=block,
            started=outcome.started,
            ended=outcome.ended,
        )


@attrs.frozen
class ExecutionRecord:
    """One run, for ``GET …/executions/{id}``. Times are epoch seconds."""

    id: str
    workflow_id: str
    trigger: str
    started: float
    state: RunState = "running"
    ended: float | None = None
    output: object = None
    error: str | None = None
    blocks: tuple[BlockOutput, ...] = ()

    def orphaned(self, reason: str, now: float) -> ExecutionRecord:
        """An execution whose server went away."""
        return attrs.evolve(self, state="failed", error=reason, ended=now)

    def cancelled(self, now: float) -> ExecutionRecord:
        """An execution that was cancelled before it began."""
        return attrs.evolve(self, state="cancelled", output={}, ended=now)

    def ending_with(self, outcome: Outcome, error: str | None) -> ExecutionRecord:
        """The execution as its run left it."""
        return attrs.evolve(
            self,
            state=_RUN_STATES[outcome.ending],
            ended=outcome.ended,
            output=outcome.output,
            error=error,
            blocks=outcome.blocks,
        )


class Store(Protocol):
    """Keeps records. Used from one thread at a time; a later `save` replaces an earlier one of the same id."""

    def open(self) -> None:
        """Make it ready; called before the sandbox starts, from the caller's thread."""
        ...

    def close(self) -> None:
        """Let go of files. What was saved is there after the next `open`."""
        ...

    def save_job(self, job: JobRecord) -> None:
        """Keep a job."""
        ...

    def job(self, job_id: str) -> JobRecord | None:
        """One job."""
        ...

    def unfinished_jobs(self) -> list[JobRecord]:
        """Jobs that are not done, oldest first."""
        ...

    def save_execution(self, execution: ExecutionRecord) -> None:
        """Keep an execution."""
        ...

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        """One execution."""
        ...

    def unfinished_executions(self) -> list[ExecutionRecord]:
        """Executions that are running."""
        ...

    def forget_before(self, moment: float) -> None:
        """Drop what ended before a moment (epoch seconds)."""
        ...


class MemoryStore:
    """Keeps records as long as the `Sandbox` object lives; of executions the newest 10 000."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobRecord] = {}
        self._executions: dict[str, ExecutionRecord] = {}

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def save_job(self, job: JobRecord) -> None:
        """Keep a job."""
        self._jobs[job.id] = job

    def job(self, job_id: str) -> JobRecord | None:
        """One job."""
        return self._jobs.get(job_id)

    def unfinished_jobs(self) -> list[JobRecord]:
        """Jobs that are not done, oldest first."""
        return [job for job in self._jobs.values() if job.state != "done"]

    def save_execution(self, execution: ExecutionRecord) -> None:
        """Keep an execution."""
        self._executions[execution.id] = execution
        if len(self._executions) > _MOST_EXECUTIONS:
            del self._executions[next(iter(self._executions))]

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        """One execution."""
        return self._executions.get(execution_id)

    def unfinished_executions(self) -> list[ExecutionRecord]:
        """Executions that are running."""
        return [each for each in self._executions.values() if each.state == "running"]

    def forget_before(self, moment: float) -> None:
        """Drop what ended before a moment (epoch seconds)."""
        self._jobs = {key: job for key, job in self._jobs.items() if job.ended is None or job.ended >= moment}
        self._executions = {
            key: each for key, each in self._executions.items() if each.ended is None or each.ended >= moment
        }
