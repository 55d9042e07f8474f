"""An item in progress: from its admission until it becomes a :class:`~simstudio.batch.items.BatchItem`.

It is the state that the parts of the coordinator share about an item. At any time only one of them uses it.
"""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.batch.execution import Receipt
from simstudio.batch.items import BatchItem, ItemState, Prepared
from simstudio.core.errors import ExecutionError
from simstudio.transport.errors import InvalidInputError, SimStudioError


@attrs.define(eq=False)
class WorkItem:
    """An item under way.

    Attributes:
        claim: The id under which the service runs it at most once; None where there is none, or none yet.
        receipt: What the service is asked by, once it has queued it.
        attempts: How often it was sent in this run.
        refusals: How often of these the rate limit refused it.
        misses: How often of these the server was not there, and it is sent again however often that was.
        reruns: How often it failed in this run and was begun again.
        failed: What became of it when it failed last; it is that if it is not begun again.
        spent: How many attempts, refusals aside, had been made when it was last begun again.
        counted: Whether the budget counts it as under way.
        began: When it was first sent in this run, by the batch's clock.
        intended: Whether the ledger knows that it is about to be sent.
        problem: Why it must not be sent, though it could have been when it was read.
        resumed: Whether an earlier run sent it, under the ids that it has now.
    """

    prepared: Prepared
    claim: str | None = None
    receipt: Receipt | None = None
    attempts: int = 0
    refusals: int = 0
    misses: int = 0
    reruns: int = 0
    failed: BatchItem | None = None
    spent: int = 0
    counted: bool = False
    began: float | None = None
    intended: bool = False
    problem: InvalidInputError | None = None
    resumed: bool = False

    def ended(
        self,
        state: ItemState,
        now: float,
        *,
        result: Any = None,
        error: SimStudioError | None = None,
    ) -> BatchItem:
        """What became of it.

        Args:
            state: In which state it is now.
            now: By the clock of ``began``.
            result: Of what is done.
            error: Why it has no result.
        """
        last = result if error is None else getattr(error, "result", None)  # what the service said of it at last
        if state == "failed" and error is not None and self._was_sent_before and _is_cancelled(last):
            error = _cut_short(last, error)
        return BatchItem(
            index=self.prepared.index,
            input=self.prepared.input,
            result=result,
            error=error,
            attempts=self.attempts,
            elapsed=now - self.began if self.began is not None else 0.0,
            state=state,
            key=self.prepared.key,
            run_id=self._run_id(last),
        )

    def _run_id(self, last: Any) -> str | None:
        named: str | None = getattr(last, "run_id", None)
        return named or (self.receipt.execution_id if self.receipt is not None else None) or self.claim

    @property
    def _was_sent_before(self) -> bool:
        """Whether the run that was found is that of an earlier request, whose connection was lost."""
        return self.receipt is None and (self.resumed or self.attempts - self.refusals - self.spent > 1)

    def rerun(self, failed: BatchItem) -> None:
        """Begin again what has run and failed."""
        self.reset()
        self.failed = failed
        self.reruns += 1
        self.spent = self.attempts - self.refusals
        self.misses = 0

    def reset(self) -> None:
        """Drop its claim and receipt, under which nothing ran: it is sent as if it had never been."""
        self.claim = self.receipt = None
        self.intended = self.resumed = False


def _is_cancelled(result: Any) -> bool:
    return getattr(result, "status", None) == "cancelled"


def _cut_short(result: Any, error: SimStudioError) -> SimStudioError:
    """Why a run is cancelled that nobody may have cancelled: a server ends some runs whose client goes away."""
    cut = ExecutionError(
        f"The run {result.run_id} was cut short: its client went away, or somebody cancelled it. Part of it has "
        'run; on_failed="rerun" runs it again from its beginning.',
        result=result,
    )
    cut.__cause__ = error
    return cut
