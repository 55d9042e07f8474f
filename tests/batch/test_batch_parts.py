"""The parts of the coordinator, each alone: what an earlier run left to do, reading inputs, handing items over."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import math
import pkgutil
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, NoReturn, get_type_hints

import pytest
from fakes import Fake, options_of

import simstudio as sim
import simstudio.batch
from simstudio.batch.backlog import MOST_WEIGHT
from simstudio.batch.delivery import Delivery
from simstudio.batch.execution import Execution
from simstudio.batch.intake import Intake
from simstudio.batch.items import BatchItem
from simstudio.batch.ledger import Ledger, LedgerView
from simstudio.batch.progress import Progress
from simstudio.batch.records import Entry
from simstudio.batch.resumption import resumption
from simstudio.batch.sources import source_of
from simstudio.batch.summary import Summary
from simstudio.models.execution import WorkflowExecutionResult

MODULES = {each.name for each in pkgutil.walk_packages(simstudio.batch.__path__, "simstudio.batch.")}


EXECUTIONS = {
    "simstudio.resources.batch_execution",
    *(f"simstudio.services.{service}.execution" for service in ("oomol", "speedpix", "vectorvein")),
}


@pytest.mark.parametrize("module", sorted(MODULES | EXECUTIONS))
def test_classes_and_functions_tell_their_types(module: str) -> None:
    for name, public in vars(importlib.import_module(module)).items():
        is_own = getattr(public, "__module__", "") == module and not name.startswith("_")
        if is_own and (inspect.isclass(public) or inspect.isfunction(public)):
            get_type_hints(public)  # raises for a name that cannot be found


def test_the_methods_of_what_users_hold_tell_their_types() -> None:
    for kind in (sim.BatchInterrupted, Entry, Execution, Ledger, LedgerView, Progress, Summary):
        for method in filter(inspect.isfunction, vars(kind).values()):
            get_type_hints(method)


def entry(state: Any, **known: Any) -> Entry:
    told = {
        "index": 0,
        "key": "0",
        "fingerprint": "",
        "state": state,
        "run_id": None,
        "task_id": None,
        "execution_id": None,
        "input": None,
        "result": None,
        "error": None,
        "error_type": None,
        "attempts": 1,
        "elapsed": 0.0,
        "started_at": 0.0,
        "ended_at": None,
        "mode": "sync",
        "api_version": "v1",
    }
    return Entry(**{**told, **known})


V2 = {"run_id": "r1", "api_version": "v2"}
FORGOTTEN = {"task_id": "t1", "error": sim.NotFoundError("no such job", status=404)}


class TestResumption:
    """Of each state: what is left to do by default, and when the caller wants everything run again."""

    @pytest.mark.parametrize(
        ("known", "claims", "cautious", "eager"),
        [
            (entry("done"), False, "replay", "replay"),
            (entry("failed"), False, "replay", "send"),
            (entry("failed", **V2), True, "replay", "send"),
            (entry("submitted", task_id="t1"), False, "settle", "settle"),
            (entry("sending"), False, "report", "send"),
            (entry("unknown"), False, "replay", "send"),
            (entry("sending", **V2), True, "repeat", "repeat"),
            (entry("unknown", **V2), True, "repeat", "repeat"),
            (entry("sending", **V2), False, "report", "send"),
            (entry("unknown", run_id="an execution"), True, "replay", "send"),
            (entry("unknown", task_id="t1"), False, "settle", "settle"),
            (entry("unknown", **FORGOTTEN), False, "replay", "send"),
            (entry("unknown", **{**FORGOTTEN, **V2, "task_id": "r1"}), True, "repeat", "repeat"),
            (entry("unknown", **FORGOTTEN, **V2), True, "replay", "send"),
        ],
        ids=lambda value: f"{value.state} {value.api_version}" if isinstance(value, Entry) else str(value),
    )
    def test_what_is_left_to_do(self, known: Entry, claims: bool, cautious: str, eager: str) -> None:
        version = "v2" if claims else None
        assert resumption(known, options_of(), claims=version) == cautious
        assert resumption(known, options_of(on_unknown="rerun", on_failed="rerun"), claims=version) == eager


class Out:
    """Where items go."""

    def __init__(self, most: float = math.inf) -> None:
        self.items: list[BatchItem] = []
        self.most = most

    @property
    def full(self) -> bool:
        return len(self.items) >= self.most

    def put(self, item: BatchItem) -> None:
        self.items.append(item)

    @property
    def indexes(self) -> list[int]:
        return [item.index for item in self.items]


def never(coroutine: Coroutine[Any, Any, None]) -> NoReturn:
    raise AssertionError("nothing is to be awaited")


def delivery(
    out: Out, *, on_result: Any = None, on_progress: Any = None, spawn: Any = never, **options: Any
) -> Delivery:
    return Delivery(out, options_of(**options), Progress(), on_result=on_result, on_progress=on_progress, spawn=spawn)


def test_an_item_looks_short_whatever_it_holds() -> None:
    item = BatchItem(3, {"text": "x" * 9999}, error=sim.ExecutionError("y" * 9999), state="failed")

    assert repr(item).startswith("BatchItem(index=3, input={'text': 'xxx")
    assert len(repr(item)) < 300
    assert "<summary>" in item._repr_html_()


class TestDelivery:
    def test_an_early_item_waits_for_those_before_it(self) -> None:
        out = Out()
        made = delivery(out)
        seen = []
        for index in (2, 0, 3, 1):
            made.deliver(BatchItem(index, None))
            seen.append(list(out.indexes))
        assert seen == [[], [0], [0], [0, 1, 2, 3]]

    def test_out_of_order_nothing_waits(self) -> None:
        out = Out()
        made = delivery(out, ordered=False)
        for index in (2, 0, 1):
            made.deliver(BatchItem(index, None))
        assert out.indexes == [2, 0, 1]

    def test_there_is_room_up_to_the_window_and_until_the_consumer_is_behind(self) -> None:
        out = Out(most=2)
        made = delivery(out, window=3)
        assert [made.has_room(index) for index in (2, 3)] == [True, False]
        made.deliver(BatchItem(0, None))
        assert [made.has_room(index) for index in (3, 4)] == [True, False]
        made.deliver(BatchItem(1, None))
        assert not made.has_room(3)
        assert delivery(Out(), window=3, ordered=False).has_room(1_000_000)

    def test_what_is_early_may_weigh_so_much(self) -> None:
        heavy = WorkflowExecutionResult(True, "x" * (MOST_WEIGHT // 2))
        made = delivery(Out(), window=100)
        made.deliver(BatchItem(1, None, heavy))
        assert made.has_room(3)
        made.deliver(BatchItem(2, None, heavy))
        assert not made.has_room(3)
        made.deliver(BatchItem(0, None))
        assert made.has_room(3)

    def test_what_waits_for_what_never_comes_is_flushed(self) -> None:
        out = Out()
        made = delivery(out)
        for index in (5, 3):
            made.deliver(BatchItem(index, None))
        made.flush()
        made.flush()
        assert out.indexes == [3, 5]

    @pytest.mark.parametrize("told", ["on_result", "on_progress"])
    def test_what_a_function_raises_comes_after_the_item(self, told: str) -> None:
        def fail(_: Any) -> None:
            raise KeyError(told)

        out = Out()
        with pytest.raises(KeyError, match=told):
            delivery(out, **{told: fail}).deliver(BatchItem(0, None))
        assert out.indexes == [0]

    def test_the_first_without_a_result_is_the_last_if_wanted(self) -> None:
        out = Out()
        item = BatchItem(0, None, error=sim.ExecutionError("Boom"), state="failed")
        with pytest.raises(sim.ExecutionError, match="Boom"):
            delivery(out, stop_on_error=True).deliver(item)
        assert out.items == [item]
        delivery(out).deliver(item)

    def test_what_a_function_returns_to_be_awaited_is_spawned(self) -> None:
        async def tell(item: BatchItem) -> None:
            told.append(item.index)

        told: list[int] = []
        spawned: list[asyncio.Task[None]] = []

        def spawn(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            spawned.append(asyncio.get_running_loop().create_task(coroutine))
            return spawned[0]

        async def run() -> None:
            delivery(Out(), on_result=tell, spawn=spawn).deliver(BatchItem(7, None))
            await spawned[0]

        asyncio.run(run())
        assert told == [7]


def intake(source: Iterator[Any] | AsyncIterator[Any], out: Out, wake: Any = lambda: None, **options: Any) -> Intake:
    given = options_of(**options)
    made = Delivery(out, given, Progress(), spawn=never)
    return Intake(source_of(source, relayed=False), given, made, ledger=None, execution=Fake().execution, wake=wake)


class TestIntake:
    def test_inputs_come_one_by_one_with_their_place(self) -> None:
        made = intake(iter("ab"), Out())
        found = [made.next(99), made.next(99)]
        assert [(work.prepared.index, work.prepared.input) for work in found if work] == [(0, "a"), (1, "b")]
        assert not made.exhausted
        assert made.next(99) is None
        assert (made.exhausted, made.count) == (True, 2)

    def test_what_is_no_json_is_delivered_from_here(self) -> None:
        out = Out()
        work = intake(iter([{1}, object(), 5]), out).next(99)
        assert work is not None
        assert work.prepared.index == 2
        assert [(item.index, item.state) for item in out.items] == [(0, "failed"), (1, "failed")]

    def test_no_more_are_read_than_wanted_at_once(self) -> None:
        out = Out()
        made = intake(iter([{1}] * 9), out)
        assert made.next(5) is None
        assert (made.count, len(out.items), made.exhausted) == (5, 5, False)

    def test_none_is_read_without_room_nor_after_it_was_stopped(self) -> None:
        made = intake(iter(range(9)), Out(), window=2)
        assert [made.next(99) is None for _ in range(3)] == [False, False, True]
        assert made.count == 2
        stopped = intake(iter(range(9)), Out())
        stopped.stop()
        assert stopped.next(99) is None
        assert (stopped.count, stopped.exhausted) == (0, False)

    def test_what_the_iterable_raises_comes_out(self) -> None:
        def broken() -> Iterator[int]:
            yield 1
            raise LookupError("no more rows")

        made = intake(broken(), Out())
        assert made.next(99) is not None
        with pytest.raises(LookupError, match="no more rows"):
            made.next(99)

    async def test_an_asynchronous_one_wakes_when_it_has_one(self) -> None:
        gate, awake = asyncio.Event(), asyncio.Event()

        async def numbers() -> AsyncIterator[int]:
            await gate.wait()
            yield 7
            raise LookupError("no more rows")

        made = intake(numbers().__aiter__(), Out(), awake.set)
        assert made.next(99) is None
        gate.set()
        await awake.wait()
        work = made.next(99)
        assert work is not None
        assert work.prepared.input == 7
        awake.clear()
        assert made.next(99) is None
        await awake.wait()
        with pytest.raises(LookupError, match="no more rows"):
            made.next(99)

    async def test_an_asynchronous_one_ends(self) -> None:
        awake = asyncio.Event()

        async def nothing() -> AsyncIterator[int]:
            for n in ():
                yield n

        made = intake(nothing().__aiter__(), Out(), awake.set)
        assert made.next(99) is None
        await awake.wait()
        assert made.next(99) is None
        assert made.exhausted

    async def test_it_does_not_wait_for_an_input_that_nobody_wants_any_more(self) -> None:
        cancelled: list[bool] = []

        async def late() -> AsyncIterator[int]:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(True)
            yield 1

        made = intake(late().__aiter__(), Out())
        assert made.next(99) is None
        await asyncio.sleep(0)
        await made.aclose()
        assert cancelled == [True]
