"""How far a batch is, in words: what is said while it runs, while it waits for the rate limit, and in the end."""

from __future__ import annotations

import asyncio
import copy
import io
import itertools
import math
import pickle
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, get_type_hints

import attrs
import pytest
from fakes import options_of
from test_batch_engine import Box, FakeResults, FakeSender, FixedPace, echo

import simstudio as sim
from simstudio.batch.engine import Engine
from simstudio.batch.progress import Progress, progress_html, to_stderr
from simstudio.batch.sources import source_of
from simstudio.transport.retry import Backoff


class TestWords:
    def test_it_says_what_runs(self) -> None:
        progress = Progress(total=100, done=30, failed=10, elapsed=20.0, running=3, limit=8)

        assert str(progress).endswith(", 2.0/s, 0:30 left; 3 of 8 running")
        assert progress.texts()[1:] == ("40/100, 10 failed, 0:30 left, 3 running", "40/100, 10 failed, 0:30 left")

    def test_it_says_that_it_waits_for_inputs(self) -> None:
        assert str(Progress(done=3, idle="waiting for inputs")) == "3 finished, 3 done, 0 failed, waiting for inputs"

    def test_a_notebook_is_told_what_it_waits_for(self) -> None:
        assert "waiting 41 s for the rate limit" in progress_html(Progress(total=9, waiting=41.0))
        assert "state" not in progress_html(Progress(total=9))

    def test_under_way_it_says_how_fast_and_how_long(self) -> None:
        progress = Progress(total=100, done=30, failed=10, elapsed=20.0)

        assert str(progress) == "40/100 finished, 30 done, 10 failed, 2.0/s, 0:30 left"

    def test_what_is_finished_has_nothing_left(self) -> None:
        assert str(Progress(total=4, done=4, elapsed=2.0)) == "4/4 finished, 4 done, 0 failed, 2.0/s"

    def test_what_was_ended_has_no_time_left_though_items_are(self) -> None:
        progress = Progress(total=100, done=40, elapsed=20.0, running=3, waiting=41.0)

        progress.end()

        assert str(progress) == "40/100 finished, 40 done, 0 failed, 2.0/s"
        assert progress.running == 0

    def test_what_only_the_ledger_told_had_no_rate(self) -> None:
        assert str(Progress(total=4, done=4, replayed=4, elapsed=2.0)) == "4/4 finished, 4 done, 0 failed"

    def test_it_says_that_it_waits_for_the_rate_limit(self) -> None:
        progress = Progress(total=4, done=2, elapsed=2.0, waiting=40.2)

        assert str(progress) == "2/4 finished, 2 done, 0 failed, 1.0/s, waiting 41 s for the rate limit"

    def test_while_anything_is_left_some_time_is(self) -> None:
        assert str(Progress(total=4, done=3, elapsed=0.3)).endswith(", 0:01 left")

    def test_moments_of_waiting_are_not_told(self) -> None:
        assert "waiting" not in str(Progress(total=4, done=2, elapsed=2.0, waiting=0.3))


class TestMeasured:
    """Numbers that change while nothing happens have their current values whenever they are read."""

    def test_a_batch_whose_items_run_long_has_current_numbers(self) -> None:
        now, pace, sender = [100.0], FixedPace(3), FakeSender(echo)
        seen: list[tuple[float, int, int]] = []
        engine = Engine(
            sender=sender, source=source_of(range(3), relayed=False), outbox=Box(), pace=pace,  # type: ignore[arg-type]
            options=options_of(), clock=lambda: now[0],
        )  # fmt: skip

        async def watch() -> None:
            sender.gate, sender.begun = asyncio.Event(), asyncio.Event()
            task = asyncio.create_task(engine.run())
            await sender.begun.wait()
            for now[0], pace.limit in ((100.0, 3), (700.0, 8)):
                seen.append((engine.progress.elapsed, engine.progress.limit, engine.progress.running))
            sender.gate.set()
            await task
            now[0] = 9000.0
            seen.append((engine.progress.elapsed, engine.progress.limit, engine.progress.running))

        asyncio.run(watch())

        assert seen == [(0.0, 3, 3), (600.0, 8, 3), (600.0, 8, 0)]

    def test_a_wait_counts_down_and_an_outage_counts_up(self) -> None:
        now = [0.0]
        progress = Progress(total=9, done=1)
        progress.measure(elapsed=lambda: now[0])
        progress.wait(41.0)
        progress.lose_server(3.0)

        for now[0], left, away in ((0.0, 41.0, 3.0), (11.0, 30.0, 14.0), (50.0, 0.0, 53.0)):
            assert (progress.waiting, progress.away) == (left, away)

    @pytest.mark.parametrize("copied", [copy.copy, attrs.evolve, lambda made: pickle.loads(pickle.dumps(made))])
    def test_a_copy_keeps_the_values_of_its_time(self, copied: Callable[[Progress], Progress]) -> None:
        now = [5.0]
        progress = Progress(total=9)
        progress.measure(elapsed=lambda: now[0])

        made = copied(progress)
        now[0] = 9.0

        assert made == Progress(total=9, elapsed=5.0)
        assert progress == Progress(total=9, elapsed=9.0)
        made.wait(2.0)
        made.end()
        assert (made.elapsed, made.waiting) == (5.0, 0.0)

    def test_a_measured_attribute_is_like_any_other(self) -> None:
        progress = Progress(total=9)
        progress.measure(elapsed=lambda: 5.0, running=lambda: 3)

        assert progress == Progress(total=9, elapsed=5.0, running=3)
        assert "running=3, limit=0, refused=0, elapsed=5.0" in repr(progress)
        assert attrs.asdict(progress)["elapsed"] == 5.0
        assert get_type_hints(Progress)["running"] is int


@pytest.mark.parametrize("copied", [copy.copy, lambda made: pickle.loads(pickle.dumps(made))])
def test_an_interruption_can_be_copied(copied: Callable[[sim.BatchInterrupted], sim.BatchInterrupted]) -> None:
    item = sim.BatchItem(0, 1)
    made = copied(sim.BatchInterrupted(Progress(total=3, done=1), [item], " Go on."))

    assert str(made) == "Interrupted: 1/3 finished, 1 done, 0 failed. Go on."
    assert (made.progress, made.items) == (Progress(total=3, done=1), [item])


def test_progress_true_says_at_once_that_it_waits_and_only_once(capsys: pytest.CaptureFixture[str]) -> None:
    show = to_stderr(clock=lambda: 0.0)
    progress = Progress(total=9, done=1)

    show(progress)
    for progress.waiting in (0.0, 41.0, 40.0, 0.0, 30.0):
        show(progress)

    told = capsys.readouterr().err.splitlines()
    assert [line.partition(", waiting ")[2] for line in told] == [
        "",
        "41 s for the rate limit",
        "30 s for the rate limit",
    ]


def test_progress_true_says_how_it_ended_though_nobody_knew_how_much_there_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show = to_stderr(clock=lambda: 0.0)
    progress = Progress()
    for progress.done in range(1, 13):
        show(progress)
    progress.end()
    show(progress)
    assert capsys.readouterr().err.splitlines() == [
        "1 finished, 1 done, 0 failed",
        "12 finished, 12 done, 0 failed",
    ]


@pytest.mark.parametrize("error", [BrokenPipeError, ValueError])
def test_progress_true_that_nobody_reads_ends_nothing(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    monkeypatch.setattr(sys, "stderr", Gone())
    to_stderr()(Progress())


class HoldsUp:
    """A pace that lets the second request begin after a wait: the rest of what ``Pace`` does does not matter."""

    limit = 5

    def __init__(self, *waits: float) -> None:
        self.waits = [*waits]

    def wait(self, in_flight: int) -> float:
        return self.waits.pop(0) if self.waits else 0.0

    def wants_limits(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return lambda *given: None


def test_what_runs_is_shown_at_once_and_each_second_though_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simstudio.batch.engine._REPORT_EVERY", 0.0)
    sender, told = FakeSender(echo), list[str]()
    running = "0/3 finished, 0 done, 0 failed; 2 of 2 running"

    def show(progress: Progress) -> None:
        told.append(str(progress))
        if told.count(running) == 3 and sender.gate is not None:
            sender.gate.set()

    async def run() -> None:
        sender.gate = asyncio.Event()
        await engine.run()

    engine = Engine(
        sender=sender, source=source_of(range(3), relayed=False), outbox=Box(), pace=FixedPace(2),  # type: ignore[arg-type]
        options=options_of(), total=3, on_progress=show, clock=lambda: 0.0,
    )  # fmt: skip
    asyncio.run(asyncio.wait_for(run(), 20))

    assert told.count(running) >= 3


def test_a_slow_source_of_inputs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simstudio.batch.engine._REPORT_EVERY", 0.0)
    told, seen = list[str](), asyncio.Event()

    async def slow() -> AsyncIterator[int]:
        yield 0
        await seen.wait()

    def show(progress: Progress) -> None:
        told.append(progress.held)
        if progress.finished and progress.held == "waiting for inputs":
            seen.set()

    engine = Engine(
        sender=FakeSender(echo), source=source_of(slow(), relayed=False), outbox=Box(), pace=FixedPace(2),  # type: ignore[arg-type]
        options=options_of(), on_progress=show, clock=lambda: 0.0,
    )  # fmt: skip
    asyncio.run(asyncio.wait_for(engine.run(), 20))

    assert "waiting for inputs" in told
    assert engine.progress.held == ""


def test_pauses_the_server_and_the_results_file_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simstudio.batch.engine._REPORT_EVERY", 0.0)
    steps = ["waiting for the server", "waiting to send 2 again", "writing the results"]
    told, seen = list[str](), {step: asyncio.Event() for step in steps}

    class Slow(FakeSender):
        async def prepare(self) -> None:
            await seen["waiting for the server"].wait()

    class SlowResults(FakeResults):
        def finish(self, *, complete: bool) -> Iterator[None]:
            while not seen["writing the results"].is_set():
                yield

    def fail_once(value: Any, count: int) -> Any:
        return sim.ServerError("failed", None, 500) if count == 1 else value

    def show(progress: Progress) -> None:
        told.append(progress.held)
        if progress.held in seen:
            seen[progress.held].set()
            if progress.held == "waiting to send 2 again":
                now[0] = 1000.0

    now = [0.0]
    engine = Engine(
        sender=Slow(fail_once), source=source_of(range(2), relayed=False), outbox=Box(), pace=FixedPace(2),  # type: ignore[arg-type]
        options=options_of(retries=1, backoff=Backoff(initial=100.0, maximum=100.0)), on_progress=show,
        results=SlowResults(), clock=lambda: now[0],  # type: ignore[arg-type]
    )  # fmt: skip
    asyncio.run(asyncio.wait_for(engine.run(), 20))

    assert [step for step in dict.fromkeys(told) if step] == steps
    assert engine.progress.done == 2


def test_an_error_of_the_function_ends_the_batch_between_items_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simstudio.batch.engine._REPORT_EVERY", 0.0)
    sender = FakeSender(echo)

    def show(progress: Progress) -> None:
        if progress.running and sender.gate is not None:
            sender.gate.set()
            raise KeyError("shown")

    async def run() -> None:
        sender.gate = asyncio.Event()
        await engine.run()

    engine = Engine(
        sender=sender, source=source_of(itertools.count(), relayed=False), outbox=Box(), pace=FixedPace(2),  # type: ignore[arg-type]
        options=options_of(), on_progress=show, clock=lambda: 0.0,
    )  # fmt: skip
    with pytest.raises(KeyError, match="shown"):
        asyncio.run(asyncio.wait_for(run(), 20))


def test_an_engine_tells_when_the_rate_limit_holds_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, float]] = []
    slept: list[float] = []

    async def sleep(self: Engine, seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0.001)

    monkeypatch.setattr(Engine, "_sleep", sleep)
    engine = Engine(
        sender=FakeSender(echo), source=source_of(range(3), relayed=False), outbox=Box(),
        pace=HoldsUp(0.0, 41.0, 40.0, math.inf), options=options_of(),  # type: ignore[arg-type]
        on_progress=lambda progress: told.append((progress.finished, progress.waiting)), clock=lambda: 0.0,
    )  # fmt: skip

    asyncio.run(engine.run())

    assert slept[0] == 41.0
    assert told[0] == (0, 41.0), "before anything is finished"
    assert [waiting for _, waiting in told].count(41.0) <= 2
    assert told[-1] == (3, 0.0)
    assert engine.progress.over
