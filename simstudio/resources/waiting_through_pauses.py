"""Wait for the end of a run that pauses for people, and hand them its questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.core.errors import JobFailedError
from simstudio.models.receipts import AsyncExecutionResult
from simstudio.resources.advice import CANNOT_RESUME_ADVICE
from simstudio.transport.deadline import SHORTEST
from simstudio.transport.flow import Call

if TYPE_CHECKING:
    from simstudio.models.jobs import Job
    from simstudio.models.pauses import Pause
    from simstudio.resources.dialects.base import Resumed
    from simstudio.resources.dialects.target import Target
    from simstudio.transport.flow import Flow


@attrs.frozen
class PauseAnswering:
    """The wait for a run, and the answers to its pauses.

    Attributes:
        on_pause: Called once with each pause; None in answer leaves the pause to another client.
        wait: Makes the flow of one wait: until the job is done or paused, or until ``resumed`` is true of it.
        look_up: Makes the flow that retrieves what a pause asks, where the job does not say so.
        answer: Makes the flow that sends an answer to a pause.
        target_of: Finds out where to read the job of a receipt.
        clock: Monotonic seconds.
    """

    on_pause: Callable[[Pause], Any] | None
    wait: Callable[..., Flow[Job]]
    look_up: Callable[[Pause], Flow[Pause]]
    answer: Callable[[Pause, Any], Flow[Resumed]]
    target_of: Callable[[AsyncExecutionResult], Target]
    clock: Callable[[], float]
    _asked: set[str | None] = attrs.field(factory=set, init=False)

    def wait_until_done(self, target: Target, *, timeout: float | None, **options: Any) -> Flow[Job]:
        """Wait until a run has ended, whoever answers its pauses.

        Args:
            timeout: Seconds for all of it; None for no limit.
            options: Options of each wait: ``on_progress``, ``poll_interval``.

        Raises:
            JobFailedError: The run failed, or paused again after an answer, on a server that cannot resume such a run.
        """
        end = None if timeout is None else self.clock() + timeout
        job = yield from self.wait(target, timeout=timeout, **options)
        while job.paused:
            if job.pause is None:
                raise JobFailedError(f"The job {job.task_id} cannot go on. {CANNOT_RESUME_ADVICE}", job=job)
            target = attrs.evolve(
                target,
                workflow_id=job.pause.workflow_id or target.workflow_id,
                execution_id=job.pause.execution_id or target.execution_id,
            )
            receipts = yield from self._answer_new_pauses(job)
            left = None if end is None else max(end - self.clock(), SHORTEST)
            if receipts and len(receipts) == len(job.pauses):
                job = yield from self.wait(self.target_of(receipts[-1]), timeout=left, **options)
            else:
                job = yield from self.wait(target, timeout=left, resumed=self._is_over, **options)
        return job

    def _answer_new_pauses(self, job: Job) -> Flow[list[AsyncExecutionResult]]:
        """Ask for an answer to each pause that is new, and send it; the receipts of what runs on in the background."""
        receipts = []
        for pause in self._new_pauses(job):
            self._asked.add(pause.context_id)
            question = yield from self.look_up(pause)
            answer = yield Call(self.on_pause, question)  # type: ignore[arg-type]  # without it there are no new ones
            if answer is not None:
                resumed = yield from self.answer(pause, answer)
                if isinstance(resumed, AsyncExecutionResult):
                    receipts.append(resumed)
        return receipts

    def _new_pauses(self, job: Job) -> list[Pause]:
        return [pause for pause in job.pauses if self.on_pause is not None and pause.context_id not in self._asked]

    def _is_over(self, job: Job) -> bool:
        return bool(self._new_pauses(job)) or (job.done and not job.paused)
