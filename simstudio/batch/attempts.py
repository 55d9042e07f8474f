"""Attempts to execute an item: each is committed to the ledger before it is sent, and judged by its outcome.

Nothing is sent before it is committed, so an item that is not in the ledger has not run. An item that may have run is
sent again only under a claim, by which the service runs it once. A refusal that used up the claim is followed by a new
claim, committed like the first. An item that surely did not run is removed from the ledger and sent again, during an
outage (:class:`~simstudio.batch.outage.Outage`) as often as needed. An error that every item would get ends the batch.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs

from simstudio.batch.errors import LedgerError
from simstudio.batch.execution import Receipt, Refusal
from simstudio.batch.failures import may_run_again
from simstudio.batch.items import BatchItem, ItemState
from simstudio.batch.ledger import Ledger
from simstudio.batch.options import Options
from simstudio.batch.outage import Outage, is_miss
from simstudio.batch.pace import Pace
from simstudio.batch.progress import Progress
from simstudio.batch.records import Intent
from simstudio.batch.sender import Sender
from simstudio.batch.verdicts import Verdict, is_turned_away, may_repeat, verdict
from simstudio.batch.work_item import WorkItem
from simstudio.core.errors import JobFailedError
from simstudio.transport.errors import InvalidInputError, SimStudioError
from simstudio.transport.retry import LONGEST_WAIT

_MOST_TURNED_AWAY = 10
"""Consecutive 403s and 404s after which they count as errors that every item would get."""
_MOST_MISSES = 20
"""Times that one item is sent again during outages; with the pauses this is longer than an outage may last."""


@attrs.frozen
class Again:
    """An item is to be sent again.

    Attributes:
        delay: Seconds until then.
        ran: The item as it ended this time, if it ran.
    """

    delay: float
    ran: BatchItem | None = None


@attrs.frozen
class Unwritten:
    """A finished item that could not be written to the ledger. It is delivered, and the batch ends.

    Attributes:
        error: Error of the ledger.
    """

    item: BatchItem
    error: LedgerError


class Attempts:
    """Sends items and judges the outcomes.

    Args:
        sender: Executes items.
        pace: Learns from each response.
        options: Limits and pauses of sending again.
        progress: Counts refusals by the rate limit.
        outage: Counts responses and misses.
        ledger: Ledger that items are committed to; None without one.
        clock: Monotonic clock, in seconds.
    """

    def __init__(
        self,
        sender: Sender,
        pace: Pace,
        options: Options,
        progress: Progress,
        outage: Outage,
        *,
        ledger: Ledger | None,
        clock: Callable[[], float],
    ) -> None:
        self._sender = sender
        self._execution = sender.execution
        self._pace = pace
        self._options = options
        self._progress = progress
        self._outage = outage
        self._ledger = ledger
        self._clock = clock
        self._succeeded = False
        self._turned_away = 0

    def commit(self, batch: Sequence[WorkItem]) -> None:
        """Commit items that are about to be sent.

        Raises:
            LedgerError: The ledger cannot be written, or two inputs have the same key; nothing may be sent.
        """
        for work in batch:
            if work.claim is None and not work.intended:
                work.claim = self._execution.new_claim()
        if self._ledger is not None:
            self._intend(self._ledger, [work for work in batch if not work.intended])
        for work in batch:
            work.intended = work.problem is None

    def _intend(self, ledger: Ledger, new: Sequence[WorkItem]) -> None:
        if not new:
            return
        refused = ledger.intend([Intent(work.prepared, work.claim) for work in new])
        problems = {intent.prepared.index: error for intent, error in refused}
        for work in new:
            work.problem = problems.get(work.prepared.index)

    async def make(self, work: WorkItem) -> BatchItem | Unwritten | Again:
        """Send a committed item, or wait for it if it is queued.

        Returns:
            The finished item, which the ledger has or could not store; or that it is to be sent again.

        Raises:
            SimStudioError: No item can be executed.
            LedgerError: The ledger cannot be written.
        """
        if work.problem is not None:
            return self._refuse(work, work.problem)
        work.attempts += 1
        sent_now = work.receipt is None
        started = self._clock()
        if work.began is None:
            work.began = started
        try:
            if work.receipt is None:
                queued = partial(self._mark_queued, work)
                result = await self._sender.execute(work.prepared.input, work.claim, queued)
            else:
                result = await self._sender.settle(work.receipt)
        except SimStudioError as error:
            return self._judge(work, error, self._clock() - started)
        except Exception as error:  # noqa: BLE001 - such as an error of a user's middleware
            wrapped = SimStudioError(f"{type(error).__name__}: {error}")
            wrapped.__cause__ = error
            self._pace.see_failure(self._clock() - started)
            return self._end(work, "failed" if work.receipt is None else "unknown", error=wrapped)
        self._outage.record()
        self._pace.see_success(self._clock() - started)
        if sent_now:
            self._succeeded, self._turned_away = True, 0
        return self._end(work, "done", result=result)

    def _mark_queued(self, work: WorkItem, receipt: Receipt) -> None:
        work.receipt = receipt
        if self._ledger is not None:
            self._ledger.mark_submitted(work.prepared.key, receipt.task_id, receipt.execution_id)

    def _judge(self, work: WorkItem, error: SimStudioError, elapsed: float) -> BatchItem | Unwritten | Again:
        """Judge an execution without a result: send it again, or end it."""
        self._turned_away += is_turned_away(error) and work.receipt is None
        refusal = self._execution.refusal(error)
        found = "refused" if refusal is not None else self._verdict(error)
        self._outage.record(error)
        gone = self._outage.reached and is_miss(error)  # it responded before
        if refusal is not None:
            work.refusals += 1
            self._progress.refused += 1
        wait = refusal.retry_after if refusal is not None else None
        endless = wait is not None and wait > LONGEST_WAIT  # a wait of years is a refusal
        if refusal is not None and refusal.current:
            self._pace.see_refusal(LONGEST_WAIT if endless else wait)
        elif found in ("unsent", "unknown"):
            self._pace.see_failure(elapsed)
        else:
            self._pace.see_success(elapsed)
        work.misses += gone
        if work.receipt is not None:
            return self._judge_queued(work, error, refusal, gone=gone)
        if not endless and self._may_repeat(work, found, gone=gone):
            if found != "unknown":
                self._forget(work, refusal)
            return Again(0.0 if found == "refused" else self._pause(work))  # the pace delays refused items
        if found in ("fatal", "refused") or (found == "unsent" and not self._outage.reached):  # as for all others
            self._forget(work, refusal)
            raise error
        return self._end(work, "unknown" if found == "unknown" else "failed", error=error)

    def _judge_queued(
        self, work: WorkItem, error: SimStudioError, refusal: Refusal | None, *, gone: bool
    ) -> BatchItem | Unwritten | Again:
        """Judge an error of a queued item. It stays queued, unless the server says that it has ended."""
        if gone and work.misses <= _MOST_MISSES:  # asking for it again runs nothing
            return Again(self._pause(work))
        if refusal is not None and isinstance(error, JobFailedError) and self._may_repeat(work, "refused"):
            if self._ledger is not None:
                self._ledger.finish(work.to_item("unknown", self._clock(), error=error))
            work.reset()
            return Again(0.0)
        if error.status == 404 and work.resumed and self._options.given["on_unknown"] == "rerun":
            if self._ledger is not None:  # the server no longer has the job of an earlier run
                self._ledger.finish(work.to_item("unknown", self._clock(), error=error))
            work.reset()
            return Again(0.0)
        ended = isinstance(error, JobFailedError) or getattr(error, "result", None) is not None
        ended = ended and error.status != 404
        return self._end(work, "failed" if ended else "unknown", error=error)

    def _verdict(self, error: SimStudioError) -> Verdict:
        lately = self._succeeded and self._turned_away <= _MOST_TURNED_AWAY
        queued = self._execution.mode == "async"
        return verdict(error, claimed=self._execution.claims, succeeds=lately, queued=queued)

    def _may_repeat(self, work: WorkItem, found: Verdict, *, gone: bool = False) -> bool:
        if found == "refused":
            return work.refusals <= self._options.max_refusals
        if not may_repeat(found, claimed=self._execution.claims):
            return False
        if gone:
            return work.misses <= _MOST_MISSES
        return work.attempts - work.refusals - work.misses - work.spent <= self._options.max_retries

    def _pause(self, work: WorkItem) -> float:
        return self._options.backoff.delay(work.attempts, random=random.random())  # noqa: S311 - no secret

    def _refuse(self, work: WorkItem, problem: InvalidInputError) -> BatchItem:
        self._pace.see_success(0.0)  # it took its turn
        prepared = work.prepared
        item = BatchItem(prepared.index, prepared.input, error=problem, state="failed", key=prepared.key)
        if self._ledger is not None and self._ledger.find(prepared) is None:  # an entry of a sent input stays
            self._ledger.refuse(item)
        return item

    def _forget(self, work: WorkItem, refusal: Refusal | None) -> None:
        """Undo the commit of an item that did not run. An unspent claim stays: an earlier request may have run."""
        spent = refusal is not None and refusal.spent
        if self._execution.claims and not spent:
            return
        if self._ledger is not None and work.intended:
            self._ledger.forget([work.prepared.key])
        work.intended = False
        if spent:
            work.reset()

    def _end(
        self,
        work: WorkItem,
        state: ItemState,
        *,
        result: Any = None,
        error: SimStudioError | None = None,
    ) -> BatchItem | Unwritten | Again:
        item = work.to_item(state, self._clock(), result=result, error=error)
        if self._ledger is not None:
            try:
                self._ledger.finish(item)
            except LedgerError as failure:
                return Unwritten(item, failure)
        if error is not None and self._may_run_again(work, item):
            work.rerun(item)
            return Again(self._pause(work), ran=item)
        return item

    def _may_run_again(self, work: WorkItem, item: BatchItem) -> bool:
        again = item.state == "failed" and work.reruns < self._options.given["retries"]
        return again and item.error is not None and may_run_again(item.error)
