"""The coordinator of a batch: one asyncio task for each execution under way, the same for both clients.

It takes items from the :class:`~simstudio.batch.intake.Intake`, begins what the pace allows with
:class:`~simstudio.batch.attempts.Attempts`, and gives what is over to the :class:`~simstudio.batch.delivery.Delivery`.
Whatever one of these raises ends the batch, once what is under way has ended. It never waits for the consumer: while
the consumer is behind, nothing new is begun.
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
from simstudio.batch.intake import Intake
from simstudio.batch.items import BatchItem
from simstudio.batch.outage import Outage
from simstudio.batch.progress import Progress
from simstudio.transport.errors import AuthenticationError, SimStudioError

if TYPE_CHECKING:
    from simstudio.batch.execution import Limits
    from simstudio.batch.ledger import Ledger
    from simstudio.batch.options import Options
    from simstudio.batch.pace import Pace
    from simstudio.batch.results import Results
    from simstudio.batch.sender import Sender
    from simstudio.batch.sources import Source
    from simstudio.batch.work_item import WorkItem

_READ_AT_ONCE = 256  # inputs read in one go, those that the ledger answers among them: others want the loop, too
_AT_ONCE = 64  # items begun in one go: one commit of the ledger
_SEED_PATIENCE = 10.0  # seconds for each question before the first item


class Engine:
    """Runs one batch, once.

    Args:
        sender: Executes items.
        outbox: Where finished items go.
        pace: How many, and when.
        options: How it behaves.
        ledger: What is known of items, or None.
        results: File of results, or None.
        total: How many inputs there are, where that is known.
        on_result: Called with each item as it is over; may be async.
        on_progress: Called with the progress after each item, when the rate limit begins to hold up those to come, and
            once it is over.
        clock: Seconds that never go back.

    Attributes:
        progress: How far it is.
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
            spawn=self._spawn,
        )
        budget = options.given["budget"]
        self._budget = None if budget is None else Budget(budget)
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
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._draining = self._aborted = False
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake = asyncio.Event()
        self._waking = False

    # -- from outside ------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Look again: the consumer has taken items. From any thread."""
        if self._loop is not None and not self._waking:
            self._waking = True  # once is enough, however many items are taken before the loop comes to it
            self._call(self._look)

    def drain(self) -> None:
        """Begin nothing more; what is under way goes on to its end. From any thread."""
        self._draining = True
        self.progress.waiting = 0.0
        self._intake.stop()
        self.wake()

    def abort(self) -> None:
        """Leave what is under way, too: the ledger keeps it as sent. From any thread."""
        self.drain()
        self._call(self._cancel)

    def is_part(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether a task is one of this batch: an execution, or an ``on_result`` that is awaited."""
        return task in self._tasks

    def _call(self, function: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed, or is being closed at this moment: nothing is left to do
                self._loop.call_soon_threadsafe(function)

    def _look(self) -> None:
        self._waking = False
        self._awake.set()

    def _cancel(self) -> None:
        self._aborted = True
        for task in self._tasks:
            task.cancel()

    # -- the loop ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run the batch to its end.

        Raises:
            SimStudioError: No item can be executed (the key, the workflow, the ledger …), or an item failed and
                ``stop_on_error`` is set. What was under way has ended then.
        """
        self._loop = asyncio.get_running_loop()
        began = self._clock()
        try:
            await self._prepare()
            while not self._over():
                pause = self._begin()
                if self._over():
                    break
                self.progress.elapsed = self._clock() - began
                await self._sleep(pause)
        finally:
            self.progress.elapsed = self._clock() - began
            await self._clean_up()
        if self._failure is not None:
            raise self._failure

    def _over(self) -> bool:
        if self._tasks:
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
        """Begin what may begin now; the seconds until it is worth looking again."""
        if self._draining or self._failure is not None or self._watch():
            return math.inf
        pause = math.inf
        batch: list[WorkItem] = []
        with self._ending():
            pause = self._choose(batch, len(self._tasks))
        with self._ending():
            self._attempts.commit(batch)
            for work in batch:
                self._spawn(self._execute(work))
        self.progress.running, self.progress.limit = len(self._tasks), self._pace.limit
        with self._ending():
            if self._asking is None and self._pace.wants_limits():
                self._asking = asyncio.get_running_loop().create_task(self._ask_again())
        return pause

    def _choose(self, batch: list[WorkItem], in_flight: int, most: int = _AT_ONCE) -> float:
        """Take what may begin now into a batch; the seconds until there may be more."""
        until = self._intake.count + _READ_AT_ONCE
        while len(batch) < most:
            work = self._next(until)
            if work is None:
                return self._until_due() if self._intake.count < until else 0.0
            if self._budget is not None and not work.counted and not self._budget.has_room():
                self._held.appendleft(work)
                return math.inf
            pause = self._pace.wait(in_flight + len(batch))
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
        """The next item to send: of those that are sent again first, of new ones last; None where there is none now."""
        if self._until_due() <= 0:
            return heapq.heappop(self._later)[2]
        return self._held.popleft() if self._held else self._intake.next(until)

    def _until_due(self) -> float:
        return self._later[0][0] - self._clock() if self._later else math.inf

    async def _execute(self, first: WorkItem) -> None:
        """Execute an item and, after a success, the one that may begin then."""
        work: WorkItem | None = first
        while work is not None:
            outcome = await self._attempts.make(work)
            if self._budget is not None:
                outcome = await self._charge(self._budget, work, outcome)
            if isinstance(outcome, Again):
                heapq.heappush(self._later, (self._clock() + outcome.delay, work.prepared.index, work))
                return
            if isinstance(outcome, Unwritten):
                self._delivery.deliver(outcome.item)
                raise outcome.error
            self._give(work, outcome)
            work = self._following() if outcome.ok else None

    async def _charge(
        self, budget: Budget, work: WorkItem, outcome: BatchItem | Unwritten | Again
    ) -> BatchItem | Unwritten | Again:
        """Count what an execution cost; its item then says so."""
        item = outcome.item if isinstance(outcome, Unwritten) else outcome
        if isinstance(item, Again):
            if item.ran is None:
                if work.receipt is None:  # else it goes on
                    work.counted = False
                    budget.release()
                return outcome
            item = item.ran
        work.counted = False
        price = None
        if item.run_id is not None and item.attempts:
            with suppress(SimStudioError):
                price = await self._sender.price(item.run_id)
        try:
            cost = budget.spend(item, price)
        except BudgetError:
            self._give(work, item)
            raise
        self.progress.cost = budget.spent
        return attrs.evolve(outcome, cost=cost) if isinstance(outcome, BatchItem) else outcome

    def _give(self, work: WorkItem, item: BatchItem) -> None:
        """Hand an item over, and those of equal inputs."""
        self._delivery.deliver(item)
        if self._duplicates is not None:
            for other in self._duplicates.end(work.prepared.fingerprint, item):
                self._delivery.deliver(other)

    def _following(self) -> WorkItem | None:
        """The item that a task executes next; None if the coordinator is to choose, or nothing may begin now.

        A task for each item would cost more, and its objects would be made and freed in waves, which makes Python's
        garbage collector run four times as often.
        """
        if self._begins_together or self._draining or self._failure is not None or self._outage.since is not None:
            return None
        self._awake.set()  # the coordinator looks after each end, for limits and progress
        batch: list[WorkItem] = []
        self._choose(batch, len(self._tasks) - 1, most=1)
        self._attempts.commit(batch)
        return batch[0] if batch else None

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Do something that the batch does not end without; what it raises ends the batch."""
        task = asyncio.get_running_loop().create_task(self._kept(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        task.add_done_callback(lambda _: coroutine.close())  # of a task that was cancelled before it began

    async def _kept(self, coroutine: Coroutine[Any, Any, None]) -> None:
        with self._ending():
            try:
                await coroutine
            except asyncio.CancelledError as error:
                if self._aborted:
                    raise
                raise SimStudioError(
                    "An execution, or an on_result=, was cancelled by something else than its batch, which ends so."
                ) from error

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._awake.set()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """What is raised in it ends the batch, once what is under way has ended."""
        try:
            yield
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - of the caller's functions, too
            if self._failure is None:  # of the latter two, a task would take the event loop along
                self._failure = error

    async def _clean_up(self) -> None:
        complete = self._is_complete()
        self._cancel()
        questions = [task for task in (self._asking, self._watching) if task is not None]
        for task in questions:
            task.cancel()
        await asyncio.gather(*self._tasks, *questions, return_exceptions=True)
        await self._intake.aclose()
        for work in (*self._held, *(entry[2] for entry in self._later)):
            if work.failed is not None:  # it was to be begun again
                with self._ending():
                    self._give(work, work.failed)
        with self._ending():
            self._delivery.flush()
        if self._duplicates is not None:
            self._duplicates.close()
        await self._end_results(complete=complete)
        self.progress.end()
        with self._ending():
            self._delivery.report_end()
        await self._sender.aclose()

    async def _end_results(self, *, complete: bool) -> None:
        """End the results file; the event loop runs in between, as that may take a while."""
        if self._results is None:
            return
        with self._ending():
            for _ in self._results.finish(complete=complete):
                await asyncio.sleep(0)

    # -- limits ------------------------------------------------------------------------------------------------------

    async def _prepare(self) -> None:
        with _unanswered():
            await asyncio.wait_for(self._sender.prepare(), _SEED_PATIENCE)
        with _unanswered():
            self._learn(await asyncio.wait_for(self._sender.limits(), _SEED_PATIENCE))

    def _learn(self, limits: Limits | None) -> None:
        """Adopt what the service says about its rate limit."""
        self._pace.seed(limits)
        if limits is not None:
            self.progress.allowed = limits.rate / (limits.cost or self._sender.execution.cost) / 60.0

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
        """Whether the server has gone away; then somebody asks for it."""
        if self._outage.since is None:
            return False
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self._ask_until_it_answers())
        return True

    async def _ask_until_it_answers(self) -> None:
        try:
            with self._ending():
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


@contextmanager
def _unanswered() -> Iterator[None]:
    """A question that need not be answered: what is wrong with the server is met by the items."""
    try:
        yield
    except AuthenticationError:
        raise
    except Exception:  # noqa: BLE001, S110 - of a user's middleware, perhaps
        pass
