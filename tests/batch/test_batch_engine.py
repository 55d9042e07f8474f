"""The coordinator of a batch, driven with a sender of our own: no sockets, no clock."""

from __future__ import annotations

import asyncio
import gc
import itertools
import math
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import Fake, options_of

import simstudio as sim
from simstudio.batch.backlog import MOST_ITEMS, MOST_WEIGHT, Backlog
from simstudio.batch.engine import Engine
from simstudio.batch.execution import Limits, Receipt
from simstudio.batch.items import BatchItem, Prepared, prepare
from simstudio.batch.ledger import Counts, Intent, Ledger
from simstudio.batch.progress import Progress
from simstudio.batch.running import Box as Waiting
from simstudio.batch.sources import Inline, source_of
from simstudio.core.files import MAX_BODY_BYTES
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.transport.retry import Backoff

Answer = Callable[[Any, int], Any]
AT_ONCE = Backoff(initial=0.0, jitter=0.0)


class FixedPace:
    """As many at a time as it is told, without a rate."""

    def __init__(self, limit: int = 4) -> None:
        self.limit = limit
        self.told: list[str] = []

    def wait(self, in_flight: int) -> float:
        return 0.0 if in_flight < self.limit else math.inf

    def seed(self, limits: Limits | None) -> None:
        self.told.append("limits")

    def see_success(self, elapsed: float) -> None:
        self.told.append("succeeded")

    def see_refusal(self, retry_after: float | None) -> None:
        self.told.append(f"refused {retry_after}")

    def see_failure(self, elapsed: float) -> None:
        self.told.append("failed")

    def wants_limits(self) -> bool:
        return False


class FakeSender(Fake):
    """Executes by a function of the input and of how often it was sent; what it raises is the execution's error."""

    def __init__(self, answer: Answer, *, claims: bool = False, queue: bool = False) -> None:
        super().__init__(claims=claims)
        self.answer = answer
        self.queue = queue
        self.sent: list[Any] = []
        self.run_ids: list[str | None] = []
        self.settled: list[str] = []
        self.running = self.most = 0
        self.closed = False
        self.gate: asyncio.Event | None = None
        self.begun: asyncio.Event | None = None

    async def execute(self, value: Any, claim: str | None, queued: Any) -> WorkflowExecutionResult:
        self.sent.append(value)
        self.run_ids.append(claim)
        self.running += 1
        self.most = max(self.most, self.running)
        if self.begun is not None and self.running == 3:
            self.begun.set()
        try:
            if self.queue:
                queued(Receipt(f"job-{value}", f"e-{value}"))
            if self.gate is not None:
                await self.gate.wait()
            else:
                await asyncio.sleep(0)
            return self._given(value)
        finally:
            self.running -= 1

    def _given(self, value: Any) -> WorkflowExecutionResult:
        given = self.answer(value, self.sent.count(value))
        if isinstance(given, BaseException):
            raise given
        return given if isinstance(given, WorkflowExecutionResult) else WorkflowExecutionResult(True, given)

    async def settle(self, receipt: Receipt) -> WorkflowExecutionResult:
        self.settled.append(receipt.task_id)
        return self._given(int(receipt.task_id.removeprefix("job-")))

    async def aclose(self) -> None:
        self.closed = True


class Box:
    def __init__(self, most: float = math.inf) -> None:
        self.items: list[BatchItem] = []
        self.most = most

    @property
    def full(self) -> bool:
        return len(self.items) >= self.most

    def put(self, item: BatchItem) -> None:
        self.items.append(item)


def echo(value: Any, _: int) -> Any:
    return value


def play(
    sender: FakeSender,
    inputs: Iterable[Any] | AsyncIterator[Any],
    *,
    pace: FixedPace | None = None,
    ledger: Ledger | None = None,
    box: Box | None = None,
    keep: bool = False,
    **options: Any,
) -> tuple[list[BatchItem], Engine]:
    """Run a batch to its end, and close its ledger; what it raises comes out."""
    out = box or Box()
    names = ("on_result", "on_progress", "total", "clock", "results")
    told = {name: options.pop(name) for name in names if name in options}
    source = source_of(inputs, relayed=False)
    options = {"backoff": AT_ONCE, **options}
    engine = Engine(
        sender=sender, source=source, outbox=out, pace=pace or FixedPace(), ledger=ledger,  # type: ignore[arg-type]
        options=options_of(**options), **told,
    )  # fmt: skip
    try:
        asyncio.run(asyncio.wait_for(engine.run(), 20))
    finally:
        if ledger is not None and not keep:
            ledger.close()
    return out.items, engine


def opened(path: Path, **options: Any) -> Ledger:
    return Ledger.open(path / "runs.sqlite", **{"workflow_id": "wf", "mode": "sync", "api_version": "v1", **options})


class FakeResults:
    """A file of results that fails at the item with an index."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.written: list[int] = []
        self.complete: bool | None = None
        self._fails_at = fails_at

    def add(self, item: BatchItem) -> None:
        if item.index == self._fails_at:
            raise sim.ResultsError("no room")
        self.written.append(item.index)

    def finish(self, *, complete: bool) -> Iterator[None]:
        self.complete = complete
        yield


class TestResults:
    """The file of ``out=``, as the coordinator fills it."""

    def test_it_gets_each_item_in_the_order_in_which_they_are_given(self) -> None:
        results = FakeResults()
        play(FakeSender(echo), range(20), results=results)
        assert (results.written, results.complete) == (list(range(20)), True)

    @pytest.mark.parametrize("ordered", [True, False])
    def test_a_file_that_cannot_be_written_ends_the_batch_and_loses_no_item(self, ordered: bool) -> None:
        results, box = FakeResults(fails_at=2), Box()
        sender = FakeSender(echo)
        with pytest.raises(sim.ResultsError, match="no room"):
            play(sender, range(1000), results=results, box=box, ordered=ordered)
        assert sorted(item.index for item in box.items) == sorted(sender.sent)
        assert len(sender.sent) < 1000
        assert results.complete is False

    def test_it_is_not_complete_where_an_error_ends_the_batch(self) -> None:
        results = FakeResults()
        with pytest.raises(sim.ExecutionError):
            play(FakeSender(lambda value, _: sim.ExecutionError("no") if value == 3 else value), range(9),
                 results=results, stop_on_error=True)  # fmt: skip
        assert results.complete is False
        assert 3 in results.written


class Asking(FakeSender):
    """Answers each of the two questions before the first item once the other was asked as well."""

    def __init__(self) -> None:
        super().__init__(echo)
        self.asked: dict[str, asyncio.Event] = {}

    async def _ask(self, one: str, other: str) -> None:
        self.asked.setdefault(one, asyncio.Event()).set()
        await self.asked.setdefault(other, asyncio.Event()).wait()

    async def prepare(self) -> None:
        await self._ask("prepare", "limits")
        self.cost = 3

    async def limits(self) -> Any:
        await self._ask("limits", "prepare")
        return Limits(60, 60)


class TestBeforeTheFirstItem:
    def test_the_service_is_asked_everything_at_once(self) -> None:
        sender = Asking()
        items, _ = play(sender, range(3))
        assert (len(items), sender.cost) == (3, 3)

    def test_the_limits_are_those_of_what_an_execution_takes(self) -> None:
        seeded: list[Limits | None] = []

        class Seeded(FixedPace):
            def seed(self, limits: Limits | None) -> None:
                seeded.append(limits)

        _, engine = play(Asking(), [0], pace=Seeded())
        assert seeded == [Limits(60, 60, cost=3)]
        assert engine.progress.allowed == 1 / 3

    @pytest.mark.parametrize("what", ["prepare", "limits"])
    def test_only_a_refused_key_ends_the_batch(self, what: str) -> None:
        async def fail(_: Any) -> None:
            raise errors.pop()

        errors: list[Exception] = [sim.AuthenticationError("wrong key", status=401), KeyError("of a middleware")]
        broken = type("Broken", (FakeSender,), {what: fail})
        items, _ = play(broken(echo), range(2))
        assert len(items) == 2
        with pytest.raises(sim.AuthenticationError):
            play(broken(echo), range(2))


class TestMemory:
    def test_nothing_of_an_item_is_kept_while_the_next_runs(self) -> None:
        """A workflow may run for hours, and results and files may have megabytes."""
        files: list[weakref.ref[sim.File]] = []
        items: list[weakref.ref[BatchItem]] = []
        kept: list[object] = []

        class Picture(sim.File):
            """With weak references to it."""

        class Forgetting(Box):
            def put(self, item: BatchItem) -> None:
                items.append(weakref.ref(item))

        class Looking(FakeSender):
            async def execute(self, value: Any, claim: str | None, queued: Any) -> WorkflowExecutionResult:
                await asyncio.sleep(0)
                gc.collect()
                kept.extend(ref() for ref in (*items, *files[: len(items)]))
                return WorkflowExecutionResult(True, len(items))

        def inputs() -> Iterator[Any]:
            for number in range(4):
                files.append(weakref.ref(file := Picture(b"x", name=f"{number}")))
                yield {"file": file}

        play(Looking(echo), inputs(), pace=FixedPace(1), box=Forgetting())
        assert kept == [None] * 12


class TestLooks:
    @pytest.mark.parametrize(("step", "least", "most"), [(0.01, 50, 200), (0.0, 1, 10)])
    def test_at_the_limits_follow_time_while_all_slots_are_taken(self, step: float, least: int, most: int) -> None:
        class Counted(FixedPace):
            looks = 0

            def wants_limits(self) -> bool:
                self.looks += 1
                return False

        ticks = itertools.count()
        pace = Counted()
        play(FakeSender(echo), range(200), pace=pace, clock=lambda: next(ticks) * step)
        assert least <= pace.looks <= most


class TestRunning:
    def test_everything_is_executed_and_given_in_order(self) -> None:
        sender = FakeSender(echo)
        items, engine = play(sender, range(100))
        assert [(item.index, item.output, item.ok, item.attempts) for item in items] == [
            (n, n, True, 1) for n in range(100)
        ]
        assert (engine.progress.done, engine.progress.finished, engine.progress.running) == (100, 100, 0)
        assert sender.closed

    def test_no_more_run_at_a_time_than_the_pace_allows(self) -> None:
        sender = FakeSender(echo)
        play(sender, range(50), pace=FixedPace(3))
        assert sender.most == 3

    def test_out_of_order_they_come_as_they_end(self) -> None:
        async def slow_first(value: Any, claim: Any, queued: Any) -> WorkflowExecutionResult:
            for _ in range(20 if value == 0 else 1):
                await asyncio.sleep(0)
            return WorkflowExecutionResult(True, value)

        sender = FakeSender(echo)
        sender.execute = slow_first  # type: ignore[method-assign]
        assert [item.index for item in play(sender, range(4), ordered=False)[0]][-1] == 0
        assert [item.index for item in play(sender, range(4))[0]] == [0, 1, 2, 3]

    def test_an_empty_batch_is_over_at_once(self) -> None:
        assert play(FakeSender(echo), [])[0] == []

    def test_inputs_may_come_asynchronously(self) -> None:
        async def numbers() -> AsyncIterator[int]:
            for n in range(10):
                await asyncio.sleep(0)
                yield n

        assert [item.output for item in play(FakeSender(echo), numbers().__aiter__())[0]] == list(range(10))

    def test_inputs_are_read_no_further_than_a_window(self) -> None:
        read: list[int] = []
        sender = FakeSender(echo)

        def numbers() -> Iterator[int]:
            for n in range(1000):
                read.append(n)
                yield n

        async def run() -> None:
            sender.gate = asyncio.Event()
            engine = Engine(
                sender=sender, source=Inline(numbers()), outbox=Box(), pace=FixedPace(500),  # type: ignore[arg-type]
                options=options_of(window=20),
            )  # fmt: skip
            task = asyncio.ensure_future(engine.run())
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(read) == 20
            engine.drain()
            sender.gate.set()
            await task

        asyncio.run(run())

    def test_a_task_goes_on_with_the_next_item_after_a_success(self) -> None:
        tasks = set()
        items, _ = play(FakeSender(lambda value, _: tasks.add(asyncio.current_task())), range(40))
        assert (len(items), len(tasks)) == (40, FixedPace().limit)

    def test_nothing_is_begun_while_the_consumer_is_behind(self) -> None:
        sender, box = FakeSender(echo), Box(most=5)

        async def run() -> None:
            engine = Engine(
                sender=sender, source=Inline(iter(range(1000))), outbox=box, pace=FixedPace(4), options=options_of()  # type: ignore[arg-type]
            )  # fmt: skip
            task = asyncio.ensure_future(engine.run())
            for _ in range(50):
                await asyncio.sleep(0)
            assert len(box.items) <= 5 + 4
            box.most = math.inf
            engine.wake()
            await task

        asyncio.run(run())
        assert len(box.items) == 1000

    @pytest.mark.parametrize("ordered", [True, False])
    def test_nothing_is_begun_while_what_waits_is_heavy(self, *, ordered: bool) -> None:
        much = "x" * (MOST_WEIGHT // 4)
        waiting = Waiting()
        waiting.items = Backlog(clock=itertools.count().__next__)  # the consumer is slow

        async def run() -> int:
            engine = Engine(
                sender=FakeSender(lambda *_: much), source=Inline(iter(range(100))), outbox=waiting, pace=FixedPace(3),  # type: ignore[arg-type]
                options=options_of(ordered=ordered),
            )  # fmt: skip
            task = asyncio.ensure_future(engine.run())
            taken = 0
            while not task.done():
                for _ in range(20):
                    await asyncio.sleep(0)
                assert len(waiting.items) <= 1 + 4 + 3
                while waiting.items:
                    waiting.items.take()
                    taken += 1
                engine.wake()
            await task
            return taken + len(waiting.items)

        assert asyncio.run(run()) == 100

    def test_each_is_told_as_it_ends(self) -> None:
        told: list[int] = []
        seen: list[int] = []

        async def later(item: BatchItem) -> None:
            told.append(item.index)

        play(FakeSender(echo), range(5), on_result=later, on_progress=lambda progress: seen.append(progress.finished))
        assert (sorted(told), seen) == ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 5])

    def test_an_async_on_result_is_no_execution(self) -> None:
        """It neither counts as running nor takes the place of an item, and the batch waits for it in the end."""
        told: list[tuple[int, int]] = []
        last, progress = asyncio.Event(), list[Progress]()

        async def wait_for_all(item: BatchItem) -> None:
            if item.index == 4:
                last.set()
            await last.wait()
            await asyncio.sleep(0)
            told.append((item.index, progress[0].running))

        play(FakeSender(echo), range(5), pace=FixedPace(1), on_result=wait_for_all, on_progress=progress.append)

        assert sorted(told) == [(index, 0) for index in range(5)]

    def test_an_async_on_result_of_an_item_that_was_to_run_again_is_waited_for(self) -> None:
        told: list[int] = []

        async def later(item: BatchItem) -> None:
            for _ in range(9):
                await asyncio.sleep(0)
            told.append(item.index)
            if item.index == 1:
                raise KeyError("ends the batch")

        sender = FakeSender(lambda value, _: sim.ExecutionError("bad") if value == 0 else value)
        pace, slow = FixedPace(1), Backoff(initial=1000.0, maximum=1000.0, jitter=0.0)
        with pytest.raises(KeyError, match="ends"):
            play(sender, range(9), pace=pace, on_result=later, retries=1, ordered=False, backoff=slow)

        assert {0, 1} <= set(told)

    def test_no_item_begins_while_many_async_on_results_are_behind(self) -> None:
        sender = FakeSender(echo)
        told: list[int] = []
        behind = asyncio.Event()

        async def work(item: BatchItem) -> None:
            if item.index == 0:
                for _ in range(5 * MOST_ITEMS):
                    await asyncio.sleep(0)
                assert len(sender.sent) <= MOST_ITEMS + pace.limit
                behind.set()
            await behind.wait()
            told.append(item.index)

        pace = FixedPace(4)
        play(sender, range(2 * MOST_ITEMS), pace=pace, on_result=work, ordered=False)

        assert len(told) == 2 * MOST_ITEMS

    def test_progress_is_told_that_it_is_over_and_may_fail_even_then(self) -> None:
        def show(progress: Progress) -> None:
            if progress.over:
                raise KeyError("shown")

        box = Box()
        with pytest.raises(KeyError, match="shown"):
            play(FakeSender(echo), range(3), on_progress=show, box=box)
        assert len(box.items) == 3


class TestEndingEarly:
    def test_a_server_that_does_not_answer_before_the_first_item_is_not_waited_for(self) -> None:
        class Silent(FakeSender):
            async def prepare(self) -> None:
                asyncio.get_running_loop().call_soon(engine.drain)
                await asyncio.Event().wait()

        sender = Silent(echo)
        engine = Engine(
            sender=sender, source=source_of(range(3), relayed=False), outbox=Box(), pace=FixedPace(),  # type: ignore[arg-type]
            options=options_of(),
        )  # fmt: skip
        asyncio.run(asyncio.wait_for(engine.run(), 5))

        assert (sender.sent, sender.closed) == ([], True)

    def test_an_item_that_has_ended_does_not_run(self) -> None:
        told: list[tuple[int, int]] = []

        def show(progress: Progress) -> None:
            told.append((progress.finished, progress.running))

        play(FakeSender(echo), range(3), pace=FixedPace(2), on_progress=show)

        assert told == [(0, 2), (1, 1), (2, 1), (3, 0), (3, 0)]


class TestLargeFiles:
    """Their digests take a second a gigabyte, in which the event loop goes on."""

    @pytest.fixture
    def readers(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """The threads that read a file for its digest."""
        threads: list[int] = []

        def read(path: Any, mode: str) -> Any:
            threads.append(threading.get_ident())
            return open(path, mode)  # noqa: PTH123

        monkeypatch.setattr("simstudio.batch.snapshot.open", read, raising=False)
        return threads

    @staticmethod
    def large(path: Path, size: int = 2 * MAX_BODY_BYTES) -> dict[str, Any]:
        with path.open("wb") as file:
            file.truncate(size)
        return {"doc": path}

    def test_are_read_once_and_not_by_the_event_loop(self, tmp_path: Path, readers: list[int]) -> None:
        value = self.large(tmp_path / "a.bin")

        items, _ = play(FakeSender(lambda *_: 1), [value, value, 3], ledger=opened(tmp_path), dedup=True)

        assert [(item.output, item.duplicate) for item in items] == [(1, False), (1, True), (1, False)]
        assert len(readers) == 1
        assert threading.get_ident() not in readers

    def test_are_read_by_the_thread_that_reads_the_inputs(self, tmp_path: Path, readers: list[int]) -> None:
        options = options_of(ledger=tmp_path / "runs.sqlite")
        (found,) = map(options.examiner(), [self.large(tmp_path / "a.bin")])

        assert isinstance(found.found, Prepared)
        assert found.found.fingerprint
        assert readers == [threading.get_ident()]

    def test_are_not_read_when_nothing_asks_for_their_digest(self, tmp_path: Path, readers: list[int]) -> None:
        play(FakeSender(lambda *_: 1), [self.large(tmp_path / "a.bin")])

        assert readers == []

    @pytest.mark.parametrize("dedup", [True, False], ids=["when it is identified", "when it is committed"])
    def test_that_has_gone_meanwhile_fails_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dedup: bool
    ) -> None:
        def read(path: Any, mode: str) -> Any:
            raise FileNotFoundError(2, "No such file or directory")

        monkeypatch.setattr("simstudio.batch.snapshot.open", read, raising=False)

        inputs = [self.large(tmp_path / "b.bin"), 3]
        items, _ = play(FakeSender(lambda *_: 1), inputs, ledger=opened(tmp_path), dedup=dedup)

        assert [item.ok for item in items] == [False, True]
        assert str(items[0].error).endswith("The file 'b.bin' cannot be read: [Errno 2] No such file or directory.")

    def test_a_batch_that_is_ended_waits_for_no_digest(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ended = threading.Event()
        was_ended: list[bool] = []

        def read(path: Any, mode: str) -> Any:
            engine.drain()
            was_ended.append(ended.wait(5))
            return open(path, mode)  # noqa: PTH123

        monkeypatch.setattr("simstudio.batch.snapshot.open", read, raising=False)
        source = source_of([self.large(tmp_path / "c.bin")], relayed=False)
        engine = Engine(
            sender=FakeSender(echo), source=source, outbox=Box(), pace=FixedPace(), options=options_of(dedup=True)  # type: ignore[arg-type]
        )  # fmt: skip
        asyncio.run(engine.run())
        ended.set()
        for thread in threading.enumerate():
            if thread.name == "simstudio-read":
                thread.join()

        assert was_ended == [True]

    def test_a_changed_one_is_read_again(self, tmp_path: Path, readers: list[int]) -> None:
        before = prepare(0, self.large(tmp_path / "a.bin")).fingerprint
        with (tmp_path / "a.bin").open("r+b") as file:
            file.write(b"changed")

        assert prepare(0, {"doc": tmp_path / "a.bin"}).fingerprint != before
        assert len(readers) == 2


class TestFailing:
    def test_one_that_fails_stops_no_other(self) -> None:
        sender = FakeSender(lambda value, _: sim.ExecutionError("Boom") if value == 3 else value)
        items, engine = play(sender, range(6))
        assert [item.state for item in items] == ["done"] * 3 + ["failed"] + ["done"] * 2
        assert str(items[3].error) == "Boom"
        with pytest.raises(sim.ExecutionError):
            items[3].unwrap()
        assert (engine.progress.done, engine.progress.failed) == (5, 1)

    def test_a_failure_names_the_run_of_its_result(self) -> None:
        error = sim.ExecutionError("no", result=WorkflowExecutionResult(False, execution_id="e1"))
        (item,), _ = play(FakeSender(lambda *_: error), [1])
        assert (item.state, item.error, item.result, item.run_id) == ("failed", error, None, "e1")

    def test_a_bug_in_a_middleware_is_that_items_failure(self) -> None:
        items, _ = play(FakeSender(lambda value, _: KeyError("x") if value else value), [0, 1])
        assert [item.state for item in items] == ["done", "failed"]
        assert "KeyError" in str(items[1].error)

    def test_the_first_failure_ends_the_batch_if_wanted(self) -> None:
        sender = FakeSender(lambda value, _: sim.ExecutionError("Boom") if value == 3 else value)
        box = Box()
        with pytest.raises(sim.ExecutionError, match="Boom"):
            play(sender, range(1000), stop_on_error=True, box=box)
        assert len(sender.sent) < 20
        assert {item.index for item in box.items} >= {0, 1, 2, 3}

    def test_what_cannot_be_sent_is_that_items_failure(self) -> None:
        items, _ = play(FakeSender(echo), [1, {2, 3}, float("nan"), 4])
        assert [item.state for item in items] == ["done", "failed", "failed", "done"]
        assert "Input 1" in str(items[1].error)

    @pytest.mark.parametrize("change", [Path.unlink, lambda file: file.write_bytes(b"ho")], ids=["gone", "changed"])
    def test_a_file_that_is_not_what_was_read_is_that_items_failure(
        self, tmp_path: Path, change: Callable[[Path], object]
    ) -> None:
        """The next run looks at it again; what is known of it from an earlier one stays."""
        files = [tmp_path / f"{n}.txt" for n in range(9)]
        for file in files:
            file.write_bytes(b"hi")

        def inputs() -> Iterator[dict[str, Any]]:
            for file in files:
                yield {"doc": file}
                if file == files[5]:
                    change(file)

        sender, ledger = FakeSender(lambda *_: "seen"), opened(tmp_path)
        items, engine = play(sender, inputs(), pace=FixedPace(9), ledger=ledger, keep=True)
        assert [item.state for item in items] == ["done"] * 5 + ["failed"] + ["done"] * 3
        assert items[5].attempts == 0
        assert isinstance(items[5].error, sim.InvalidInputError)
        assert (len(sender.sent), ledger.counts(), engine.progress.running) == (8, Counts(done=8, failed=1), 0)
        ledger.close()
        files[5].write_bytes(b"hi")
        again, _ = play(sender, ({"doc": file} for file in files), ledger=opened(tmp_path))
        assert [item.replayed for item in again] == [True] * 5 + [False] + [True] * 3
        assert {item.state for item in again} == {"done"}

    def test_a_file_that_is_gone_when_its_item_runs_again_leaves_what_is_known(self, tmp_path: Path) -> None:
        file = tmp_path / "a.txt"
        file.write_bytes(b"hi")
        play(FakeSender(lambda *_: sim.ExecutionError("Boom")), [{"doc": file}], ledger=opened(tmp_path))

        def inputs() -> Iterator[dict[str, Any]]:
            yield {"doc": file}
            file.unlink()

        ledger = opened(tmp_path)
        (item,), _ = play(FakeSender(echo), inputs(), ledger=ledger, keep=True, on_failed="rerun")
        assert isinstance(item.error, sim.InvalidInputError)
        assert [str(entry.error) for entry in ledger.entries()] == ["Boom"]
        ledger.close()

    @pytest.mark.parametrize(
        "error",
        [
            sim.AuthenticationError("no", status=401),
            sim.UsageLimitExceededError("no", status=402),
            sim.NotFoundError("no", status=404),
            sim.PermissionDeniedError("no", status=403),
            sim.ConfigurationError("no"),
        ],
    )
    def test_what_every_item_would_meet_ends_the_batch(self, error: sim.SimStudioError, tmp_path: Path) -> None:
        sender = FakeSender(lambda *_: error)
        ledger = opened(tmp_path)
        with pytest.raises(type(error)):
            play(sender, range(1000), pace=FixedPace(1), ledger=ledger, keep=True)
        assert len(sender.sent) == 1
        assert ledger.counts().total == 0  # it surely never ran

    def test_a_404_after_a_success_is_that_items_own(self) -> None:
        sender = FakeSender(lambda value, _: sim.NotFoundError("no", status=404) if value == 2 else value)
        items, _ = play(sender, range(4), pace=FixedPace(1))
        assert [item.state for item in items] == ["done", "done", "failed", "done"]

    def test_what_an_earlier_run_has_done_says_nothing_of_now(self, tmp_path: Path) -> None:
        """The workflow was undeployed since: its inputs are not to fail for good."""
        play(FakeSender(echo), range(5), ledger=opened(tmp_path))
        sender, ledger = FakeSender(lambda *_: sim.PermissionDeniedError("no", status=403)), opened(tmp_path)
        with pytest.raises(sim.PermissionDeniedError):
            play(sender, range(20), pace=FixedPace(1), ledger=ledger, keep=True)
        assert (len(sender.sent), ledger.counts()) == (1, Counts(done=5))
        ledger.close()

    @pytest.mark.parametrize("limit", [1, 40])
    def test_many_403s_in_a_row_are_everybodys(self, limit: int, tmp_path: Path) -> None:
        """It was undeployed in the middle: a few items fail, not all that are left."""
        gone = sim.PermissionDeniedError("no", status=403)
        sender, ledger = FakeSender(lambda value, _: gone if value >= 60 else value), opened(tmp_path)
        with pytest.raises(sim.PermissionDeniedError):
            play(sender, range(1000), pace=FixedPace(limit), ledger=ledger, keep=True)
        assert ledger.counts() == Counts(done=60, failed=10)
        ledger.close()

    def test_a_ledger_that_fails_ends_a_batch_of_asynchronous_inputs_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def numbers() -> AsyncIterator[int]:
            for n in range(4):
                yield n

        finish = Ledger.finish

        def locked(ledger: Ledger, item: BatchItem) -> None:
            if item.state == "unknown":
                raise sim.LedgerError("another program has locked it")
            finish(ledger, item)

        crashed(tmp_path, [0])
        monkeypatch.setattr(Ledger, "finish", locked)
        with pytest.raises(sim.LedgerError, match="another program has locked it"):
            play(FakeSender(echo), numbers().__aiter__(), ledger=opened(tmp_path))

    @pytest.mark.parametrize("what", ["wait", "wants_limits"])
    def test_a_pace_that_fails_ends_the_batch_after_what_runs(self, what: str) -> None:
        class Shared(FixedPace):
            """Its store is lost once two items are under way."""

            def wait(self, in_flight: int) -> float:
                self._ask("wait", lost=in_flight == 2)
                return super().wait(in_flight)

            def wants_limits(self) -> bool:
                self._ask("wants_limits", lost=True)
                return False

            def _ask(self, asked: str, *, lost: bool) -> None:
                if asked == what and lost:
                    raise sim.SimStudioError("the store is lost")

        box = Box()
        with pytest.raises(sim.SimStudioError, match="the store is lost"):
            play(FakeSender(echo), range(9), pace=Shared(2 if what == "wants_limits" else 4), box=box)
        assert [item.output for item in box.items] == [0, 1]

    def test_inputs_that_fail_end_the_batch_after_what_runs(self) -> None:
        def numbers() -> Iterator[int]:
            yield 0
            yield 1
            raise RuntimeError("the file broke")

        box = Box()
        with pytest.raises(RuntimeError, match="the file broke"):
            play(FakeSender(echo), numbers(), box=box)
        assert [item.output for item in box.items] == [0, 1]


class TestSendingAgain:
    def test_a_refused_item_waits_its_turn(self) -> None:
        refusal = sim.RateLimitError("slow down", status=429)
        refusal.retry_after = 5.0
        pace = FixedPace()
        sender = FakeSender(lambda value, times: refusal if value == 1 and times < 3 else value)
        items, engine = play(sender, range(3), pace=pace)
        assert [(item.state, item.attempts) for item in items] == [("done", 1), ("done", 3), ("done", 1)]
        assert pace.told.count("refused 5.0") == 2
        assert engine.progress.refused == 2

    def test_one_that_was_never_sent_is_sent_again(self) -> None:
        refused = sim.APIConnectionError("refused", sent=False)
        sender = FakeSender(lambda value, times: refused if times < 3 else value)
        ((item,), _) = play(sender, [1])
        assert (item.ok, item.attempts) == (True, 3)

    def test_one_that_may_have_run_is_unknown_in_v1(self) -> None:
        sender = FakeSender(lambda *_: sim.APITimeoutError("late"))
        ((item,), engine) = play(sender, [1])
        assert (item.state, item.attempts, sender.sent) == ("unknown", 1, [1])
        assert engine.progress.unknown == 1

    @pytest.mark.parametrize("status", [502, 503, 504, 524])
    def test_an_answer_of_a_proxy_is_no_outcome(self, status: int) -> None:
        ((item,), _) = play(FakeSender(lambda *_: sim.ServerError("?", status=status)), [1])
        assert item.state == "unknown"

    def test_in_v2_it_is_sent_again_under_its_id(self) -> None:
        sender = FakeSender(lambda value, times: sim.APITimeoutError("late") if times < 3 else value, claims=True)
        ((item,), _) = play(sender, [1])
        assert (item.ok, item.attempts, len(set(sender.run_ids))) == (True, 3, 1)

    @pytest.mark.parametrize(
        ("details", "ids"),
        [
            ({"code": "RATE_LIMIT_EXCEEDED"}, 3),
            ({"code": "EXECUTION_CONCURRENCY_LIMIT"}, 3),
            ({"retryAfter": "2026-11-29T20:05:39.381Z"}, 1),
            (None, 1),
        ],
        ids=str,
    )
    def test_a_refusal_that_used_its_id_up_is_followed_by_another_id(
        self, tmp_path: Path, details: Any, ids: int
    ) -> None:
        ledger = opened(tmp_path, api_version="v2")
        stored: list[str | None] = []

        def answer(value: Any, times: int) -> Any:
            (entry,) = ledger.entries()
            stored.append(entry.run_id)
            return sim.RateLimitError("slow down", status=429, details=details) if times < 3 else value

        sender = FakeSender(answer, claims=True)
        ((item,), _) = play(sender, [1], ledger=ledger)
        assert stored == sender.run_ids  # each before it was sent
        assert (len(set(sender.run_ids)), item.run_id, item.attempts) == (ids, sender.run_ids[-1], 3)

    def test_a_run_whose_id_was_used_up_is_no_item_of_the_ledger(self, tmp_path: Path) -> None:
        spent = sim.RateLimitError("slow down", status=429, details={"code": "RATE_LIMIT_EXCEEDED"})
        ledger = opened(tmp_path, api_version="v2")
        with pytest.raises(sim.RateLimitError, match="slow down"):
            play(FakeSender(lambda *_: spent, claims=True), [1], ledger=ledger, keep=True)
        assert ledger.counts().total == 0
        ledger.close()

    def test_a_queued_run_that_never_ran_is_queued_again(self, tmp_path: Path) -> None:
        """An earlier release took the run that a refusal leaves behind for one that it had queued."""
        error = {"message": "Too many concurrent executions are in progress.", "code": "EXECUTION_FAILED"}
        job = sim.Job("run-0", "failed", error=error, api_version="v2")
        object.__setattr__(job, "_wire", {"status": "failed", "error": error, "durationMs": 1, "cost": {"total": 0}})
        refusal = sim.JobFailedError("refused", job=job, result=WorkflowExecutionResult(False))
        sender = FakeSender(lambda value, times: refusal if times < 2 else value, claims=True, queue=True)
        pace = FixedPace()
        ((item,), engine) = play(sender, [1], pace=pace, ledger=opened(tmp_path, mode="async", api_version="v2"))
        assert (item.ok, len(set(sender.run_ids)), engine.progress.refused) == (True, 2, 1)
        assert pace.told == ["limits", "succeeded", "succeeded"]  # a refusal of long ago says nothing of the limit now

    def test_not_for_ever(self) -> None:
        """Where others are answered, and the server answers those who ask whether it is there."""
        refused = sim.APIConnectionError("refused", sent=False)
        sender = FakeSender(lambda value, _: value if value == 0 else refused)
        items, _ = play(sender, [0, 1], pace=FixedPace(1), max_retries=3)
        assert ([item.state for item in items], sender.sent.count(1)) == (["done", "failed"], 21)

    def test_where_nobody_answers_the_batch_ends(self, tmp_path: Path) -> None:
        sender = FakeSender(lambda *_: sim.APIConnectionError("refused", sent=False))
        ledger = opened(tmp_path)
        with pytest.raises(sim.APIConnectionError, match="refused"):
            play(sender, range(1000), pace=FixedPace(1), ledger=ledger, keep=True)
        assert (sender.sent, ledger.counts().total) == ([0, 0, 0], 0)
        ledger.close()

    def test_a_job_that_the_rate_limit_refused_is_queued_again(self, tmp_path: Path) -> None:
        over = sim.Job("job-1", "failed", error="Rate limit exceeded. Please try again later.")
        refusal = sim.JobFailedError("refused", job=over, result=WorkflowExecutionResult(False))
        sender = FakeSender(lambda value, times: refusal if times < 3 else value, queue=True)
        ((item,), engine) = play(sender, [1], ledger=opened(tmp_path, mode="async"))
        assert (item.ok, len(sender.sent), engine.progress.refused) == (True, 3, 2)

    def test_a_job_of_v2_that_failed_with_such_words_has_run(self) -> None:
        over = sim.Job("run-1", "failed", error={"message": "Rate limit exceeded of my model"}, api_version="v2")
        failure = sim.JobFailedError("failed", job=over, result=WorkflowExecutionResult(False))
        sender = FakeSender(lambda *_: failure, claims=True, queue=True)
        ((item,), _) = play(sender, [1])
        assert (item.state, sender.sent) == ("failed", [1])

    def test_the_pace_is_told_of_each_that_was_queued_once(self, tmp_path: Path) -> None:
        """Else it never learns that a slot is free again, nor what it lets through."""
        answers: list[Any] = [
            0,
            sim.JobFailedError("it failed", result=WorkflowExecutionResult(False)),
            sim.NotFoundError("no such job", status=404),
            sim.APITimeoutError("late"),
            KeyError("of a middleware"),
        ]
        pace = FixedPace(1)
        play(FakeSender(lambda value, _: answers[value], queue=True), range(5), pace=pace)
        assert pace.told == ["limits", "succeeded", "succeeded", "succeeded", "failed", "failed"]

    def test_a_bug_in_a_middleware_does_not_end_what_is_queued(self, tmp_path: Path) -> None:
        sender = FakeSender(lambda *_: KeyError("x"), queue=True)
        ((item,), _) = play(sender, [1], ledger=opened(tmp_path, mode="async"))
        assert (item.state, item.attempts) == ("unknown", 1)
        assert "KeyError" in str(item.error)

        again = FakeSender(echo, queue=True)
        ((item,), _) = play(again, [1], ledger=opened(tmp_path, mode="async"))
        assert (item.state, again.settled, again.sent) == ("done", ["job-1"], [])

    def test_refusals_do_not_count_as_trouble(self) -> None:
        refusal = sim.RateLimitError("slow down", status=429)
        ((item,), _) = play(FakeSender(lambda value, times: refusal if times < 20 else value), [1])
        assert (item.ok, item.attempts) == (True, 20)

    def test_an_item_that_is_refused_for_ever_ends_the_batch_and_has_not_failed(self, tmp_path: Path) -> None:
        """It never ran, and nor would the others."""
        refusal, ledger = sim.RateLimitError("slow down", status=429), opened(tmp_path)
        sender = FakeSender(lambda value, _: refusal if value else value)
        with pytest.raises(sim.RateLimitError, match="slow down"):
            play(sender, range(9), pace=FixedPace(1), ledger=ledger, keep=True)
        assert (sender.sent, ledger.counts()) == ([0] + [1] * 51, Counts(done=1))
        ledger.close()

    def test_a_server_that_asks_to_wait_for_years_ends_the_batch(self, tmp_path: Path) -> None:
        refusal, ledger, pace = sim.RateLimitError("slow down", status=429), opened(tmp_path), FixedPace(1)
        refusal.retry_after = 1e9
        sender = FakeSender(lambda value, _: refusal if value else value)
        with pytest.raises(sim.RateLimitError, match="slow down"):
            play(sender, range(9), pace=pace, ledger=ledger, keep=True)
        assert (sender.sent, ledger.counts()) == ([0, 1], Counts(done=1))
        assert "refused 86400.0" in pace.told
        ledger.close()

    def test_the_server_stopping_a_run_is_an_outcome(self) -> None:
        error = sim.ExecutionTimeoutError("too long", result=WorkflowExecutionResult(False))
        ((item,), _) = play(FakeSender(lambda *_: error), [1])
        assert item.state == "failed"


class TestTheLedger:
    def test_results_that_it_cannot_take_are_given_all_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The disk is full: what is in hand is not lost with it."""

        def full(item: BatchItem) -> None:
            raise sim.LedgerError("the disk is full")

        box, told, ledger = Box(), [], opened(tmp_path)
        monkeypatch.setattr(ledger, "finish", full)
        with pytest.raises(sim.LedgerError, match="the disk is full"):
            play(
                FakeSender(echo), range(100), ledger=ledger, box=box, on_result=lambda item: told.append(item.index),
                pace=FixedPace(4), keep=True,
            )  # fmt: skip
        assert [item.output for item in box.items] == [0, 1, 2, 3] == sorted(told)
        assert ledger.counts() == Counts(sending=4)
        ledger.close()

    def test_a_second_run_sends_only_what_is_not_finished(self, tmp_path: Path) -> None:
        play(FakeSender(echo), range(5), ledger=opened(tmp_path))
        again = FakeSender(echo)
        items, engine = play(again, range(8), ledger=opened(tmp_path))
        assert again.sent == [5, 6, 7]
        assert [(item.output, item.replayed) for item in items] == [(n, n < 5) for n in range(8)]
        assert (engine.progress.done, engine.progress.replayed) == (8, 5)

    def test_what_an_earlier_run_sent_and_never_heard_of_is_unknown(self, tmp_path: Path) -> None:
        crashed(tmp_path, [0, 1])
        sender = FakeSender(echo)
        items, _ = play(sender, range(4), ledger=opened(tmp_path))
        assert sender.sent == [2, 3]
        assert [item.state for item in items] == ["unknown", "unknown", "done", "done"]

    def test_and_is_run_again_when_that_is_wanted(self, tmp_path: Path) -> None:
        crashed(tmp_path, [0, 1])
        sender = FakeSender(echo)
        items, _ = play(sender, range(4), ledger=opened(tmp_path), on_unknown="rerun")
        assert sorted(sender.sent) == [0, 1, 2, 3]
        assert all(item.ok for item in items)

    def test_in_v2_it_is_settled_under_its_id(self, tmp_path: Path) -> None:
        crashed(tmp_path, [0, 1], claims=True)
        sender = FakeSender(echo, claims=True)
        items, _ = play(sender, range(2), ledger=opened(tmp_path, api_version="v2"))
        assert sender.run_ids == ["known-0", "known-1"]
        assert all(item.ok for item in items)

    def test_what_was_queued_is_waited_for_by_its_id(self, tmp_path: Path) -> None:
        ledger = opened(tmp_path, mode="async")
        ledger.intend([Intent(prepare(0, 0), None)])
        ledger.mark_submitted("0", "job-0", "e-0")
        ledger.close()
        sender = FakeSender(echo, queue=True)
        items, _ = play(sender, range(2), ledger=opened(tmp_path, mode="async"))
        assert (sender.settled, sender.sent) == (["job-0"], [1])
        assert [item.output for item in items] == [0, 1]

    def test_a_job_that_the_server_forgot_is_unknown(self, tmp_path: Path) -> None:
        sender = FakeSender(lambda *_: sim.NotFoundError("no such job", status=404), queue=True)
        ((item,), _) = play(sender, [1], ledger=opened(tmp_path, mode="async"))
        assert item.state == "unknown"

    def test_why_an_item_is_unknown_is_kept(self, tmp_path: Path) -> None:
        play(FakeSender(lambda *_: sim.APITimeoutError("late")), [1], ledger=opened(tmp_path))
        for _ in range(2):
            ((item,), _) = play(FakeSender(echo), [1], ledger=opened(tmp_path))
            assert (item.state, item.replayed, str(item.error)) == ("unknown", True, "late")

    def test_a_job_that_the_server_forgot_is_run_again_when_that_is_wanted(self, tmp_path: Path) -> None:
        """However often it was reported before."""
        forgotten = sim.NotFoundError("no such job", status=404)
        play(FakeSender(lambda *_: forgotten, queue=True), [1], ledger=opened(tmp_path, mode="async"))
        for _ in range(2):
            reported = FakeSender(echo, queue=True)
            ((item,), _) = play(reported, [1], ledger=opened(tmp_path, mode="async"))
            assert (item.state, reported.sent, reported.settled) == ("unknown", [], [])

        sender = FakeSender(echo, queue=True)
        ((item,), _) = play(sender, [1], ledger=opened(tmp_path, mode="async"), on_unknown="rerun")

        assert (item.state, sender.sent, sender.settled) == ("done", [1], [])

    def test_failures_are_kept_or_run_again(self, tmp_path: Path) -> None:
        play(FakeSender(lambda *_: sim.ExecutionError("Boom")), [1], ledger=opened(tmp_path))
        kept = FakeSender(echo)
        ((item,), _) = play(kept, [1], ledger=opened(tmp_path))
        assert (item.state, item.replayed, kept.sent) == ("failed", True, [])
        assert isinstance(item.error, sim.ExecutionError)
        rerun = FakeSender(echo)
        ((item,), _) = play(rerun, [1], ledger=opened(tmp_path), on_failed="rerun")
        assert (item.ok, rerun.sent) == (True, [1])

    def test_a_changed_input_is_an_error(self, tmp_path: Path) -> None:
        play(FakeSender(echo), [1], ledger=opened(tmp_path))
        with pytest.raises(sim.InputChangedError, match="0"):
            play(FakeSender(echo), [2], ledger=opened(tmp_path))

    def test_a_key_finds_an_item_wherever_it_stands(self, tmp_path: Path) -> None:
        play(FakeSender(echo), [{"id": "a"}, {"id": "b"}], ledger=opened(tmp_path), key=lambda value: value["id"])
        sender = FakeSender(echo)
        items, _ = play(sender, [{"id": "c"}, {"id": "a"}], ledger=opened(tmp_path), key=lambda value: value["id"])
        assert sender.sent == [{"id": "c"}]
        assert [(item.index, item.key, item.replayed) for item in items] == [(0, "c", False), (1, "a", True)]


class Restarting(FakeSender):
    """A server that is gone after its first answer, until a request for its limits brings an answer."""

    def __init__(self, *probes: sim.SimStudioError | None, elapsed: float = 1.0) -> None:
        super().__init__(self._reply)
        self.probes: list[sim.SimStudioError | None] = list(probes)
        self.sent_at_probes: list[int] = []
        self.elapsed = elapsed
        self.now = 0.0

    def _reply(self, value: Any, count: int) -> Any:
        return sim.APIConnectionError("refused", sent=False) if self.probes and self.sent[0] != value else value

    async def limits(self) -> None:
        if self.sent:
            self.now += self.elapsed
            self.sent_at_probes.append(len(self.sent))
            probe = self.probes.pop(0) if self.probes else None
            if probe is not None:
                raise probe

    def clock(self) -> float:
        return self.now


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes follow each other at once."""
    monkeypatch.setattr("simstudio.batch.outage.Outage.next_probe", lambda self: 0.0)


@pytest.mark.usefixtures("_impatient")
class TestOutages:
    GONE = sim.APIConnectionError("refused", sent=False)

    @pytest.mark.parametrize("reply", [None, sim.NotFoundError("no such route", status=404)], ids=["answer", "error"])
    def test_nothing_is_sent_until_the_server_answers_again_whatever_it_answers(
        self, reply: sim.SimStudioError | None
    ) -> None:
        sender, away = Restarting(self.GONE, self.GONE, reply), set()
        items, engine = play(sender, range(20), on_progress=lambda progress: away.add(progress.away > 0))
        assert [item.output for item in items] == list(range(20))
        assert sender.sent_at_probes == [5] * 3  # the first four and the successor of the first were under way
        assert (away, engine.progress.away) == ({True, False}, 0.0)

    def test_one_that_stays_away_ends_the_batch(self) -> None:
        sender = Restarting(*[self.GONE] * 1000, elapsed=100.0)
        with pytest.raises(sim.APIConnectionError, match="not reached for 300 s"):
            play(sender, range(20), clock=sender.clock)
        assert (len(sender.sent), len(sender.sent_at_probes)) == (5, 3)


class TestStopping:
    async def _begun(self, sender: FakeSender, box: Box, ledger: Ledger | None = None) -> tuple[Engine, Any]:
        """An engine of which three items are under way."""
        sender.gate, sender.begun = asyncio.Event(), asyncio.Event()
        engine = Engine(
            sender=sender, source=Inline(iter(range(100))), outbox=box, pace=FixedPace(3),  # type: ignore[arg-type]
            options=options_of(), ledger=ledger,
        )  # fmt: skip
        task = asyncio.ensure_future(engine.run())
        await sender.begun.wait()
        return engine, task

    async def test_draining_ends_what_runs_and_begins_nothing(self) -> None:
        sender, box = FakeSender(echo), Box()
        engine, task = await self._begun(sender, box)
        engine.drain()
        sender.gate.set()  # type: ignore[union-attr]
        await task
        assert sender.sent == [0, 1, 2]
        assert [item.output for item in box.items] == [0, 1, 2]

    async def test_what_the_ledger_answers_does_not_keep_it_from_draining(self, tmp_path: Path) -> None:
        """Nor from ending what runs: it takes such inputs in pieces, and others have their turn in between."""
        ledger = opened(tmp_path)
        prepared = [prepare(n, n) for n in range(3000)]
        ledger.intend([Intent(each, None) for each in prepared])
        for each in prepared:
            ledger.finish(BatchItem(each.index, each.input, WorkflowExecutionResult(True), key=each.key))
        box = Box()
        engine = Engine(
            sender=FakeSender(echo), source=Inline(iter(range(3000))), outbox=box, pace=FixedPace(3),  # type: ignore[arg-type]
            options=options_of(), ledger=ledger,
        )  # fmt: skip
        task = asyncio.ensure_future(engine.run())
        while not box.items:  # noqa: ASYNC110 - it has its turn, and then we have ours
            await asyncio.sleep(0)
        engine.drain()
        await task
        assert len(box.items) < 3000
        ledger.close()

    @pytest.mark.parametrize("act", ["wake", "drain", "abort"])
    def test_what_comes_while_the_loop_is_closing_is_nothing(self, act: str) -> None:
        """A consumer takes the last item while the engine's thread ends: it must get it."""

        class Closing(asyncio.SelectorEventLoop):
            seen_open = True  # by a thread that looked just before

            def is_closed(self) -> bool:
                return super().is_closed() and not self.seen_open

        engine = Engine(
            sender=FakeSender(echo), source=Inline(iter([])), outbox=Box(), pace=FixedPace(), options=options_of()  # type: ignore[arg-type]
        )  # fmt: skip
        loop = Closing()
        loop.run_until_complete(engine.run())
        loop.close()

        try:
            getattr(engine, act)()
        finally:
            loop.seen_open = False

    async def test_aborting_leaves_what_runs_in_the_ledger(self, tmp_path: Path) -> None:
        ledger = opened(tmp_path)
        engine, task = await self._begun(FakeSender(echo), Box(), ledger)
        engine.abort()
        await task
        assert ledger.counts().sending == 3
        ledger.close()


def crashed(path: Path, indexes: list[int], *, claims: bool = False) -> None:
    """A run that committed what it was about to send, and was never heard of again."""
    ledger = opened(path, api_version="v2" if claims else "v1")
    ledger.intend([Intent(prepare(n, n), f"known-{n}" if claims else None) for n in indexes])
    ledger.close()
