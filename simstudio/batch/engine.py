"""The coordinator of a batch, with one asyncio task for each running execution; the same for both clients.

It takes items from the :class:`~simstudio.batch.intake.Intake`, executes as many as the pace allows by
:class:`~simstudio.batch.attempts.Attempts`, and passes finished ones to the
:class:`~simstudio.batch.delivery.Delivery`. An error of one of these ends the batch after the running items. It never
waits for the consumer: while the consumer is behind, no further item begins.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.batch.attempts import Again, Attempts, Unwritten
from simstudio.batch.budget import Budget
from simstudio.batch.delivery import Delivery, Outbox
from simstudio.batch.duplicates import Duplicates
from simstudio.batch.errors import BudgetError
from simstudio.batch.execution import Limits
from simstudio.batch.intake import Intake
from simstudio.batch.items import BatchItem
from simstudio.batch.outage import Outage
from simstudio.batch.progress import Progress
from simstudio.batch.sources import Source
from simstudio.batch.work_item import WorkItem
from simstudio.transport.errors import AuthenticationError, SimStudioError

if TYPE_CHECKING:
    from simstudio.batch.ledger import Ledger
    from simstudio.batch.options import Options
    from simstudio.batch.pace import Pace
    from simstudio.batch.results import Results
    from simstudio.batch.sender import Sender

_READ_AT_ONCE = 256  # inputs read before other tasks get a turn, including those that the ledger answers
_AT_ONCE = 64  # items that begin together, in one commit of the ledger
_LOOK_AGAIN = 0.02  # seconds between looks at limits while all slots are taken
_SEED_PATIENCE = 10.0  # seconds for each request before the first item
_REPORT_EVERY = 1.0  # seconds, as nothing may end for long


class Engine:
    """Runs one batch, once.

    Args:
        sender: Executes items.
        source: Source of the inputs.
        outbox: Receives finished items.
        pace: Decides how many items run at a time, and when the next may begin.
        options: Options of the batch.
        ledger: Ledger of the batch; None without one.
        results: File of results; None without one.
        total: Number of inputs; None if it is not known.
        on_result: Called with each finished item; may be async.
        on_progress: Called with the progress; see :class:`~simstudio.batch.delivery.Delivery`.
        clock: Monotonic clock, in seconds.

    Attributes:
        progress: Progress of the batch.
    """

    def __init__(
        self,
        *,
        sender: Sender,
        source: Source,
        outbox: Outbox,
        pace: Pace,
        options: Options,
        ledger: Ledger | None = None,
        results: Results | None = None,
        total: int | None = None,
        on_result: Callable[[BatchItem], Any] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress = Progress(total=total)
        self._sender = sender
        self._pace = pace
        self._clock = clock
        self._results = results
        self._delivery = Delivery(
            outbox,
            options,
            self.progress,
            results=results,
            on_result=on_result,
            on_progress=on_progress,
            spawn=lambda coroutine: self._spawn(coroutine, self._handlers),
        )
        budget = options.given["budget"]
        self._budget = None if budget is None else Budget(budget)
        self.progress.cost = None if self._budget is None else self._budget.spent
        self._duplicates = Duplicates(sender.execution.models, ledger) if options.given["dedup"] else None
        self._intake = Intake(
            source, options, self._delivery,
            ledger=ledger, duplicates=self._duplicates, execution=sender.execution, wake=self.wake,
        )  # fmt: skip
        self._outage = Outage(clock)
        self._attempts = Attempts(sender, pace, options, self.progress, self._outage, ledger=ledger, clock=clock)
        self._begins_together = ledger is not None  # one commit for many items
        self._later: list[tuple[float, int, WorkItem]] = []  # a heap of what is sent again, and when
        self._held: deque[WorkItem] = deque()  # what the pace did not let begin
        self._tasks: set[asyncio.Task[None]] = set()  # executions
        self._handlers: set[asyncio.Task[None]] = set()  # of async on_result=
        self._executing = 0  # some tasks end, or wait for a price
        self._preparing: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._draining = self._aborted = False
        self._failure: BaseException | None = None
        self._looked = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._awake = asyncio.Event()
        self._waking = False

    # -- from outside ------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Check again what may begin, after the consumer has taken items. Any thread may call it."""
        if self._loop is not None and not self._waking:
            self._waking = True  # one call is enough for all items that are taken before the loop runs it
            self._call(self._look)

    def drain(self) -> None:
        """Begin no further item; running ones go on to their end. Any thread may call it."""
        self._draining = True
        self.progress.waiting = 0.0
        self._intake.stop()
        self.wake()

    def abort(self) -> None:
        """Begin no further item and cancel running ones: the ledger has them as sent. Any thread may call it."""
        self.drain()
        self._call(self._cancel)

    def is_part(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task belongs to this batch: an execution, or an async ``on_result``."""
        return task in self._tasks or task in self._handlers

    def _call(self, function: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed, or closing: nothing is left to do
                self._loop.call_soon_threadsafe(function)

    def _look(self) -> None:
        self._waking = False
        self._awake.set()

    def _cancel(self) -> None:
        self._aborted = True
        for task in (*self._tasks, *self._handlers):
            task.cancel()

    # -- the loop ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run the batch to its end.

        Raises:
            SimStudioError: No item can be executed (the key, the workflow, the ledger …), or an item failed and
                ``stop_on_error`` is set. It is raised after the running items have ended.
        """
        self._loop = asyncio.get_running_loop()
        began = self._clock()
        self.progress.measure(
            elapsed=lambda: self._clock() - began,
            running=lambda: self._executing,
            limit=lambda: self._pace.limit,
            idle=self._describe_idleness,
        )
        self._timer = self._loop.call_later(_REPORT_EVERY, self._report, self._loop)
        try:
            await self._make_ready(self._loop)
            has_begun = False
            while not self._is_over():
                pause = self._begin()
                if self._is_over():
                    break
                if self._tasks and not has_begun:
                    has_begun = True
                    if not self.progress.held:  # else that was reported
                        self._report()
                self._looked = self._clock()
                await self._sleep(pause)
        finally:
            await self._clean_up()
        if self._failure is not None:
            raise self._failure

    def _report(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Report the progress; with a loop, each second from now on."""
        with self._end_on_error():
            self._delivery.report()
        if loop is not None:
            self._timer = loop.call_later(_REPORT_EVERY, self._report, loop)
            self._awake.set()  # an error ends the batch

    def _describe_idleness(self) -> str:
        """The reason for which no item is being executed, unless the pace or an outage is one; else empty."""
        if self._executing or self._draining:
            return ""
        if self._preparing is not None and not self._preparing.done():
            return "waiting for the server"
        if self._later:
            return f"waiting to send {len(self._later):,} again"
        return "waiting for inputs" if self._intake.waits else ""

    def _is_over(self) -> bool:
        if self._tasks or self._handlers:
            return False
        return (
            self._draining
            or self._failure is not None
            or (self._intake.exhausted and not self._later and not self._held)
        )

    def _is_complete(self) -> bool:
        """Whether every input has become an item."""
        if self._failure is not None or self._tasks:
            return False
        total = self.progress.total
        exhausted = self._intake.exhausted and not self._later and not self._held
        return exhausted or (total is not None and self.progress.finished >= total)

    async def _sleep(self, seconds: float) -> None:
        if math.isinf(seconds):
            await self._awake.wait()
        else:
            timer = asyncio.get_running_loop().call_later(seconds, self._awake.set)
            await self._awake.wait()
            timer.cancel()
        self._awake.clear()

    def _begin(self) -> float:
        """Begin the items that may begin now. Returns the seconds until the next check."""
        if self._draining or self._failure is not None or self._watch():
            return math.inf
        pause = math.inf
        batch: list[WorkItem] = []
        with self._end_on_error():
            pause = self._choose(batch, len(self._tasks))
        with self._end_on_error():
            self._attempts.commit(batch)
            self._executing += len(batch)
            for work in batch:
                self._spawn(self._execute(work), self._tasks)
        with self._end_on_error():
            if self._asking is None and self._pace.wants_limits():
                self._asking = asyncio.get_running_loop().create_task(self._ask_again())
        return pause

    def _choose(self, batch: list[WorkItem], in_flight: int, most: int = _AT_ONCE) -> float:
        """Add the items that may begin now to a list. Returns the seconds until there may be more."""
        until = self._intake.count + _READ_AT_ONCE
        while len(batch) < most:
            work = self._next(until)
            if work is None:
                return self._until_due() if self._intake.count < until else 0.0
            if self._budget is not None and not work.counted and not self._budget.has_room():
                self._held.appendleft(work)
                return self._until_due()  # of a queued item, which counts as running without a task
            pause = self._pace.wait(in_flight + len(batch))
            if pause > 0 or self._delivery.waits:
                self._delivery.report_wait(pause)
            if pause > 0:
                self._held.appendleft(work)
                return pause
            if self._budget is not None and not work.counted:
                self._budget.begin()
                work.counted = True
            batch.append(work)
        return 0.0

    def _next(self, until: int) -> WorkItem | None:
        """The next item: one to send again, else one that was held up, else a new one. None if there is none now."""
        if self._later and self._until_due() <= 0:
            return heapq.heappop(self._later)[2]
        return self._held.popleft() if self._held else self._intake.next(until)

    def _until_due(self) -> float:
        return self._later[0][0] - self._clock() if self._later else math.inf

    async def _execute(self, work: WorkItem | None) -> None:
        """Execute an item and, after a success, the one that may begin then."""
        while work is not None:
            try:
                outcome = await self._attempts.make(work)
            finally:
                self._executing -= 1
            if self._budget is not None:
                await self._charge(self._budget, work, outcome)
            if isinstance(outcome, Again):
                heapq.heappush(self._later, (self._clock() + outcome.delay, work.prepared.index, work))
                return
            if isinstance(outcome, Unwritten):
                self._delivery.deliver(outcome.item)
                raise outcome.error
            self._give(work, outcome)
            work = self._following() if outcome.ok else None
            del outcome  # it may be large, and the next item may take hours

    async def _charge(self, budget: Budget, work: WorkItem, outcome: BatchItem | Unwritten | Again) -> None:
        """Count the cost of an execution."""
        item = outcome.item if isinstance(outcome, Unwritten) else outcome
        if isinstance(item, Again):
            if item.ran is None:
                if work.receipt is None:  # else it goes on
                    work.counted = False
                    budget.release()
                return
            item = item.ran
        work.counted = False
        price, problem = None, None
        try:
            if item.run_id is not None and item.attempts:
                price = await self._sender.price(item.run_id)
        except SimStudioError as error:
            problem = error
        try:
            work.add_cost(budget.spend(item, price, problem))
        except BudgetError:
            self._give(work, item)
            raise
        self.progress.cost = budget.spent

    def _give(self, work: WorkItem, item: BatchItem) -> None:
        """Deliver an item, and the items of equal inputs."""
        if work.cost is not None:
            item = attrs.evolve(item, cost=work.cost)
        self._delivery.deliver(item)
        if self._duplicates is not None:
            for other in self._duplicates.end(work.prepared.fingerprint, item):
                self._delivery.deliver(other)

    def _following(self) -> WorkItem | None:
        """The item that a task executes next; None if the coordinator chooses it, or nothing may begin now.

        A new task for each item would cost more: objects would be made and freed in waves, which makes Python's garbage
        collector run four times as often.
        """
        if self._begins_together or self._draining or self._failure is not None or self._outage.since is not None:
            return None
        batch: list[WorkItem] = []
        self._choose(batch, len(self._tasks) - 1, most=1)
        self._attempts.commit(batch)
        if not batch:
            return None  # the end of the task wakes the coordinator
        if len(self._tasks) < self._pace.limit or self._clock() >= self._looked + _LOOK_AGAIN:
            self._awake.set()
        self._executing += 1
        return batch[0]

    def _spawn(self, coroutine: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        """Run a coroutine that the batch waits for at its end, as one of some tasks. An error of it ends the batch."""

        def end(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            self._awake.set()
            coroutine.close()  # if the task was cancelled before it began

        task = asyncio.get_running_loop().create_task(self._run_to_end(coroutine))
        tasks.add(task)
        task.add_done_callback(end)
        return task

    async def _run_to_end(self, coroutine: Coroutine[Any, Any, None]) -> None:
        with self._end_on_error():
            try:
                await coroutine
            except asyncio.CancelledError as error:
                if self._aborted:
                    raise
                raise SimStudioError(
                    "An execution, or an on_result=, was cancelled by something else than its batch, which ends so."
                ) from error

    @contextmanager
    def _end_on_error(self) -> Iterator[None]:
        """A block whose errors end the batch after the running items."""
        try:
            yield
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - any error of the caller's functions
            if self._failure is None:  # a task that raises SystemExit or KeyboardInterrupt ends the event loop
                self._failure = error

    async def _clean_up(self) -> None:
        complete = self._is_complete()
        aborted = self._aborted
        self._cancel()
        questions = [task for task in (self._preparing, self._asking, self._watching) if task is not None]
        for task in questions:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._handlers, *questions, return_exceptions=True)
        await self._intake.aclose()
        for work in (*self._held, *(entry[2] for entry in self._later)):
            if work.failed is not None:  # it was to be begun again
                with self._end_on_error():
                    self._give(work, work.failed)
        if aborted:
            self._cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        with self._end_on_error():
            self._delivery.flush()
        if self._duplicates is not None:
            self._duplicates.close()
        await self._end_results(complete=complete)
        if self._timer is not None:
            self._timer.cancel()
        self.progress.end()
        self._report()
        await self._sender.aclose()

    async def _end_results(self, *, complete: bool) -> None:
        """End the results file; the event loop runs in between, as that may take a while."""
        if self._results is None:
            return
        with self._end_on_error():
            for _ in self._results.finish(complete=complete):
                self.progress.idle = "writing the results"
                await asyncio.sleep(0)

    # -- limits ------------------------------------------------------------------------------------------------------

    async def _make_ready(self, loop: asyncio.AbstractEventLoop) -> None:
        """Prepare, unless the batch is ended meanwhile: then the server is not waited for."""
        self._preparing = preparing = loop.create_task(self._prepare())
        preparing.add_done_callback(lambda _: self._awake.set())
        while not preparing.done() and not self._draining:
            await self._awake.wait()
            self._awake.clear()
        if preparing.done():
            preparing.result()

    async def _prepare(self) -> None:
        """Make the requests before the first item, side by side. Of their errors, only a refused key is raised.

        Each item gets the other errors of the server itself.
        """
        limits, *outcomes = await asyncio.gather(
            asyncio.wait_for(self._sender.limits(), _SEED_PATIENCE),
            asyncio.wait_for(self._sender.prepare(), _SEED_PATIENCE),
            return_exceptions=True,
        )
        for outcome in (*outcomes, limits):
            if isinstance(outcome, AuthenticationError):
                raise outcome
        if not isinstance(limits, BaseException):
            with suppress(Exception):  # such as a lost connection to the store of a shared pace
                self._learn(limits)

    def _learn(self, limits: Limits | None) -> None:
        """Adopt what the service says about its rate limit, once it is known what an execution takes."""
        if limits is not None:
            cost = limits.cost or self._sender.execution.cost
            limits = attrs.evolve(limits, cost=cost)
            self.progress.allowed = limits.rate / cost / 60.0
        self._pace.seed(limits)

    async def _ask_again(self) -> None:
        try:
            self._learn(await self._sender.limits())
        except SimStudioError:
            pass
        finally:
            self._asking = None
            self.wake()

    # -- outages -----------------------------------------------------------------------------------------------------

    def _watch(self) -> bool:
        """Whether there is an outage. Then a task probes the server."""
        if self._outage.since is None:
            return False
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self._ask_until_it_answers())
        return True

    async def _ask_until_it_answers(self) -> None:
        try:
            with self._end_on_error():
                while self._outage.since is not None:
                    self._delivery.report_outage(max(self._outage.duration, 0.001))
                    await asyncio.sleep(self._outage.next_probe())
                    try:
                        await self._sender.reach()
                    except SimStudioError as error:
                        self._outage.record(error)
                        self._outage.check()
                    else:
                        self._outage.record()
                self._delivery.report_outage(0.0)
        finally:
            self._watching = None
            self.wake()
