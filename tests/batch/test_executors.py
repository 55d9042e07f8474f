"""Batches over executors: threads, processes, and whatever else is a ``concurrent.futures.Executor``."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import httpx
import pytest
from fakes import Fake

import simstudio as sim
from simstudio.batch.executors import Elsewhere, portable
from simstudio.batch.ledger import status
from simstudio.batch.pace import Pace
from simstudio.batch.workers import WORKER_LOST, Keep, Outcome, Task, clients, run
from simstudio.models.execution import WorkflowExecutionResult
from tests.batch.elsewhere import PATIENCE, Again, Works, inputs, pool, until, working
from tests.driving import context_of

# a pool that forks beside threads is what its user asked for
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

POOLS = ["threads", "spawn", "fork"]
VERSIONS = ["v1", "v2"]


@pytest.fixture
def works() -> Iterator[Works]:
    with working() as made:
        yield made


@pytest.fixture(scope="module")
def pools() -> Iterator[dict[str, Executor]]:
    """Pools that are made once: a process takes a second to start."""
    made = {kind: pool(kind) for kind in POOLS}
    yield made
    for executor in made.values():
        executor.shutdown()


class TestAnyPool:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("kind", POOLS)
    def test_everything_is_executed_once_and_given_in_order(
        self, works: Works, pools: dict[str, Executor], kind: str, version: str
    ) -> None:
        with works.client(version=version) as client:
            items = list(client.workflows.map("work", inputs(12), executor=pools[kind]))
        assert [item.output for item in items] == [{"n": 2 * n} for n in range(12)]
        assert (works.most, len(works.counts)) == (1, 12)
        assert (set(works.senders()) == {os.getpid()}) is (kind == "threads")

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("kind", POOLS)
    async def test_of_the_async_client_too(
        self, works: Works, pools: dict[str, Executor], kind: str, version: str
    ) -> None:
        async with works.async_client(version=version) as client:
            items = [item async for item in client.workflows.map("work", inputs(12), executor=pools[kind])]
        assert [item.output for item in items] == [{"n": 2 * n} for n in range(12)]
        assert (works.most, len(works.counts)) == (1, 12)
        assert (set(works.senders()) == {os.getpid()}) is (kind == "threads")

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", ["async", "stream"])
    def test_in_every_mode(self, works: Works, pools: dict[str, Executor], mode: Any, version: str) -> None:
        with works.client(version=version) as client:
            items = list(client.workflows.map("work", inputs(4), executor=pools["fork"], mode=mode))
        assert [item.output for item in items] == [{"n": 2 * n} for n in range(4)]
        assert (works.most, len(works.counts)) == (1, 4)

    @pytest.mark.parametrize("kind", POOLS)
    def test_what_fails_there_fails_here_with_all_that_is_known(
        self, works: Works, pools: dict[str, Executor], kind: str
    ) -> None:
        with works.client() as client:
            good, bad = client.workflows.map("work", [{"n": 1}, {"n": -1}], executor=pools[kind])
        assert good.ok
        assert isinstance(bad.error, sim.ExecutionError)
        assert (bad.state, bad.error.status, bad.error.code) == ("failed", 500, "EXECUTION_ERROR")
        assert bad.error.result is not None
        assert "-1 is too little" in str(bad.error)

    def test_a_clone_of_a_client_is_what_works_there(self, works: Works, pools: dict[str, Executor]) -> None:
        with works.client() as client:
            clone = client.with_options(headers={"X-Clone": "yes"})
            list(clone.workflows.map("work", inputs(2), executor=pools["fork"]))
        sent = [request for request in works.sandbox.requests if request.path.endswith("/work/execute")]
        assert [request.headers["x-clone"] for request in sent] == ["yes", "yes"]

    def test_files_are_read_here(self, works: Works, pools: dict[str, Executor], tmp_path: Path) -> None:
        letter = tmp_path / "letter.txt"
        letter.write_bytes(b"Dear Ada")
        moved = portable({"n": 1, "letter": letter, "rest": [(letter,)]})
        letter.unlink()
        assert (moved["letter"].read(), moved["letter"].name) == (b"Dear Ada", "letter.txt")
        assert moved["rest"][0][0].mime == "text/plain"
        assert pickle.loads(pickle.dumps(moved))["letter"].read() == b"Dear Ada"

    def test_an_executor_is_left_open(self, works: Works) -> None:
        with works.client() as client, ThreadPoolExecutor(1) as executor:
            list(client.workflows.map("work", inputs(2), executor=executor))
            assert executor.submit(int, "7").result() == 7

    def test_the_ledger_is_the_coordinators(self, works: Works, pools: dict[str, Executor], tmp_path: Path) -> None:
        path = tmp_path / "runs.sqlite"
        with works.client() as client:
            list(client.workflows.map("work", inputs(3), executor=pools["spawn"], ledger=path))
            items = list(client.workflows.map("work", inputs(5), executor=pools["spawn"], ledger=path))
        assert [item.replayed for item in items] == [True, True, True, False, False]
        assert (works.most, status(path).done) == (1, 5)

    def test_a_receipt_is_in_the_ledger_before_its_run_is_over(
        self, works: Works, pools: dict[str, Executor], tmp_path: Path
    ) -> None:
        path = tmp_path / "runs.sqlite"
        works.held = {0, 1, 2, 3}
        with works.client() as client:
            batch = client.workflows.map("work", inputs(4), executor=pools["fork"], mode="async", ledger=path)
            consumer = threading.Thread(target=batch.run)
            consumer.start()
            until(lambda: path.exists() and status(path).submitted == 4, "four receipts of two workers")
            works.gate.set()
            consumer.join(PATIENCE)
        assert status(path).done == 4

    def test_two_tasks_a_worker_are_under_way_unless_more_are_wanted(self, works: Works) -> None:
        with works.client() as client, ThreadPoolExecutor(3) as executor:
            assert elsewhere(client, executor).slots == 6
            batch = client.workflows.map("work", inputs(40), executor=executor)
            most = max(batch.progress.running for _ in batch)
        assert most <= 6


class TestWhatIsSent:
    def test_a_task_shows_no_secret(self, works: Works) -> None:
        executor = Again()
        with works.client() as client:
            list(client.workflows.map("work", inputs(1), executor=executor, on_unknown="rerun"))
        (task,) = executor.tasks
        assert works.sandbox.api_key not in repr(task)
        secret = Task("name", task.make, None, task.recipe, task.value, "redis://:hunter2@host/0")
        assert "hunter2" not in repr(secret)
        executor.shutdown()

    @pytest.mark.parametrize("pickler", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
    def test_a_task_and_its_outcome_pickle(self, works: Works, pickler: Any) -> None:
        executor = Again(lambda run, task: pickler.loads(pickler.dumps(run))(pickler.loads(pickler.dumps(task))))
        with works.client() as client:
            items = list(client.workflows.map("work", [{"n": 3}, {"n": -1}], executor=executor, on_unknown="rerun"))
        assert [item.state for item in items] == ["done", "failed"]
        executor.shutdown()

    def test_what_workers_hear_of_the_rate_limit_is_told_here(
        self, works: Works, pools: dict[str, Executor], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard: list[tuple[int, int]] = []
        monkeypatch.setattr(Pace, "hint", lambda pace, limit, remaining, reset: heard.append((limit, remaining)))
        with works.client(version="v2") as client:
            list(client.workflows.map("work", inputs(3), executor=pools["spawn"]))
        assert len(heard) == 3
        assert {limit for limit, _ in heard} == {heard[0][0]}

    def test_two_tasks_are_never_the_same_to_dask(self, works: Works) -> None:
        executor = Again()
        with works.client() as client:
            list(client.workflows.map("work", [{"n": 1}, {"n": 1}], executor=executor, on_unknown="rerun"))
        first, second = executor.tasks
        assert first.__dask_tokenize__() != second.__dask_tokenize__()
        executor.shutdown()

    def test_an_error_that_does_not_pickle_is_told_all_the_same(self) -> None:
        class Odd(sim.SimStudioError):
            def __reduce__(self) -> Any:
                raise TypeError("never")

        outcome = pickle.loads(Outcome(error=Odd("It rained.")).pack())
        assert isinstance(outcome.error, sim.APIConnectionError)
        assert "It rained." in str(outcome.error)
        assert outcome.error.sent

    def test_a_bug_in_a_middleware_there_is_its_items_failure(self, works: Works, pools: dict[str, Executor]) -> None:
        with works.server.client(middleware=[broken]) as client:
            (item,) = client.workflows.map("work", inputs(1), executor=pools["fork"])
        assert item.state == "failed"
        assert "KeyError" in str(item.error)

    def test_a_new_key_is_used_from_then_on(self, works: Works, pools: dict[str, Executor]) -> None:
        with works.client() as client:
            right = client.api_key
            client.set_api_key("sk-sim-wrong")
            with pytest.raises(sim.AuthenticationError):
                list(client.workflows.map("work", inputs(1), executor=pools["spawn"]))
            client.set_api_key(str(right))
            (item,) = client.workflows.map("work", inputs(1), executor=pools["spawn"])
        assert item.ok


def broken(request: Any, call_next: Any) -> Any:
    """A middleware with a bug, where executions are concerned."""
    if request.method == "POST":
        raise KeyError("x")
    return (yield from call_next(request))


class TestWhatCannotBe:
    def test_what_is_no_executor(self, works: Works) -> None:
        class Client:
            def get_executor(self) -> None: ...

        with works.client() as client:
            with pytest.raises(sim.InvalidInputError, match=r"executor must be .* not a str\.$"):
                client.workflows.map("work", inputs(1), executor="dask")  # type: ignore[arg-type]
            with pytest.raises(sim.InvalidInputError, match=r"client\.get_executor\(\)"):
                client.workflows.map("work", inputs(1), executor=Client())  # type: ignore[arg-type]

    async def test_what_is_no_executor_of_the_async_client(self, works: Works) -> None:
        async with works.async_client() as client:
            with pytest.raises(sim.InvalidInputError, match="executor must be"):
                client.workflows.map("work", inputs(1), executor="dask")  # type: ignore[arg-type]

    def test_a_client_that_cannot_travel_and_no_ledger_is_begun(self, works: Works, tmp_path: Path) -> None:
        path = tmp_path / "runs.sqlite"
        with httpx.Client() as mine, ThreadPoolExecutor(1) as executor:
            client = works.server.client(http_client=mine)
            with pytest.raises(sim.ConfigurationError, match="http_client="):
                client.workflows.map("work", inputs(1), executor=executor, ledger=path)
        assert not path.exists()

    def test_a_middleware_that_cannot_travel(self, works: Works) -> None:
        def local(request: Any, call_next: Any) -> Any:
            return (yield from call_next(request))

        with ThreadPoolExecutor(1) as executor:
            client = works.server.client(middleware=[local])
            with pytest.raises(sim.ConfigurationError, match="local"):
                client.workflows.map("work", inputs(1), executor=executor)

    def test_claims_without_workers(self, works: Works) -> None:
        with works.client() as client, pytest.raises(sim.InvalidInputError, match="executor="):
            client.workflows.map("work", inputs(1), claims="redis://127.0.0.1:1/0")

    def test_an_executor_that_is_shut_down(self, works: Works, tmp_path: Path) -> None:
        path = tmp_path / "runs.sqlite"
        executor = ThreadPoolExecutor(1)
        executor.shutdown()
        with works.client() as client, pytest.raises(sim.ConfigurationError, match="takes no more tasks"):
            list(client.workflows.map("work", inputs(9), executor=executor, ledger=path))
        assert (status(path).total, works.counts.total()) == (0, 0)  # nothing was sent, so nothing is known

    def test_workers_without_this_package(self, works: Works, tmp_path: Path) -> None:
        def lacking(run: Any, task: Any) -> Any:
            raise ModuleNotFoundError("No module named 'simstudio'")

        path = tmp_path / "runs.sqlite"
        executor = Again(lacking)
        with works.client() as client, pytest.raises(sim.ConfigurationError, match="installed there"):
            list(client.workflows.map("work", inputs(9), executor=executor, ledger=path, on_unknown="rerun"))
        assert status(path).total == 0
        executor.shutdown()

    def test_a_client_that_cannot_be_made_there(self, works: Works) -> None:
        def foreign(run: Any, task: Any) -> Any:
            return run(Task(task.name, task.make, None, b"cnowhere\nMiddleware\n.", task.value))

        executor = Again(foreign)
        with works.client() as client, pytest.raises(sim.ConfigurationError, match="importable there"):
            list(client.workflows.map("work", inputs(3), executor=executor, on_unknown="rerun"))
        executor.shutdown()


class TestWorkersThatAreLost:
    def test_what_a_dead_process_was_at_may_have_run(
        self, works: Works, pools: dict[str, Executor], tmp_path: Path
    ) -> None:
        path = tmp_path / "runs.sqlite"
        works.held = {0, 1}
        with works.client() as client, pool("spawn") as executor:  # type: ignore[attr-defined]
            batch = client.workflows.map("work", inputs(9), executor=executor, ledger=path, concurrency=2)
            killer = after(lambda: len(works.senders()) == 2, lambda: os.kill(works.senders()[0], signal.SIGKILL))
            items: list[sim.BatchItem] = []
            with pytest.raises(sim.ConfigurationError, match="takes no more tasks: BrokenProcessPool"):
                collect(batch, items)
            killer.join(PATIENCE)
            works.gate.set()
        assert [(item.index, item.state, item.error and item.error.code) for item in items] == [
            (0, "unknown", WORKER_LOST),
            (1, "unknown", WORKER_LOST),
        ]
        assert (status(path).unknown, status(path).total) == (2, 2)

        with works.client() as client:
            items = list(client.workflows.map("work", inputs(9), executor=pools["spawn"], ledger=path))
        assert [item.state for item in items] == ["unknown"] * 2 + ["done"] * 7
        assert works.most == 1

    def test_v2_knows_what_became_of_it(self, works: Works) -> None:
        works.held = {0, 1}
        with works.client(version="v2") as client, pool("fork") as executor:  # type: ignore[attr-defined]
            batch = client.workflows.map("work", inputs(2), executor=executor, concurrency=2)
            killer = after(lambda: len(works.senders()) == 2, lambda: os.kill(works.senders()[0], signal.SIGKILL))
            opener = after(lambda: os.getpid() in works.senders(0) + works.senders(1), works.gate.set)
            items = list(batch)
            for thread in (killer, opener):
                thread.join(PATIENCE)
        assert [item.output for item in items] == [{"n": 0}, {"n": 2}]
        assert works.most == 1
        assert os.getpid() in works.senders()  # the coordinator settled it, under the same id

    def test_a_task_that_others_cancelled_may_have_run(self, works: Works) -> None:
        class Cancelling(Again):
            def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
                cancelled: Future[Any] = Future()
                cancelled.cancel()
                cancelled.set_running_or_notify_cancel()
                return cancelled

        with works.client() as client:
            (item,) = client.workflows.map("work", inputs(1), executor=Cancelling(), on_unknown="rerun")
        assert (item.state, item.error and item.error.code) == ("unknown", WORKER_LOST)

    def test_an_executor_that_loses_everything_gets_no_more(self, works: Works) -> None:
        def lose(run: Any, task: Any) -> Any:
            raise CancelledError("KilledWorker")

        executor = Again(lose)
        items: list[sim.BatchItem] = []
        with works.client() as client:
            batch = client.workflows.map("work", inputs(99), executor=executor, on_unknown="rerun", concurrency=1)
            with pytest.raises(sim.ConfigurationError, match="lost the last 10 tasks"):
                collect(batch, items)
        assert [item.state for item in items] == ["unknown"] * 10
        executor.shutdown()

    def test_what_a_task_that_may_have_run_before_did_not_send_may_have_been_sent(self, works: Works) -> None:
        """In v2 an executor's second run of a task may meet a closed port where the first one was answered."""
        sender = elsewhere(works.client(version="v2"), Again()).sender(Fake(claims=True), None, None)  # type: ignore[arg-type, type-var]
        refused = sim.APIConnectionError("refused", sent=False)
        assert sender._mark_sent(refused) is refused
        assert refused.sent

    async def test_leaving_a_batch_takes_back_what_no_worker_has_begun(self, works: Works) -> None:
        works.held = {0}
        async with works.async_client() as client:
            with ThreadPoolExecutor(1) as executor:
                batch = client.workflows.map("work", inputs(9), executor=executor, concurrency=2)
                asking = asyncio.ensure_future(batch.__anext__())
                await asyncio.to_thread(until, lambda: works.senders(0), "the first request")
                batch._running.engine.abort()
                await asyncio.wait([asking], timeout=PATIENCE)
                with pytest.raises((StopAsyncIteration, asyncio.CancelledError)):
                    asking.result()
                works.gate.set()
        assert works.senders() == [os.getpid()]

    @pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches no child there")
    def test_ctrl_c_is_the_coordinators(self, works: Works) -> None:
        with works.client() as client, pool("spawn", 1) as executor:  # type: ignore[attr-defined]
            (first,) = client.workflows.map("work", inputs(1), executor=executor)
            (worker,) = set(works.senders())
            os.kill(worker, signal.SIGINT)
            (second,) = client.workflows.map("work", inputs(1), executor=executor)
        assert first.ok
        assert second.ok
        assert set(works.senders()) == {worker}


def elsewhere(client: sim.Client, executor: Executor) -> Elsewhere:
    execution: Any = Fake()
    return Elsewhere.of(executor, context_of(client), execution, claims=None, rerun=True)


def collect(batch: Any, items: list[sim.BatchItem]) -> None:
    """Take items until what ends the batch is raised."""
    items.extend(batch)


def after(true: Any, act: Any) -> threading.Thread:
    """Do something on a thread, once something is true."""

    def watch() -> None:
        until(true, "the moment to act")
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


class Thing:
    """Something that is dear to make."""

    def __init__(self, note: str = "") -> None:
        self.note = note
        self.closed = False

    def close(self) -> None:
        self.closed = True
        if self.note:
            Path(self.note).write_text("closed", encoding="utf-8")


class TestWhatAProcessKeeps:
    def test_one_thing_a_key_is_made_for_all_threads(self) -> None:
        kept: Keep[Thing] = Keep(4)
        made: list[Thing] = []

        def make() -> Thing:
            made.append(Thing())
            return made[-1]

        def use(_: int) -> Thing:
            with kept.using("key", make) as thing:
                return thing

        with ThreadPoolExecutor(8) as threads:
            assert len(set(threads.map(use, range(50)))) == len(made) == 1

    def test_what_is_in_use_is_closed_by_its_last_user(self) -> None:
        kept: Keep[Thing] = Keep(4)
        with kept.using("key", Thing) as thing:
            with kept.using("key", Thing):
                kept.release("key")
            assert not thing.closed
        assert thing.closed

    def test_no_more_than_so_many_are_kept_and_the_oldest_go(self) -> None:
        kept: Keep[Thing] = Keep(2)
        things = []
        for key in (1, 2, 1, 3):
            with kept.using(key, Thing) as thing:
                things.append(thing)
        assert [thing.closed for thing in things] == [False, True, False, False]
        kept.close()
        assert all(thing.closed for thing in things)

    @pytest.mark.parametrize("method", ["spawn", "fork"])
    def test_it_is_closed_when_a_worker_ends(self, method: str, tmp_path: Path) -> None:
        note = tmp_path / "note"
        process = multiprocessing.get_context(method).Process(target=keep_until_the_end, args=(str(note),))
        process.start()
        process.join(PATIENCE)
        assert (process.exitcode, note.read_text(encoding="utf-8")) == (0, "closed")

    def test_a_forked_child_closes_nothing_of_its_parents(self, tmp_path: Path) -> None:
        note = tmp_path / "note"
        with _mine.using("key", lambda: Thing(str(note))):
            process = multiprocessing.get_context("fork").Process(target=_mine.close)
            process.start()
            process.join(PATIENCE)
            assert not note.exists()
        _mine.close()
        assert note.exists()

    def test_a_batch_on_threads_leaves_no_client_behind(self, works: Works) -> None:
        before = living()
        with works.client() as client, ThreadPoolExecutor(2) as executor:
            list(client.workflows.map("work", inputs(4), executor=executor))
        del client
        assert living() == before


def living() -> int:
    """How many sync clients there are."""
    gc.collect()
    return sum(type(each) is sim.Client for each in gc.get_objects())


_mine: Keep[Thing] = Keep(2)


def keep_until_the_end(note: str) -> None:
    with _mine.using("key", lambda: Thing(note)):
        pass


class TestRunningATask:
    def test_nothing_is_raised_there(self) -> None:
        with ThreadPoolExecutor(1):
            packed = run(Task("name", None, None, b"no pickle", b"no pickle"))  # type: ignore[arg-type]
        outcome = pickle.loads(packed)
        assert isinstance(outcome.error, sim.SimStudioError)
        assert outcome.value is None

    def test_its_outcome_is_a_result(self, works: Works) -> None:
        executor = Again()
        with works.client() as client:
            list(client.workflows.map("work", inputs(1), executor=executor, on_unknown="rerun"))
        outcome = pickle.loads(run(executor.tasks[0]))
        assert isinstance(outcome.value, WorkflowExecutionResult)
        assert outcome.value.output == {"n": 0}
        clients.close()
        executor.shutdown()
