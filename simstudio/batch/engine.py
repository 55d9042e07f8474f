"""The coordinator of a batch: one asyncio task an item, the same for both clients.

It starts what the pace allows, commits to the ledger before it sends, sends again only what cannot run twice, and hands
finished items over. It never waits for the consumer: while the consumer is behind, nothing new is begun.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

from simstudio.batch.items import BatchItem, ItemState, Prepared, prepare
from simstudio.batch.progress import Progress
from simstudio.batch.verdicts import Verdict, may_repeat, verdict
from simstudio.errors import AuthenticationError, InvalidInputError, JobFailedError, RateLimitError, SimStudioError
from simstudio.transport.retry import Backoff

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.batch.ledger import Ledger
    from simstudio.batch.pace import Pace
    from simstudio.batch.records import Entry
    from simstudio.batch.sender import Sender
    from simstudio.models.execution import AsyncExecutionResult, WorkflowExecutionResult

OnUnknown: TypeAlias = Literal["report", "rerun"]
OnFailed: TypeAlias = Literal["keep", "rerun"]

_RATE_REFUSAL = "Rate limit exceeded"
_READ_AT_ONCE = 256  # inputs read in one go, those that the ledger answers among them: others want the loop, too
_AT_ONCE = 64  # items begun in one go: one commit of the ledger
_SEED_PATIENCE = 10.0  # seconds for the first question about limits


class Outbox(Protocol):
    """Where finished items go."""

    @property
    def full(self) -> bool:
        """Whether the consumer is behind."""
        ...

    def put(self, item: BatchItem) -> None:
        """Hand an item over."""
        ...


@attrs.frozen
class Options:
    """How a batch behaves.

    Attributes:
        ordered: Whether items come in the order of the inputs.
        stop_on_error: Whether the first item without a result ends the batch.
        on_unknown: What becomes of items that may have run: reported, or run again.
        on_failed: What becomes of items that failed in an earlier run: kept, or run again.
        key: An input's identity; its index where it is None.
        max_retries: How often one item is sent again after what may be repeated.
        max_refusals: How often one item is sent again after the rate limit refused it.
        window: How far ahead of the first unfinished item others may begin, in order.
        backoff: Pauses before an item is sent again.
    """

    ordered: bool = True
    stop_on_error: bool = False
    on_unknown: OnUnknown = "report"
    on_failed: OnFailed = "keep"
    key: Callable[[Any], object] | None = None
    max_retries: int = 2
    max_refusals: int = 50
    window: int = 1000
    backoff: Backoff = attrs.field(factory=Backoff)


@attrs.define(eq=False)
class _Job:
    """An item under way."""

    prepared: Prepared
    run_id: str | None = None
    task_id: str | None = None
    execution_id: str | None = None
    api_version: str = ""  # that knows them
    attempts: int = 0
    refusals: int = 0
    began: float | None = None
    intended: bool = False


class Engine:
    """Runs one batch, once.

    Args:
        sender: Executes items.
        source: The inputs, one by one.
        outbox: Where finished items go.
        pace: How many, and when.
        options: How it behaves.
        ledger: What is known of items, or None.
        total: How many inputs there are, where that is known.
        on_result: Called with each item as it is over; may be async.
        on_progress: Called with the progress after each item.
    """

    def __init__(
        self,
        *,
        sender: Sender,
        source: Iterator[Any] | AsyncIterator[Any],
        outbox: Outbox,
        pace: Pace,
        options: Options,
        ledger: Ledger | None = None,
        total: int | None = None,
        on_result: Callable[[BatchItem], Any] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress = Progress(total=total)
        self._sender = sender
        self._source = source
        self._outbox = outbox
        self._pace = pace
        self._options = options
        self._ledger = ledger
        self._on_result = on_result
        self._on_progress = on_progress
        self._clock = clock
        self._index = 0
        self._read_until = 0
        self._waking = False
        self._next_out = 0
        self._early: dict[int, BatchItem] = {}
        self._ready: deque[_Job] = deque()
        self._later: list[tuple[float, int, _Job]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._pull: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._exhausted = False
        self._draining = False
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake: asyncio.Event | None = None

    # -- from outside ------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Look again: the consumer has taken items. From any thread."""
        if self._loop is not None and not self._waking:
            self._waking = True  # once is enough, however many items are taken before the loop comes to it
            self._call(self._look)

    def _call(self, function: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed, or is being closed at this moment: nothing is left to do
                self._loop.call_soon_threadsafe(function)

    def _look(self) -> None:
        self._waking = False
        if self._awake is not None:
            self._awake.set()

    def drain(self) -> None:
        """Begin nothing more; what is under way goes on to its end. From any thread."""
        self._draining = True
        self.wake()

    def abort(self) -> None:
        """Leave what is under way, too: the ledger keeps it as sent. From any thread."""
        self._draining = True
        self._call(self._cancel)

    # -- the loop ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run the batch to its end.

        Raises:
            SimStudioError: No item can be executed (the key, the workflow, the ledger …), or an item failed and
                ``stop_on_error`` is set. What was under way has ended then.
        """
        self._loop, self._awake = asyncio.get_running_loop(), asyncio.Event()
        began = self._clock()
        try:
            await self._ask_limits()
            while not self._over():
                pause = self._begin()
                if self._over():
                    break
                self.progress.elapsed = self._clock() - began
                await self._sleep(pause)
            if self._failure is not None:
                raise self._failure
        finally:
            self.progress.elapsed = self._clock() - began
            await self._clean_up()

    def _over(self) -> bool:
        if self._tasks:
            return False
        if self._draining or self._failure is not None:
            return True
        return self._exhausted and not self._ready and not self._later and self._pull is None

    async def _sleep(self, seconds: float) -> None:
        assert self._awake is not None  # noqa: S101 - run() made it
        if math.isinf(seconds):
            await self._awake.wait()
        else:
            timer = asyncio.get_running_loop().call_later(seconds, self._awake.set)
            await self._awake.wait()
            timer.cancel()
        self._awake.clear()

    def _begin(self) -> float:
        try:
            return self._begin_some()
        except SimStudioError as error:  # of a pace that is shared, or of the ledger: what is under way ends first
            self._failure = self._failure or error
            return math.inf

    def _begin_some(self) -> float:
        """Begin what may begin now; the seconds until it is worth looking again."""
        if self._draining or self._failure is not None:
            return math.inf
        pause = 0.0
        batch: list[_Job] = []
        self._read_until = self._index + _READ_AT_ONCE
        while len(batch) < _AT_ONCE:
            job = self._next()
            if job is None:
                pause = self._until_later() if self._index < self._read_until else 0.0
                break
            pause = self._pace.wait(len(self._tasks) + len(batch))
            if pause > 0:
                self._ready.appendleft(job)
                break
            batch.append(job)
        if batch:
            self._intend(batch)
            for job in batch:
                task = asyncio.get_running_loop().create_task(self._one(job))
                self._tasks.add(task)
                task.add_done_callback(self._ended)
        self.progress.running, self.progress.limit = len(self._tasks), self._pace.limit
        if self._asking is None and self._pace.wants_limits():
            self._asking = asyncio.get_running_loop().create_task(self._ask_again())
        return pause

    def _next(self) -> _Job | None:
        """The next item to send; None where there is none now."""
        if self._later and self._later[0][0] <= self._clock():
            return heapq.heappop(self._later)[2]
        while not self._ready and self._may_read():
            self._read_one()
        return self._ready.popleft() if self._ready else None

    def _until_later(self) -> float:
        return max(0.0, self._later[0][0] - self._clock()) if self._later else math.inf

    # -- inputs ------------------------------------------------------------------------------------------------------

    def _may_read(self) -> bool:
        if self._exhausted or self._pull is not None or self._failure is not None or self._outbox.full:
            return False
        if self._draining or self._index >= self._read_until:
            return False
        return not (self._options.ordered and self._index - self._next_out >= self._options.window)

    def _read_one(self) -> None:
        if isinstance(self._source, AsyncIterator):
            self._pull = asyncio.get_running_loop().create_task(self._read_async(self._source))
            return
        try:
            value = next(self._source)
        except StopIteration:
            self._exhausted = True
        except Exception as error:  # noqa: BLE001 - the caller's iterable failed: what is under way ends first
            self._failure = error
        else:
            self._admit(value)

    async def _read_async(self, source: AsyncIterator[Any]) -> None:
        try:
            self._admit(await source.__anext__())
        except StopAsyncIteration:
            self._exhausted = True
        except Exception as error:  # noqa: BLE001 - of the caller's iterable, or of the ledger
            self._failure = self._failure or error
        finally:
            self._pull = None
            self.wake()

    def _admit(self, value: Any) -> None:
        """Take an input in: send it, or give what the ledger knows of it."""
        index, self._index = self._index, self._index + 1
        try:
            prepared = prepare(index, value, self._options.key)
        except InvalidInputError as error:
            self._hand_over(BatchItem(index, value, error=error, state="failed", key=str(index)))
            return
        try:
            entry = self._ledger.find(prepared) if self._ledger is not None else None
        except SimStudioError as error:
            self._failure = error
            return
        job = _Job(prepared)
        if entry is None:
            pass
        elif entry.state == "done" or (entry.state == "failed" and self._options.on_failed == "keep"):
            self._hand_over(attrs.evolve(entry.to_item(), index=index, input=value, replayed=True))
            return
        elif entry.state == "submitted" or _still_queued(entry):
            job.task_id, job.execution_id, job.run_id = entry.task_id, entry.execution_id, entry.run_id
            job.api_version, job.intended = entry.api_version, True
        elif entry.state in ("sending", "unknown"):
            claimed = entry.run_id is not None and entry.api_version == "v2"  # v1's id of a run claims nothing
            settled = claimed and self._sender.claims  # sending it again runs nothing twice
            job.run_id = entry.run_id if claimed else None
            if not settled and self._options.on_unknown == "report":
                if entry.state == "unknown":
                    self._hand_over(attrs.evolve(entry.to_item(), index=index, input=value, replayed=True))
                else:
                    self._unknown_before(job)
                return
        self._ready.append(job)

    def _unknown_before(self, job: _Job) -> None:
        prepared = job.prepared
        error = SimStudioError(
            f"Item {prepared.index} was sent by an earlier run that ended before its answer came: it may have run. "
            'Look, and then run it again with on_unknown="rerun".'
        )
        self._finish(
            BatchItem(
                prepared.index,
                prepared.input,
                error=error,
                state="unknown",
                key=prepared.key,
                run_id=job.run_id,
                replayed=True,
            )
        )

    # -- one item ----------------------------------------------------------------------------------------------------

    def _intend(self, batch: list[_Job]) -> None:
        """Commit what is about to be sent."""
        for job in batch:
            if job.run_id is None and not job.intended:
                job.run_id = self._sender.new_run_id()
        if self._ledger is None:
            return
        from simstudio.batch.ledger import Intent

        intents = [Intent(job.prepared, job.run_id) for job in batch if not job.intended]
        if intents:
            self._ledger.intend(intents)
        for job in batch:
            job.intended = True

    async def _one(self, job: _Job) -> None:
        job.attempts += 1
        started = self._clock()
        if job.began is None:
            job.began = started
        try:
            result = await self._executed(job)
        except SimStudioError as error:
            self._missed(job, error, self._clock() - started)
        except Exception as error:  # noqa: BLE001 - of a user's middleware, perhaps: this item's trouble
            wrapped = SimStudioError(f"{type(error).__name__}: {error}")
            wrapped.__cause__ = error
            self._pace.failed(self._clock() - started)
            self._conclude(job, error=wrapped, state="failed" if job.task_id is None else "unknown")
        else:
            self._pace.succeeded(self._clock() - started)
            if result.success:
                self._conclude(job, result=result, state="done")
            else:  # v0.4 answers a failure with 200, and every version a cancelled run
                self._conclude(job, result=result, error=_failure_of(result), state="failed")

    async def _executed(self, job: _Job) -> WorkflowExecutionResult:
        if job.task_id is not None:
            return await self._sender.settle(job.task_id, job.execution_id, job.api_version)

        def queued(receipt: AsyncExecutionResult) -> None:
            job.task_id, job.execution_id = receipt.task_id, receipt.execution_id
            if self._ledger is not None:
                self._ledger.submitted(job.prepared.key, receipt.task_id, receipt.execution_id)

        return await self._sender.execute(job.prepared.input, job.run_id, queued)

    def _missed(self, job: _Job, error: SimStudioError, elapsed: float) -> None:
        """An execution without a result: again, or that is how it ended."""
        if job.task_id is not None and _refused_in_the_queue(error):
            self._refused_later(job, error)
            return
        found = verdict(error, claimed=self._sender.claims, any_success=self.progress.done > 0)
        if job.task_id is not None:  # it was queued: whatever happened since, it is there
            if found in ("unsent", "unknown"):
                self._pace.failed(elapsed)
            else:
                self._pace.succeeded(elapsed)
            forgotten = getattr(error, "status", None) == 404
            ended = getattr(error, "result", None) is not None
            self._conclude(job, error=error, state="failed" if ended and not forgotten else "unknown")
            return
        if found == "refused":
            job.refusals += 1
            self.progress.refused += 1
            self._pace.refused(error.retry_after if isinstance(error, RateLimitError) else None)
        elif found in ("unsent", "unknown"):
            self._pace.failed(elapsed)
        else:
            self._pace.succeeded(elapsed)
        if found == "fatal":
            self._forget(job)
            self._failure = error
        elif self._may_repeat(job, found):
            if found != "unknown":
                self._forget(job)
            delay = 0.0 if found == "refused" else self._options.backoff.delay(job.attempts, random=random.random())  # noqa: S311
            heapq.heappush(self._later, (self._clock() + delay, job.prepared.index, job))
        elif found == "unsent" and self.progress.done == 0:  # nobody is there: the others need not try
            self._forget(job)
            self._failure = error
        else:
            self._conclude(job, error=error, state="unknown" if found == "unknown" else "failed")

    def _refused_later(self, job: _Job, error: SimStudioError) -> None:
        """The queue took it and the rate limit did not (recordings 331, 332): it never ran, and is sent again."""
        job.refusals += 1
        self.progress.refused += 1
        self._pace.refused(None)
        if job.refusals > self._options.max_refusals:
            self._conclude(job, error=error, state="failed")
            return
        if self._ledger is not None:
            self._ledger.finish(self._item(job, error=error, state="unknown"))
        job.task_id = job.execution_id = None
        job.run_id, job.intended = None, False
        heapq.heappush(self._later, (self._clock(), job.prepared.index, job))

    def _may_repeat(self, job: _Job, found: Verdict) -> bool:
        if found == "refused":
            return job.refusals <= self._options.max_refusals
        repeatable = may_repeat(found, claimed=self._sender.claims)
        return repeatable and job.attempts - job.refusals <= self._options.max_retries

    def _forget(self, job: _Job) -> None:
        """It surely never ran, this time. What carries a run id is kept: an earlier request with it may have run."""
        if self._sender.claims:
            return
        if self._ledger is not None and job.intended:
            self._ledger.forget([job.prepared.key])
        job.intended = False

    def _conclude(
        self,
        job: _Job,
        *,
        result: WorkflowExecutionResult | None = None,
        error: SimStudioError | None = None,
        state: ItemState,
    ) -> None:
        self._finish(self._item(job, result=result, error=error, state=state))

    def _item(
        self,
        job: _Job,
        *,
        result: WorkflowExecutionResult | None = None,
        error: SimStudioError | None = None,
        state: ItemState,
    ) -> BatchItem:
        prepared = job.prepared
        return BatchItem(
            prepared.index,
            prepared.input,
            result if state == "done" else None,
            error,
            job.attempts,
            self._clock() - job.began if job.began is not None else 0.0,
            state,
            prepared.key,
            (result.execution_id if result is not None else None) or job.execution_id or job.run_id,
        )

    def _finish(self, item: BatchItem) -> None:
        if self._ledger is not None:
            self._ledger.finish(item)
        self._hand_over(item)

    def _hand_over(self, item: BatchItem) -> None:
        self.progress.count(item)
        try:
            self._tell(item)
        except Exception as error:  # noqa: BLE001 - of the caller's function: what is under way ends first
            self._failure = self._failure or error
        if not self._options.ordered:
            self._outbox.put(item)
        else:
            self._early[item.index] = item
            while self._next_out in self._early:
                self._outbox.put(self._early.pop(self._next_out))
                self._next_out += 1
        if self._options.stop_on_error and item.error is not None and self._failure is None:
            self._failure = item.error

    def _tell(self, item: BatchItem) -> None:
        if self._on_result is not None:
            told = self._on_result(item)
            if asyncio.iscoroutine(told):
                task: asyncio.Task[None] = asyncio.get_running_loop().create_task(told)
                self._tasks.add(task)
                task.add_done_callback(self._ended)
        if self._on_progress is not None:
            self._on_progress(self.progress)

    # -- limits ------------------------------------------------------------------------------------------------------

    async def _ask_limits(self) -> None:
        try:
            self._pace.seed(await asyncio.wait_for(self._sender.limits(), _SEED_PATIENCE))
        except AuthenticationError:
            raise
        except (SimStudioError, asyncio.TimeoutError):
            return  # they are met when they are met

    async def _ask_again(self) -> None:
        try:
            self._pace.seed(await self._sender.limits())
        except SimStudioError:
            pass
        finally:
            self._asking = None
            self.wake()

    # -- the end -----------------------------------------------------------------------------------------------------

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and self._failure is None:
            self._failure = task.exception()
        if self._awake is not None:
            self._awake.set()

    def _cancel(self) -> None:
        for task in [*self._tasks, self._pull, self._asking]:
            if task is not None:
                task.cancel()

    async def _clean_up(self) -> None:
        self._cancel()
        pending = [task for task in (*self._tasks, self._pull, self._asking) if task is not None]
        if pending:
            await asyncio.gather(*pending, return_exceptions=True)
        for item in [self._early[index] for index in sorted(self._early)]:
            self._outbox.put(item)  # an earlier one never came: what is there is not lost
        self._early.clear()
        self.progress.running = 0
        await self._sender.aclose()


def _refused_in_the_queue(error: SimStudioError) -> bool:
    """Whether a job failed because its run was over the rate limit (NOTES 3): nothing ran."""
    job = getattr(error, "job", None)
    return isinstance(error, JobFailedError) and str(getattr(job, "error_message", "")).startswith(_RATE_REFUSAL)


def _still_queued(entry: Entry) -> bool:
    """Whether an earlier run lost sight of a job that the server has not forgotten."""
    return entry.state == "unknown" and entry.task_id is not None and entry.status != 404


def _failure_of(result: WorkflowExecutionResult) -> SimStudioError:
    try:
        result.raise_for_failure()
    except SimStudioError as error:
        return error
    raise AssertionError("a result that failed raises")
