"""What a batch does about failures: how many it bears, what it runs again, and where it writes the inputs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import json
import math
import os
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fakes import options_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_batch_engine import Box, FakeSender, FixedPace, echo, opened, play

import simstudio as sim
from simstudio import Credits, Dollars
from simstudio.batch.engine import Engine
from simstudio.batch.execution import Price
from simstudio.batch.inputs import read
from simstudio.batch.items import BatchItem, Examiner, Prepared, prepare
from simstudio.batch.ledger import Counts, Intent
from simstudio.batch.option import Target
from simstudio.batch.rows import BadRow, RowMap
from simstudio.batch.sources import source_of
from simstudio.errors import BudgetError, JobCancelledError, TooManyFailuresError
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.sandbox import Context, Sandbox
from simstudio.services.oomol import OomolConnectClient
from simstudio.transport.retry import Backoff
from tests.properties import examples

FAILED = sim.ExecutionError("it failed")


def failing(*values: Any) -> FakeSender:
    return FakeSender(lambda value, _: sim.ExecutionError(f"no {value}") if value in values else value)


def engine_of(sender: FakeSender, inputs: Any, **options: Any) -> Engine:
    return Engine(
        sender=sender, source=source_of(inputs, relayed=False), outbox=Box(), pace=FixedPace(),  # type: ignore[arg-type]
        options=options_of(**options),
    )  # fmt: skip


def rows_of(path: Path) -> list[Any]:
    found: Any = read(path)
    return list(found)


class TestMaxFailures:
    def test_one_more_than_a_number_ends_the_batch_with_the_last_error(self) -> None:
        box, sender = Box(), failing(3, 5, 7)
        with pytest.raises(TooManyFailuresError, match=r"3 of 8 items .* at most 2 may.* last error: no 7") as caught:
            play(sender, range(1000), max_failures=2, pace=FixedPace(1), box=box)
        assert isinstance(caught.value.__cause__, sim.ExecutionError)
        assert [item.index for item in box.items] == list(range(8))

    def test_as_many_as_that_do_not(self) -> None:
        items, _ = play(failing(3, 5), range(100), max_failures=2)
        assert [item.index for item in items if not item.ok] == [3, 5]

    @pytest.mark.parametrize(("share", "failed", "ends"), [(0.1, 2, 50), (0.1, 3, 20), (0.5, 10, 50), (0.04, 2, 25)])
    def test_a_share_is_looked_at_once_enough_items_have_ended(self, share: float, failed: int, ends: int) -> None:
        box = Box()
        with contextlib.suppress(TooManyFailuresError):
            play(failing(*range(failed)), range(50), max_failures=share, pace=FixedPace(1), box=box)
        assert len(box.items) == ends

    def test_of_fewer_inputs_than_that_all_count(self) -> None:
        with pytest.raises(TooManyFailuresError, match=r"3 of 4 items .* at most 50 % of them may"):
            play(failing(1, 2, 3), range(4), max_failures=0.5, total=4, pace=FixedPace(1))

    def test_failures_of_earlier_runs_do_not_count(self, tmp_path: Path) -> None:
        play(failing(0, 1, 2), range(5), ledger=opened(tmp_path))
        items, _ = play(failing(3), range(5), ledger=opened(tmp_path), max_failures=0)
        assert [item.state for item in items] == ["failed"] * 3 + ["done"] * 2

    @given(st.lists(st.booleans(), max_size=60), st.integers(0, 5))
    def test_a_batch_ends_with_one_failure_more_than_it_bears(self, outcomes: list[bool], most: int) -> None:
        box = Box()
        sender = FakeSender(lambda value, _: value if outcomes[value] else sim.ExecutionError("no"))
        try:
            play(sender, range(len(outcomes)), max_failures=most, pace=FixedPace(1), box=box)
        except TooManyFailuresError:
            assert sum(not item.ok for item in box.items) == most + 1
            assert not box.items[-1].ok
        else:
            assert [item.ok for item in box.items] == outcomes
            assert outcomes.count(False) <= most


class TestRetries:
    def test_what_failed_is_run_again_so_often(self) -> None:
        sender = FakeSender(lambda value, sent: value if sent > value else sim.ExecutionError("no"))
        items, _ = play(sender, range(5), retries=2)
        assert [(item.ok, item.attempts) for item in items] == [(True, 1), (True, 2), (True, 3), (False, 3), (False, 3)]

    @pytest.mark.parametrize(
        ("error", "sent"),
        [
            (FAILED, 3),
            (sim.ServerError("no", status=500), 3),
            (sim.InvalidRequestError("no", status=400), 1),
            (JobCancelledError("no"), 1),
            (sim.ExecutionError("no", result=WorkflowExecutionResult(False, None, status="cancelled")), 1),
        ],
    )
    def test_only_what_may_succeed_then(self, error: sim.SimStudioError, sent: int) -> None:
        sender = FakeSender(lambda value, _: error if value else value)
        items, _ = play(sender, range(2), retries=2)
        assert (items[1].state, sender.sent.count(1)) == ("failed", sent)

    def test_each_time_under_a_claim_of_its_own(self, tmp_path: Path) -> None:
        """Under the first, the service would answer with the run that failed."""
        sender = FakeSender(lambda value, sent: value if sent == 3 else sim.ExecutionError("no"), claims=True)
        ledger = opened(tmp_path, api_version="v2")
        items, _ = play(sender, range(1), retries=2, ledger=ledger, keep=True)
        assert (items[0].ok, len(set(sender.run_ids))) == (True, 3)
        assert ledger.counts() == Counts(done=1)
        ledger.close()

    def test_what_was_lost_on_the_way_is_repeated_as_often_as_without_them(self) -> None:
        lost = sim.APIConnectionError("gone")

        def answer(value: int, sent: int) -> Any:
            return [FAILED, lost, lost, value][sent - 1] if value else value

        items, _ = play(FakeSender(answer, claims=True), range(2), retries=1, max_retries=2, pace=FixedPace(1))
        assert (items[1].ok, items[1].attempts) == (True, 4)

    def test_a_batch_that_ends_meanwhile_gives_the_failure(self) -> None:
        box = Box()
        sender = FakeSender(lambda value, _: sim.AuthenticationError("key", status=401) if value else FAILED)
        with pytest.raises(sim.AuthenticationError):
            play(sender, range(9), retries=99, pace=FixedPace(1), box=box)
        assert [(item.index, item.state) for item in box.items] == [(0, "failed")]


class TestDeadLetters:
    def test_what_failed_is_written_with_its_error_and_can_be_read_as_inputs(self, tmp_path: Path) -> None:
        path = tmp_path / "failed.jsonl"
        play(failing(3, 5), range(8), dead_letters=path)
        first, second = map(json.loads, path.read_text().splitlines())
        assert (first["input"], second["input"]) == (3, 5)
        assert first["dead_letter"]["error"] == {"type": "ExecutionError", "message": "no 3", "code": "EXECUTION_ERROR"}
        items, _ = play(FakeSender(echo), rows_of(path), dead_letters=path)
        assert [(item.output, item.key) for item in items] == [(3, "3"), (5, "5")]
        assert path.read_text() == "", "nothing failed"

    def test_one_whose_report_fails_is_written(self, tmp_path: Path) -> None:
        path = tmp_path / "failed.jsonl"

        def report(item: BatchItem) -> None:
            raise ValueError("a bug of the caller")

        with pytest.raises(ValueError, match="a bug"):
            play(failing(0), range(1), dead_letters=path, on_result=report)
        assert json.loads(path.read_text())["input"] == 0

    def test_a_row_is_no_more_made_an_input_of_than_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "failed.jsonl"
        options = {"input": lambda row: {"n": row["a"]}, "key": "a"}
        play(FakeSender(lambda *_: FAILED), [{"a": 1}], dead_letters=path, **options)
        items, _ = play(FakeSender(echo), rows_of(path), **options)
        assert [(item.input, item.key) for item in items] == [({"n": 1}, "1")]

    @pytest.mark.parametrize(
        ("row", "line"),
        [
            (BadRow('{"n":', sim.InvalidInputError("line 1: not JSON.")), '{"n":'),
            ({"b": 1}, '{"b":1}'),
            ({"a": {1}}, "{'a': {1}}"),
        ],
    )
    def test_what_could_not_be_sent_is_a_line_to_mend(self, tmp_path: Path, row: Any, line: str) -> None:
        path = tmp_path / "failed.jsonl"
        play(FakeSender(echo), [row], dead_letters=path, columns=["a"])
        written = json.loads(path.read_text())
        assert (written["line"], "input" in written) == (line, False)
        examine = Examiner(rows=RowMap(["a"]))
        [still] = rows_of(path)
        assert isinstance(examine(still).found, BatchItem)
        path.write_text(json.dumps({**written, "line": '{"a": 2}'}))
        [mended] = rows_of(path)
        found = examine(mended).found
        assert isinstance(found, Prepared)
        assert found.input == {"a": 2}

    def test_those_that_an_earlier_run_found_are_in_it_too(self, tmp_path: Path) -> None:
        path = tmp_path / "failed.jsonl"
        play(failing(1, 2), range(3), ledger=opened(tmp_path))
        play(failing(3), range(4), ledger=opened(tmp_path), dead_letters=path)
        assert [json.loads(line)["input"] for line in path.read_text().splitlines()] == [1, 2, 3]

    def test_a_batch_of_which_nothing_ended_leaves_the_file_of_an_earlier_one(self, tmp_path: Path) -> None:
        path = tmp_path / "failed.jsonl"
        path.write_text("kept")
        with pytest.raises(sim.AuthenticationError):
            play(FakeSender(lambda *_: sim.AuthenticationError("key", status=401)), range(3), dead_letters=path)
        assert path.read_text() == "kept"

    def test_the_file_holds_whole_lines_when_there_is_no_more_room(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "failed.jsonl"
        room = 200

        def write(fd: int, data: Any) -> int:
            nonlocal room
            room, given = max(0, room - len(data)), data[:room]
            if not given:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(fd, given)

        real = os.write
        monkeypatch.setattr(os, "write", write)
        with pytest.raises(sim.ResultsError, match="No space left on device"):
            play(failing(0, 1, 2), range(3), dead_letters=path, pace=FixedPace(1))
        assert [json.loads(line)["input"] for line in path.read_text().splitlines()] == [0]

    def test_messages_are_in_the_words_of_the_caller(self, tmp_path: Path) -> None:
        path = tmp_path / "failed.jsonl"
        play(failing(1), range(2), dead_letters=Target(os.fspath(path), str.upper))
        assert json.loads(path.read_text())["dead_letter"]["error"]["message"] == "NO 1"

    def test_one_that_cannot_be_written_ends_the_batch(self, tmp_path: Path) -> None:
        box = Box()
        with pytest.raises(sim.ResultsError, match=r"The dead letters cannot be written to .*: Is a directory"):
            play(failing(1), range(3), dead_letters=tmp_path, pace=FixedPace(1), box=box)
        assert [item.index for item in box.items] == [0, 1]


class TestDedup:
    def test_equal_inputs_run_once_and_all_have_the_answer(self) -> None:
        sender = FakeSender(lambda value, _: {"twice": 2 * value["n"]})
        items, engine = play(sender, [{"n": n % 3} for n in range(9)], dedup=True)
        assert sorted(value["n"] for value in sender.sent) == [0, 1, 2]
        assert [(item.index, item.output["twice"], item.duplicate) for item in items] == [
            (n, 2 * (n % 3), n > 2) for n in range(9)
        ]
        assert [item.attempts for item in items] == [1] * 3 + [0] * 6
        assert engine.progress.duplicates == 6

    def test_those_that_come_while_the_first_is_under_way_wait_for_it(self) -> None:
        sender = FakeSender(lambda value, sent: value if sent > 2 else FAILED)
        items, _ = play(sender, [1, 1, 1], dedup=True, retries=2)
        assert (sender.sent, [item.ok for item in items]) == ([1, 1, 1], [True] * 3)

    def test_a_failure_is_that_of_all(self) -> None:
        items, _ = play(failing(1), [1, 1, 2, 1], dedup=True, pace=FixedPace(1))
        assert [str(item.error) for item in items] == ["no 1", "no 1", "None", "no 1"]

    @pytest.mark.parametrize("claim", [None, "claim-0"])
    def test_of_those_that_an_earlier_run_sent_the_outcome_is_waited_for(
        self, tmp_path: Path, claim: str | None
    ) -> None:
        sender = FakeSender(echo, claims=claim is not None)
        version = "v1" if claim is None else "v2"
        with opened(tmp_path, api_version=version) as ledger:
            ledger.intend([Intent(prepare(0, 7), claim)])
            if claim is None:
                ledger.mark_submitted("0", "job-7", None)
        items, _ = play(sender, [7, 7, 7], ledger=opened(tmp_path, api_version=version), dedup=True)
        assert (sender.sent, sender.settled) == (([], ["job-7"]) if claim is None else ([7], []))
        assert [(item.output, item.duplicate) for item in items] == [(7, False), (7, True), (7, True)]

    def test_no_more_than_a_window_waits_for_one(self) -> None:
        read = itertools.count()
        sender = FakeSender(echo)
        sender.gate = asyncio.Event()
        inputs = (next(read) * 0 for _ in range(500))

        async def run() -> None:
            engine = engine_of(sender, inputs, ordered=False, dedup=True, window=20)
            task = asyncio.ensure_future(engine.run())
            for _ in range(50):
                await asyncio.sleep(0)
            assert next(read) <= 22
            assert sender.gate is not None
            sender.gate.set()
            await task
            assert engine.progress.duplicates == 499

        asyncio.run(run())

    @settings(max_examples=examples(12), deadline=None)
    @given(
        st.lists(st.integers(0, 4), max_size=25),
        st.sets(st.integers(0, 4)),
        st.integers(1, 5),
        st.booleans(),
        st.booleans(),
        st.integers(0, 25),
    )
    def test_whatever_the_order_each_runs_once_over_all_runs(
        self, values: list[int], bad: set[int], limit: int, ordered: bool, keep: bool, dies: int
    ) -> None:
        """Also when a run ends early, and the next goes on with its ledger."""
        executed: list[int] = []

        def answer(value: int, _: int) -> Any:
            if len(executed) == dies and not keep:
                return sim.AuthenticationError("key", status=401)
            executed.append(value)
            return sim.ExecutionError(f"no {value}") if value in bad else value

        with tempfile.TemporaryDirectory() as folder:
            options: dict[str, Any] = {"dedup": True, "ordered": ordered}
            with contextlib.suppress(sim.AuthenticationError):
                play(FakeSender(answer), values, ledger=opened(Path(folder)), pace=FixedPace(limit), **options)
            keep = True
            items, _ = play(FakeSender(answer), values, ledger=opened(Path(folder)), pace=FixedPace(limit), **options)
        assert sorted(executed) == sorted(set(values))
        assert sorted((item.index, item.input) for item in items) == list(enumerate(values))
        assert all(item.ok == (item.input not in bad) for item in items)
        assert all(item.output == item.input for item in items if item.ok)


class Priced(FakeSender):
    """Each run costs what the input says; ``None`` is not told."""

    def __init__(self, answer: Any = None) -> None:
        super().__init__(answer or (lambda value, _: WorkflowExecutionResult(True, value, execution_id=str(value))))
        self.asked: list[str] = []

    async def price(self, run_id: str) -> Price | None:
        self.asked.append(run_id)
        await asyncio.sleep(0)
        return None if run_id == "None" else Price(float(run_id), 200 * float(run_id))


async def one_dollar(run_id: str) -> Price | None:
    return Price(1.0, 200.0)


async def failing_price(run_id: str) -> Price | None:
    raise sim.APIConnectionError("no way")


class TestBudget:
    def test_a_batch_ends_before_it_costs_more(self) -> None:
        box, sender = Box(), Priced()
        with pytest.raises(BudgetError, match=r"of \$1\.00 does not suffice .*: 3 cost \$0\.90, and .* \$0\.30"):
            play(sender, [0.3] * 100, budget=Dollars(1), box=box)
        assert [item.cost for item in box.items] == [Dollars(Decimal("0.3"))] * 3
        assert len(sender.sent) == 3

    def test_what_costs_nothing_or_is_not_limited_is_only_counted(self) -> None:
        items, engine = play(Priced(), [0.0] * 30, budget=Dollars(0))
        assert len(items) == 30
        items, engine = play(Priced(), [0.01] * 30, budget=Credits(math.inf))
        assert (engine.progress.cost, items[0].cost) == (Credits(Decimal(60)), Credits(Decimal(2)))
        assert "30 finished, 30 done, 0 failed" in str(engine.progress)
        assert "60 credits" in str(engine.progress)

    def test_the_first_runs_alone_and_then_as_many_as_the_budget_bears(self) -> None:
        sender = Priced()
        with pytest.raises(BudgetError):
            play(sender, [1.0] * 50, budget=Dollars(9), pace=FixedPace(50))
        assert 1 < sender.most <= 8
        assert len(sender.sent) == 9

    @pytest.mark.parametrize(("prices", "most"), [([0.0], 10), ([0.5], 11), ([1.0, 1.0, 2.0], 19)])
    def test_few_run_while_few_prices_are_known(self, prices: list[float], most: int) -> None:
        """The first items may be cheap by chance."""
        box = Box()
        with pytest.raises(BudgetError):
            play(Priced(), [*prices, *[5.0] * 50], budget=Dollars(10), pace=FixedPace(50), box=box)
        assert sum(item.input for item in box.items) <= most

    @pytest.mark.parametrize("value", [None, "unpriced"])
    def test_a_service_that_says_no_prices_ends_it_after_the_first(self, value: Any) -> None:
        box = Box()
        sender = Priced(lambda *_: WorkflowExecutionResult(True, 1, execution_id=None if value is None else "None"))
        with pytest.raises(BudgetError, match="The service does not say it in dollars"):
            play(sender, range(9), budget=Dollars(1), box=box)
        assert [(item.index, item.ok) for item in box.items] == [(0, True)]

    def test_a_price_that_cannot_be_asked_for_is_the_reason(self) -> None:
        sender = Priced()
        setattr(sender, "price", failing_price)  # noqa: B010
        with pytest.raises(BudgetError, match="The service could not be asked: no way") as caught:
            play(sender, [1.0], budget=Dollars(1))
        assert isinstance(caught.value.__cause__, sim.APIConnectionError)

    def test_what_ran_without_a_price_counts_as_the_dearest(self) -> None:
        _, engine = play(Priced(), [2.0, 1.0, None, 1.0], budget=Dollars(99))
        assert engine.progress.cost == Dollars(6)

    def test_what_failed_counts_each_time_that_it_ran(self) -> None:
        failure = sim.ExecutionError("no", result=WorkflowExecutionResult(False, None, execution_id="3"))
        sender = Priced(lambda *_: failure)
        items, engine = play(sender, range(1), budget=Dollars(99), retries=2)
        assert (items[0].attempts, items[0].cost, engine.progress.cost) == (3, Dollars(9), Dollars(9))

    def test_what_did_not_run_costs_nothing(self) -> None:
        refused = sim.RateLimitError("slow", status=429)

        def answer(value: float, sent: int) -> Any:
            return refused if sent < 3 else WorkflowExecutionResult(True, value, execution_id=str(value))

        items, engine = play(Priced(answer), [0.5, 0.25], budget=Dollars(1))
        assert [item.attempts for item in items] == [3, 3]
        assert engine.progress.cost == Dollars(Decimal("0.75"))

    def test_a_queued_item_that_is_asked_for_again_after_a_pause_does_not_hold_up_the_batch(self) -> None:
        """It counts as running, so that nothing else has room, and no task is left whose end would wake the batch."""
        lost = [sim.APIConnectionError("lost", sent=True)]
        sender = Priced(lambda value, _: lost.pop() if value == 2 and lost else WorkflowExecutionResult(True, 1))
        sender.queue = True
        setattr(sender, "price", one_dollar)  # noqa: B010
        backoff = Backoff(initial=0.001, jitter=0.0)
        engine = engine_of(sender, [1, 2, 3], budget=Dollars(2.5), backoff=backoff)

        with pytest.raises(BudgetError):
            asyncio.run(asyncio.wait_for(engine.run(), 20))

        assert (engine.progress.done, sender.sent, sender.settled) == (2, [1, 2], ["job-2"])

    def test_an_equal_input_costs_nothing(self) -> None:
        items, engine = play(Priced(), [0.5] * 9, budget=Dollars(1), dedup=True)
        assert engine.progress.cost == Dollars(Decimal("0.5"))
        assert sorted(str(item.cost) for item in items) == ["$0.50", *["None"] * 8]

    @settings(max_examples=examples(40))
    @given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(0, 60), st.integers(1, 9), st.booleans())
    def test_whatever_the_prices_it_ends_within_one_item_of_its_budget(
        self, prices: list[int], most: int, limit: int, ordered: bool
    ) -> None:
        box, sender = Box(), Priced()
        pace = FixedPace(limit)
        try:
            play(sender, prices, budget=Dollars(most), box=box, pace=pace, ordered=ordered)
        except BudgetError:
            assert len(box.items) < len(prices)
            spent = sum(item.input for item in box.items)
            dearest = max(item.input for item in box.items)
            assert spent + dearest > most, "another might have begun"
        assert len(box.items) == len(sender.sent) == len(sender.asked)
        # Each that began did so within the budget, by what was known of prices then.
        spent = sum(item.input for item in box.items)
        assert spent <= most + limit * max(prices)
        if len(set(prices)) == 1 and most >= prices[0]:
            assert spent <= most

    @pytest.mark.parametrize(("version", "mode"), [("v1", "sync"), ("v1", "async"), ("v2", "stream")])
    def test_sim_says_what_a_run_cost(self, version: Any, mode: Any) -> None:
        sandbox = Sandbox()

        @sandbox.workflow("paid")
        def paid(input: dict[str, Any], context: Context) -> dict[str, Any]:
            with context.step("Agent", "agent", model="m", cost=0.01 * input["n"]):
                return {"n": input["n"]}

        with sandbox.serve() as server, server.client(api_version=version) as client:
            inputs = [{"n": n} for n in (1, 2, 9, 1)]
            with pytest.raises(BudgetError, match="2 cost 6 credits"):
                client.workflows.map("paid", inputs, mode=mode, budget=Credits(5)).run()
            with client.workflows.map("paid", [{"n": 1}], mode=mode, budget=Dollars(5)) as batch:
                [item] = batch
        assert item.cost == Dollars(Decimal("0.01"))
        assert item.to_dict()["cost"] == {"dollars": 0.01}
        assert str(batch.summary()).endswith("cost: $0.01")

    def test_a_service_that_says_no_prices_is_refused_at_the_call(self) -> None:
        client = OomolConnectClient("https://oomol.example.com", "token")
        with pytest.raises(sim.InvalidInputError, match="A budget needs a service that says what"):
            client.tasks.map("package::block", [{}], budget=Dollars(5))
