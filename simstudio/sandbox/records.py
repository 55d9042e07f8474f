"""Jobs and executions of a sandbox, and the stores that keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simstudio.sandbox.outputs import BlockOutput
    from simstudio.sandbox.pauses import PausePoint
    from simstudio.sandbox.runfiles import RunFile
    from simstudio.sandbox.runs import Ending, Mode, Outcome

JobState = Literal["pending", "processing", "done"]
JobEnding = Literal["completed", "failed", "cancelled", "timeout", "refused"]
RunState = Literal["running", "completed", "failed", "cancelled", "paused"]
PausedState = Literal["paused", "partially_resumed", "fully_resumed", "cancelled"]

_MOST_EXECUTIONS = 10_000

_RUN_STATES: dict[Ending, RunState] = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "timeout": "failed",
    "interrupted": "failed",
    "paused": "paused",
}


@attrs.frozen
class JobRecord:
    """One background execution.

    Attributes:
        ending: None until it is done; ``refused`` when the job ended without its workflow having run to an end.
        output: output of the last block, if the workflow completed.
        response: whether that block is a Response block.
        error: error message without the name of the block.
        block: the name of the workflow's default block, as an error shows it.
        created, started, ended: epoch seconds.
        base_url: address under which the caller reached the server.
        timeout: limit of the caller, in seconds; None for the limit of the server.
        resumes: ``contextId`` of the resumed pause and ``input``; None if the job begins a run.
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
    base_url: str = ""
    timeout: float | None = None
    resumes: Mapping[str, object] | None = None

    def start(self, now: float) -> JobRecord:
        """The job as its run begins."""
        return attrs.evolve(self, state="processing", started=now)

    def refuse(self, reason: str, now: float) -> JobRecord:
        """The job, ended before or during its run."""
        started = now if self.started is None else self.started
        return attrs.evolve(self, state="done", ending="refused", error=reason, started=started, ended=now)

    def cancel(self, now: float) -> JobRecord:
        """The job, cancelled before its run began."""
        return attrs.evolve(self, state="done", ending="cancelled", output={}, started=now, ended=now)

    def end(self, outcome: Outcome, block: str) -> JobRecord:
        """The job at the end of its run; a paused run completes its job, as in Sim."""
        ending: JobEnding
        if outcome.ending == "interrupted":
            ending = "refused"
        else:
            ending = "completed" if outcome.ending == "paused" else outcome.ending
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
    """One run. Times are epoch seconds.

    Attributes:
        error: error message in the form of the dialect.
        reason: error message without the name of the block.
        ending: how it ended; None before its end.
        duration: seconds without pauses; None before the first pause or end.
        mode: kind of the response.
        request_id: a short id of the request.
        received: input of the Start block.
        selected: entries of ``selectedOutputs``.
        block_id, block: the block that failed.
        deployment: the id of the deployed version that ran.
        response: whether it ended in a Response block.
        pauses: its pauses, in order.
        paused_id: id of the paused execution itself.
        changed: time of the last change of its pauses.
        continues: id of the run for which this record is a second name; the other fields are then unused.
        steps: steps that the function declared, as spans.
    """

    id: str
    workflow_id: str
    trigger: str
    started: float
    state: RunState = "running"
    ended: float | None = None
    output: object = None
    error: str | None = None
    blocks: tuple[BlockOutput, ...] = ()
    reason: str | None = None
    ending: Ending | None = None
    duration: float | None = None
    mode: Mode = "sync"
    request_id: str = ""
    received: object = None
    selected: tuple[str, ...] = ()
    block_id: str | None = None
    block: str | None = None
    deployment: str | None = None
    response: bool = False
    pauses: tuple[PausePoint, ...] = ()
    paused_id: str | None = None
    changed: float | None = None
    continues: str | None = None
    steps: tuple[dict[str, Any], ...] = ()

    @property
    def paused_state(self) -> PausedState:
        """The state of its pauses taken together."""
        resumed = sum(pause.status == "resumed" for pause in self.pauses)
        if resumed == len(self.pauses):
            return "fully_resumed"
        if self.state in ("cancelled", "failed"):
            return "cancelled"
        return "partially_resumed" if resumed else "paused"

    @property
    def waits_at(self) -> PausePoint | None:
        """The pause that waits for an answer; None if no pause does."""
        return next((pause for pause in self.pauses if pause.status == "paused"), None)

    def pause(self, context_id: str) -> PausePoint | None:
        """The pause with this id; None if the run has no such pause."""
        return next((pause for pause in self.pauses if pause.context_id == context_id), None)

    def interrupt(self, reason: str, now: float) -> ExecutionRecord:
        """The execution, failed because its server stopped."""
        return attrs.evolve(self, state="failed", ending="interrupted", error=reason, ended=now)

    def cancel(self, now: float) -> ExecutionRecord:
        """The execution, cancelled before it began or while it was paused."""
        return attrs.evolve(self, state="cancelled", ending="cancelled", output={}, ended=now, changed=now)

    def resume(self, context_id: str, now: float) -> ExecutionRecord:
        """The execution with this pause answered, running."""
        pauses = tuple(
            attrs.evolve(pause, status="resuming") if pause.context_id == context_id else pause for pause in self.pauses
        )
        return attrs.evolve(self, state="running", pauses=pauses, changed=now)

    def add_pause(self, pause: PausePoint, paused_id: str) -> ExecutionRecord:
        """The execution with one more pause."""
        current = self._mark_resumed(pause.registered)
        return attrs.evolve(
            current,
            paused_id=self.paused_id or paused_id,
            changed=pause.registered,
            pauses=(*current.pauses, pause),
        )

    def end(self, outcome: Outcome, error: str | None) -> ExecutionRecord:
        """The execution at the end of its run or at a pause."""
        rests = outcome.ending == "paused"
        current = self if rests else self._mark_resumed(outcome.ended)
        return attrs.evolve(
            current,
            state=_RUN_STATES[outcome.ending],
            ending=None if rests else outcome.ending,
            ended=None if rests else outcome.ended,
            duration=(self.duration or 0.0) + outcome.duration,
            output=outcome.output,
            error=error,
            reason=outcome.error,
            blocks=outcome.blocks,
            steps=outcome.steps,
            response=outcome.response is not None,
        )

    def _mark_resumed(self, now: float) -> ExecutionRecord:
        """The execution with its answered pauses marked as resumed."""
        pauses = tuple(
            attrs.evolve(pause, status="resumed", resumed=now) if pause.status == "resuming" else pause
            for pause in self.pauses
        )
        return self if pauses == self.pauses else attrs.evolve(self, pauses=pauses, changed=now)


class Store(Protocol):
    """Keeps records. Used from one thread at a time; a later `save` replaces an earlier one of the same id."""

    def open(self) -> None:
        """Open the store; called before the sandbox starts, from the caller's thread."""
        ...

    def close(self) -> None:
        """Close the store. Saved records are there after the next `open`."""
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

    def executions(self, workflow_id: str | None = None) -> list[ExecutionRecord]:
        """All executions, or those of one workflow, oldest first; without those that continue another."""
        ...

    def job_of(self, execution_id: str) -> JobRecord | None:
        """The job that begins, or began, an execution."""
        ...

    def unfinished_executions(self) -> list[ExecutionRecord]:
        """Executions that are running or paused."""
        ...

    def save_file(self, file: RunFile) -> None:
        """Keep a file of a run."""
        ...

    def files(self, run_id: str) -> list[RunFile]:
        """The files of a run, in the order they were saved."""
        ...

    def forget_before(self, moment: float) -> None:
        """Drop runs that ended before a moment, in epoch seconds."""
        ...

    def clear(self) -> None:
        """Drop everything."""
        ...


class MemoryStore:
    """Keeps records as long as the `Sandbox` object lives; of executions the newest 10 000."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobRecord] = {}
        self._job_of: dict[str, str] = {}
        self._executions: dict[str, ExecutionRecord] = {}
        self._files: dict[str, list[RunFile]] = {}

    def open(self) -> None:
        """Do nothing: records in memory need no file."""

    def close(self) -> None:
        """Do nothing: records in memory need no file."""

    def save_job(self, job: JobRecord) -> None:
        """Keep a job."""
        self._jobs[job.id] = job
        if job.resumes is None:
            self._job_of[job.execution_id] = job.id

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

    def executions(self, workflow_id: str | None = None) -> list[ExecutionRecord]:
        """All executions, or those of one workflow, oldest first; without those that continue another."""
        return [
            each
            for each in self._executions.values()
            if each.continues is None and workflow_id in (None, each.workflow_id)
        ]

    def job_of(self, execution_id: str) -> JobRecord | None:
        """The job that begins, or began, an execution."""
        return self._jobs.get(self._job_of.get(execution_id, ""))

    def unfinished_executions(self) -> list[ExecutionRecord]:
        """Executions that are running or paused."""
        return [each for each in self._executions.values() if each.ended is None and each.continues is None]

    def save_file(self, file: RunFile) -> None:
        """Keep a file of a run."""
        self._files.setdefault(file.run_id, []).append(file)

    def files(self, run_id: str) -> list[RunFile]:
        """The files of a run, in the order they were saved."""
        return list(self._files.get(run_id, ()))

    def clear(self) -> None:
        """Drop everything."""
        for records in (self._jobs, self._job_of, self._executions, self._files):
            records.clear()

    def forget_before(self, moment: float) -> None:
        """Drop runs that ended before a moment, in epoch seconds."""
        self._jobs = {key: job for key, job in self._jobs.items() if job.ended is None or job.ended >= moment}
        self._executions = {
            key: each for key, each in self._executions.items() if each.ended is None or each.ended >= moment
        }
        self._job_of = {key: job_id for key, job_id in self._job_of.items() if job_id in self._jobs}
        self._files = {key: files for key, files in self._files.items() if files[-1].saved >= moment}
