"""Items in progress: the state that the parts of the coordinator share, until it becomes a ``BatchItem``.

At any time only one part uses the state of an item.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from simstudio.batch.execution import Receipt
from simstudio.batch.items import BatchItem, ItemState, Prepared
from simstudio.batch.money import Money
from simstudio.core.errors import ExecutionError
from simstudio.transport.errors import InvalidInputError, SimStudioError


@attrs.define(eq=False)
class WorkItem:
    """An item in progress.

    Attributes:
        claim: Id under which the service runs it at most once; None without one, or before one is made.
        receipt: Receipt of the queued execution; None before it is queued.
        attempts: Number of times it was sent in this run.
        refusals: Attempts that the rate limit refused.
        misses: Attempts during an outage, which are repeated more often than others.
        reruns: Number of times it failed in this run and was run again.
        failed: Its item at the last failure, which is final unless it is run again.
        spent: Number of attempts, without refusals, before it was last run again.
        cost: Cost of its executions so far; None if it is not known.
        counted: Whether the budget counts it as running.
        began: Time of its first sending in this run, by the batch's clock.
        intended: Whether the ledger has recorded that it is about to be sent.
        problem: Fault for which it can no longer be sent, although it could when it was read.
        resumed: Whether an earlier run sent it, under its present ids.
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
    cost: Money | None = None
    counted: bool = False
    began: float | None = None
    intended: bool = False
    problem: InvalidInputError | None = None
    resumed: bool = False

    def to_item(
        self,
        state: ItemState,
        now: float,
        *,
        result: Any = None,
        error: SimStudioError | None = None,
    ) -> BatchItem:
        """The finished item.

        Args:
            now: Time by the clock of ``began``.
            error: Cause of the missing result.
        """
        last = result if error is None else getattr(error, "result", None)  # the result of the last response
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
            run_id=getattr(last, "run_id", None) or self._known_run_id,
        )

    @property
    def _known_run_id(self) -> str | None:
        """Id of the run by the receipt or the claim."""
        return (self.receipt.execution_id if self.receipt is not None else None) or self.claim

    @property
    def _was_sent_before(self) -> bool:
        """Whether the run may be that of an earlier request, whose connection was lost."""
        return self.receipt is None and (self.resumed or self.attempts - self.refusals - self.spent > 1)

    def add_cost(self, cost: Money | None) -> None:
        """Add the cost of an execution."""
        if cost is not None:
            before = Decimal(0) if self.cost is None else Decimal(str(self.cost.amount))
            self.cost = type(cost)(before + Decimal(str(cost.amount)))

    def rerun(self, failed: BatchItem) -> None:
        """Prepare an item that ran and failed for another run."""
        self.reset()
        self.failed = failed
        self.reruns += 1
        self.spent = self.attempts - self.refusals
        self.misses = 0

    def reset(self) -> None:
        """Drop claim and receipt, under which nothing ran, so that it is sent as a new item."""
        self.claim = self.receipt = None
        self.intended = self.resumed = False


def _is_cancelled(result: Any) -> bool:
    return getattr(result, "status", None) == "cancelled"


def _cut_short(result: Any, error: SimStudioError) -> SimStudioError:
    """The error of a cancelled run that the server may have cancelled itself, because its client disconnected."""
    cut = ExecutionError(
        f"The run {result.run_id} was cut short: its client went away, or somebody cancelled it. Part of it has "
        'run; on_failed="rerun" runs it again from its beginning.',
        result=result,
    )
    cut.__cause__ = error
    return cut
