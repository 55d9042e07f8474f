"""An item under way: from its admission until a :class:`~simstudio.batch.items.BatchItem` comes of it.

It is all that the parts of the coordinator know of an item together, and at any time one of them has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from simstudio.batch.items import BatchItem, ItemState, Prepared
from simstudio.core.errors import ExecutionError
from simstudio.transport.errors import InvalidInputError, SimStudioError

if TYPE_CHECKING:
    from simstudio.models.execution import WorkflowExecutionResult


@attrs.define(eq=False)
class WorkItem:
    """An item under way.

    Attributes:
        prepared: The input.
        run_id: The ``X-Run-Id`` it is sent with; None where there is none (v1), or none yet.
        task_id: Under which the server is asked for it, once it is queued there.
        execution_id: The queued execution, where the server named it.
        api_version: The API that knows them, of what an earlier run queued.
        attempts: How often it was sent in this run.
        refusals: How often of these the rate limit refused it.
        misses: How often of these the server was not there, and it is sent again however often that was.
        began: When it was first sent in this run, by the batch's clock.
        intended: Whether the ledger knows that it is about to be sent.
        problem: Why it must not be sent, though it could have been when it was read.
        resumed: Whether an earlier run sent it, under the ids that it has now.
    """

    prepared: Prepared
    run_id: str | None = None
    task_id: str | None = None
    execution_id: str | None = None
    api_version: str = ""
    attempts: int = 0
    refusals: int = 0
    misses: int = 0
    began: float | None = None
    intended: bool = False
    problem: InvalidInputError | None = None
    resumed: bool = False

    def ended(
        self,
        state: ItemState,
        now: float,
        *,
        result: WorkflowExecutionResult | None = None,
        error: SimStudioError | None = None,
    ) -> BatchItem:
        """What became of it.

        Args:
            state: In which state it is now.
            now: By the clock of ``began``.
            result: The server's last word, where there is one; only what is done keeps it.
            error: Why it has no result.
        """
        if state == "failed" and result is not None and result.status == "cancelled" and self._was_sent_before:
            error = _cut_short(result, error)
        return BatchItem(
            index=self.prepared.index,
            input=self.prepared.input,
            result=result if state == "done" else None,
            error=error,
            attempts=self.attempts,
            elapsed=now - self.began if self.began is not None else 0.0,
            state=state,
            key=self.prepared.key,
            run_id=(result.execution_id if result is not None else None) or self.execution_id or self.run_id,
        )

    @property
    def _was_sent_before(self) -> bool:
        """Whether the run that was found is that of an earlier request, whose connection was lost."""
        return self.task_id is None and (self.resumed or self.attempts - self.refusals > 1)

    def reset(self) -> None:
        """Drop its ids, under which nothing ran: it is sent as if it had never been."""
        self.run_id = self.task_id = self.execution_id = None
        self.intended = self.resumed = False


def _cut_short(result: WorkflowExecutionResult, error: SimStudioError | None) -> SimStudioError:
    """Why a run is cancelled that nobody may have cancelled: a server ends some runs whose client goes away."""
    cut = ExecutionError(
        f"The run {result.execution_id} was cut short: its client went away, or somebody cancelled it. Part of it has "
        'run; on_failed="rerun" runs it again from its beginning.',
        result=result,
    )
    cut.__cause__ = error
    return cut
