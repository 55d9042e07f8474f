"""``client.workflows.map`` on both clients, against the sandbox."""

from __future__ import annotations

import asyncio
import csv
import gc
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import simstudio as sim
from simstudio.batch.ledger import Ledger, status
from simstudio.batch.pace import Pace
from simstudio.batch.progress import Progress
from simstudio.core.polling import Poller, PollSchedule
from simstudio.sandbox import Sandbox, SandboxServer


class Work:
    """The workflow ``work``: ``n`` squared; an error of ``bad`` inputs; behind the gate, of ``gated`` ones."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.ran: Counter[int] = Counter()
        self.running = self.most = 0
        self.begun = threading.Event()
        self.gate = threading.Event()
        sandbox.workflow("work")(self._work)

    async def _work(self, input: dict[str, Any]) -> dict[str, Any]:
        self.ran[input["n"]] += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if input.get("gated"):
                self.begun.set()
                while not self.gate.is_set():  # noqa: ASYNC110 - another thread opens it
                    await asyncio.sleep(0.005)
            if input.get("bad"):
                raise RuntimeError("bad input")
            await asyncio.sleep(0.002)
            return {"square": input["n"] ** 2}
        finally:
            self.running -= 1


def numbers(count: int, begin: int = 0) -> list[dict[str, Any]]:
    return [{"n": n} for n in range(begin, begin + count)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are asked for at short intervals."""
    monkeypatch.setattr("simstudio.resources.jobs.Jobs.poller", Poller(PollSchedule(initial=0.01, maximum=0.01)))


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def work(sandbox: Sandbox) -> Iterator[Work]:
    work = Work(sandbox)
    yield work
    work.gate.set()


@pytest.fixture
def server(sandbox: Sandbox, work: Work) -> Iterator[SandboxServer]:
    with sandbox.serve() as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@pytest.fixture(params=["v1", "v2"])
def version(request: pytest.FixtureRequest) -> str:
    return request.param


Mapped = Callable[..., list[sim.BatchItem]]


@pytest.fixture(params=["sync", "async"])
def mapped(request: pytest.FixtureRequest, server: SandboxServer) -> Mapped:
    """Run a batch of ``work`` on a client of either kind: its items."""

    def sync(inputs: Any, client: dict[str, Any], options: dict[str, Any]) -> list[sim.BatchItem]:
        with server.client(**client) as made, made.workflows.map("work", inputs, **options) as batch:
            return list(batch)

    async def asynchronous(inputs: Any, client: dict[str, Any], options: dict[str, Any]) -> list[sim.BatchItem]:
        async with server.async_client(**client) as made, made.workflows.map("work", inputs, **options) as batch:
            return [item async for item in batch]

    def run(inputs: Any, client: dict[str, Any] | None = None, **options: Any) -> list[sim.BatchItem]:
        given = client or {}
        if request.param == "sync":
            return sync(inputs, given, options)
        return asyncio.run(asyncio.wait_for(asynchronous(inputs, given, options), 60))

    return run


class TestRunning:
    @pytest.mark.parametrize("mode", ["sync", "async", "stream"])
    def test_everything_is_executed_once_and_given_in_order(
        self, mapped: Mapped, work: Work, version: str, mode: str
    ) -> None:
        items = mapped(numbers(20), {"api_version": version}, mode=mode)

        assert [(item.index, item.ok, item.output) for item in items] == [
            (n, True, {"square": n * n}) for n in range(20)
        ]
        assert work.ran == Counter(range(20))

    def test_no_more_run_at_a_time_than_the_concurrency(self, mapped: Mapped, work: Work) -> None:
        mapped(numbers(30), concurrency=3)

        assert work.most <= 3

    def test_out_of_order_an_item_that_lasts_comes_last(self, mapped: Mapped, work: Work) -> None:
        inputs = [{"n": 0, "gated": True}, *numbers(9, 1)]

        items = mapped(
            inputs, ordered=False, on_result=lambda item: work.gate.set() if item.index == 9 else None, concurrency=2
        )

        assert sorted(item.index for item in items) == list(range(10))
        assert items[-1].index == 0

    def test_inputs_may_be_a_file_of_json_lines(self, mapped: Mapped, tmp_path: Path) -> None:
        (tmp_path / "in.jsonl").write_text('{"n": 2}\n\n{"n": 3}\n')

        assert [item.output for item in mapped(tmp_path / "in.jsonl")] == [{"square": 4}, {"square": 9}]

    def test_inputs_may_be_made_lazily(self, mapped: Mapped) -> None:
        assert [item.input for item in mapped({"n": n} for n in range(3))] == numbers(3)

    def test_inputs_may_come_asynchronously(self, mapped: Mapped) -> None:
        async def later() -> AsyncIterator[dict[str, Any]]:
            for value in numbers(3):
                await asyncio.sleep(0)
                yield value

        assert [item.output for item in mapped(later())] == [{"square": 0}, {"square": 1}, {"square": 4}]

    def test_on_result_and_progress_are_told_of_each(self, mapped: Mapped) -> None:
        told: list[int] = []
        seen: list[tuple[int, int | None]] = []

        def progress(now: Progress) -> None:
            seen.append((now.finished, now.total))

        mapped(numbers(5), on_result=lambda item: told.append(item.index), progress=progress)

        assert sorted(told) == [0, 1, 2, 3, 4]
        assert sorted(set(seen)) == [(n, 5) for n in range(6)]
        assert seen[-2:] == [(5, 5), (5, 5)], "and that it is over"

    def test_on_result_may_be_async(self, mapped: Mapped) -> None:
        told: list[int] = []

        async def tell(item: sim.BatchItem) -> None:
            await asyncio.sleep(0)
            told.append(item.index)

        mapped(numbers(5), on_result=tell)

        assert sorted(told) == [0, 1, 2, 3, 4]

    def test_progress_true_is_a_line_on_standard_error(
        self, mapped: Mapped, capsys: pytest.CaptureFixture[str]
    ) -> None:
        mapped(numbers(3), progress=True)

        assert "3/3 finished, 3 done, 0 failed" in capsys.readouterr().err.splitlines()[-1]

    def test_a_data_frame_has_a_row_for_each_item(self, server: SandboxServer) -> None:
        async def asynchronous() -> Any:
            async with server.async_client() as client:
                return await client.workflows.map("work", numbers(3)).to_dataframe("arrow")

        with server.client() as client:
            frame = client.workflows.map("work", numbers(3)).to_dataframe("arrow")

        assert [found.column("index").to_pylist() for found in (frame, asyncio.run(asynchronous()))] == [[0, 1, 2]] * 2

    def test_run_keeps_nothing_and_tells_how_it_went(self, server: SandboxServer) -> None:
        with server.client() as client:
            progress = client.workflows.map("work", [*numbers(2), {"n": 2, "bad": True}]).run()

        assert (progress.done, progress.failed, progress.total) == (2, 1, 3)

    async def test_run_awaited_does_the_same(self, server: SandboxServer) -> None:
        async with server.async_client() as client:
            progress = await client.workflows.map("work", [*numbers(2), {"n": 2, "bad": True}]).run()

        assert (progress.done, progress.failed, progress.total) == (2, 1, 3)


class TestFailing:
    @pytest.mark.parametrize("mode", ["sync", "async", "stream"])
    def test_an_item_that_fails_is_failed_and_stops_no_other(
        self, mapped: Mapped, work: Work, version: str, mode: str
    ) -> None:
        items = mapped([{"n": 1}, {"n": 2, "bad": True}, {"n": 3}], {"api_version": version}, mode=mode)

        assert [item.state for item in items] == ["done", "failed", "done"]
        assert "bad input" in str(items[1].error)
        with pytest.raises(sim.ExecutionError):
            items[1].unwrap()
        assert work.ran[2] == 1

    def test_stop_on_error_ends_it(self, mapped: Mapped, work: Work) -> None:
        inputs = [{"n": 0, "bad": True}, *numbers(200, 1)]

        with pytest.raises(sim.ExecutionError, match="bad input"):
            mapped(inputs, stop_on_error=True, concurrency=2)

        assert work.ran.total() < 50

    def test_what_takes_too_long_may_have_run(self, mapped: Mapped, work: Work) -> None:
        (item,) = mapped([{"n": 1, "gated": True}], timeout=0.05)

        assert (item.state, type(item.error)) == ("unknown", sim.APITimeoutError)

    def test_a_wrong_key_ends_it_and_sends_nothing(self, mapped: Mapped, work: Work) -> None:
        with pytest.raises(sim.AuthenticationError):
            mapped(numbers(5), {"api_key": "sk-sim-test-wrong"})

        assert work.ran.total() == 0

    def test_a_function_that_fails_ends_it_after_what_runs(self, mapped: Mapped, work: Work, path: Path) -> None:
        def broken(item: sim.BatchItem) -> None:
            raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            mapped(numbers(50), on_result=broken, ledger=path, concurrency=2)

        assert status(path).done == work.ran.total() < 50

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("concurrency", 0),
            ("concurrency", True),
            ("concurrency", 10_001),
            ("mode", "soon"),
            ("on_unknown", "guess"),
            ("on_failed", "guess"),
            ("on_result", 5),
            ("key", 5),
            ("timeout", -1),
        ],
    )
    def test_an_argument_that_cannot_be_used_is_named_at_once(
        self, server: SandboxServer, name: str, value: Any
    ) -> None:
        with server.client() as client, pytest.raises(sim.InvalidInputError, match=name):
            client.workflows.map("work", [], **{name: value})

    @pytest.mark.parametrize("inputs", [5, b"bytes", {"n": 1}])
    def test_inputs_are_an_iterable_or_a_file(self, server: SandboxServer, inputs: Any) -> None:
        with server.client() as client, pytest.raises(sim.InvalidInputError, match="inputs must be"):
            client.workflows.map("work", inputs)


class TestTheLedger:
    @pytest.mark.parametrize("mode", ["sync", "async"])
    def test_a_second_run_sends_only_what_is_not_finished(
        self, mapped: Mapped, work: Work, path: Path, version: str, mode: str
    ) -> None:
        mapped(numbers(5), {"api_version": version}, ledger=path, mode=mode)

        items = mapped(numbers(8), {"api_version": version}, ledger=path, mode=mode)

        assert work.ran == Counter(range(8))
        assert [(item.output, item.replayed) for item in items] == [({"square": n * n}, n < 5) for n in range(8)]

    def test_the_results_file_holds_every_item_once_over_both_runs(
        self, mapped: Mapped, path: Path, tmp_path: Path
    ) -> None:
        for count in (3, 5):
            mapped(numbers(count), ledger=path, out=tmp_path / "out.csv", flatten=True)

        with (tmp_path / "out.csv").open(newline="") as file:
            assert [row["output.square"] for row in csv.DictReader(file)] == ["0", "1", "4", "9", "16"]

    def test_both_clients_use_the_same(self, server: SandboxServer, work: Work, path: Path) -> None:
        async def asynchronous() -> Progress:
            async with server.async_client() as client:
                return await client.workflows.map("work", numbers(5), ledger=path).run()

        with server.client() as client:
            client.workflows.map("work", numbers(3), ledger=path).run()
        progress = asyncio.run(asynchronous())

        assert (progress.done, progress.replayed, work.ran) == (5, 3, Counter(range(5)))

    def test_a_job_that_was_lost_sight_of_is_waited_for_again(self, mapped: Mapped, work: Work, path: Path) -> None:
        (lost,) = mapped([{"n": 1, "gated": True}], mode="async", timeout=0.05, ledger=path)
        assert lost.state == "unknown"
        work.gate.set()

        (found,) = mapped([{"n": 1, "gated": True}], mode="async", ledger=path)

        assert (found.state, found.output, work.ran[1]) == ("done", {"square": 1}, 1)

    @pytest.mark.parametrize(("first", "second"), [("v1", "v2"), ("v2", "v1")])
    def test_a_job_is_waited_for_where_it_was_queued(
        self, mapped: Mapped, work: Work, path: Path, first: str, second: str
    ) -> None:
        inputs = [{"n": 1, "gated": True}]
        mapped(inputs, {"api_version": first}, mode="async", timeout=0.05, ledger=path)
        work.gate.set()

        (found,) = mapped(inputs, {"api_version": second}, mode="async", ledger=path)

        assert (found.state, found.output, work.ran[1]) == ("done", {"square": 1}, 1)

    def test_what_v1_may_have_run_is_not_run_by_v2(self, mapped: Mapped, work: Work, path: Path) -> None:
        """What v1 calls the run it was is no id that v2 has claimed."""
        mapped([{"n": 1, "gated": True}], timeout=0.05, ledger=path)

        (item,) = mapped([{"n": 1, "gated": True}], {"api_version": "v2"}, ledger=path)

        assert (item.state, work.ran[1]) == ("unknown", 1)

    def test_one_batch_at_a_time_has_it(self, server: SandboxServer, path: Path) -> None:
        with server.client() as client:
            with (
                client.workflows.map("work", numbers(1), ledger=path),
                pytest.raises(sim.LedgerError, match="another batch of this process"),
            ):
                client.workflows.map("work", numbers(1), ledger=path)

            assert client.workflows.map("work", numbers(1), ledger=path).run().done == 1
            assert client.workflows.map("work", numbers(1), ledger=path).run().replayed == 1

    def test_a_batch_that_failed_lets_go_of_it(self, mapped: Mapped, path: Path) -> None:
        with pytest.raises(sim.AuthenticationError):
            mapped(numbers(1), {"api_key": "sk-sim-test-wrong"}, ledger=path)

        assert mapped(numbers(1), ledger=path)[0].ok


class TestLeaving:
    def test_nothing_is_sent_before_the_first_item_is_asked_for(self, server: SandboxServer) -> None:
        with server.client() as client:
            client.workflows.map("work", numbers(5))
        assert server.requests == []

    async def test_nothing_is_sent_before_the_first_item_is_awaited(self, server: SandboxServer) -> None:
        async with server.async_client() as client:
            client.workflows.map("work", numbers(5))
            await asyncio.sleep(0.01)
        assert server.requests == []

    def test_leaving_the_with_ends_what_runs_and_begins_no_more(
        self, server: SandboxServer, work: Work, path: Path
    ) -> None:
        with server.client() as client, client.workflows.map("work", numbers(3000), ledger=path) as batch:
            for item in batch:
                if item.index == 3:
                    break

        counts = status(path)
        assert (counts.sending, counts.done) == (0, work.ran.total())
        assert counts.done < 3000
        assert list(batch) is not None
        assert status(path) == counts

    async def test_leaving_the_async_with_does_the_same(self, server: SandboxServer, work: Work, path: Path) -> None:
        async with server.async_client() as client, client.workflows.map("work", numbers(3000), ledger=path) as batch:
            async for item in batch:
                if item.index == 3:
                    break

        counts = status(path)
        assert (counts.sending, counts.done) == (0, work.ran.total())
        assert counts.done < 3000

    def test_it_can_be_iterated_once(self, server: SandboxServer, work: Work) -> None:
        with server.client() as client:
            batch = client.workflows.map("work", numbers(3))
            assert iter(batch) is batch
            assert (len(list(batch)), list(batch)) == (3, [])
        assert work.ran.total() == 3

    async def test_it_can_be_awaited_once(self, server: SandboxServer, work: Work) -> None:
        async with server.async_client() as client:
            batch = client.workflows.map("work", numbers(3))
            assert len([item async for item in batch]) == 3
            assert [item async for item in batch] == []
        assert work.ran.total() == 3

    def test_a_closed_one_gives_nothing_and_sends_nothing(self, server: SandboxServer, path: Path) -> None:
        with server.client() as client:
            batch = client.workflows.map("work", numbers(3), ledger=path)
            batch.close()
            batch.close()
            assert list(batch) == []
        assert server.requests == []

    async def test_a_closed_async_one_gives_nothing_and_sends_nothing(self, server: SandboxServer, path: Path) -> None:
        async with server.async_client() as client:
            batch = client.workflows.map("work", numbers(3), ledger=path)
            await batch.aclose()
            await batch.aclose()
            assert [item async for item in batch] == []
        assert server.requests == []

    def test_a_forgotten_one_ends_its_thread(self, server: SandboxServer, work: Work) -> None:
        with server.client() as client:
            batch = client.workflows.map("work", [{"n": 0}, {"n": 1, "gated": True}])
            next(batch)
            (thread,) = (thread for thread in threading.enumerate() if thread.name == "simstudio-batch")

            del batch
            gc.collect()

            thread.join(30)
            assert not thread.is_alive()

    def test_an_idle_consumer_holds_the_rest_back(self, server: SandboxServer, work: Work) -> None:
        with server.client() as client, client.workflows.map("work", numbers(5000), ordered=False) as batch:
            next(batch)
            before = -1
            while before != work.ran.total():  # until nothing more is begun
                before = work.ran.total()
                time.sleep(0.05)
            assert 1 < before < 1500

    async def test_a_consumer_that_is_cancelled_ends_what_runs(
        self, server: SandboxServer, work: Work, path: Path
    ) -> None:
        async def consume(client: sim.AsyncSimStudioClient) -> None:
            async for _ in client.workflows.map("work", [{"n": n, "gated": True} for n in range(100)], ledger=path):
                raise AssertionError("the gate is shut")

        async with server.async_client() as client:
            task = asyncio.create_task(consume(client))
            await asyncio.to_thread(work.begun.wait, 30)
            task.cancel()
            await asyncio.sleep(0)
            work.gate.set()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task

        counts = status(path)
        assert (counts.sending, counts.done) == (0, work.ran.total())
        assert 0 < counts.done < 100
        if sys.version_info >= (3, 11):
            assert "/100 finished" in caught.value.__notes__[0]

    async def test_a_time_limit_of_the_consumer_is_one(self, server: SandboxServer, work: Work) -> None:
        if sys.version_info < (3, 11):
            pytest.skip("asyncio.timeout() came with 3.11")
        async with server.async_client() as client:
            batch = client.workflows.map("work", [{"n": n, "gated": True} for n in range(3)])
            asyncio.get_running_loop().call_later(0.1, work.gate.set)

            async def limited() -> None:
                async with asyncio.timeout(0.05):
                    await batch.run()

            with pytest.raises(TimeoutError):
                await limited()

    async def test_one_that_is_cancelled_twice_leaves_what_runs_in_the_ledger(
        self, server: SandboxServer, work: Work, path: Path
    ) -> None:
        async def consume() -> None:
            async with server.async_client() as client:
                await client.workflows.map("work", [{"n": n, "gated": True} for n in range(5)], ledger=path).run()

        task = asyncio.create_task(consume())
        await asyncio.to_thread(work.begun.wait, 30)
        for _ in range(2):  # the first lets what runs end before the client closes: it never would, here
            task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await task

        assert status(path).sending > 0


class TestClients:
    def test_a_closed_one_refuses_and_the_ledger_stays_free(self, server: SandboxServer, path: Path) -> None:
        client = server.client()
        client.close()
        with pytest.raises(sim.ConfigurationError, match="closed"):
            client.workflows.map("work", numbers(1), ledger=path).run()

        with server.client() as another:
            assert another.workflows.map("work", numbers(1), ledger=path).run().done == 1

    async def test_a_closed_async_one_refuses_and_the_ledger_stays_free(
        self, server: SandboxServer, path: Path
    ) -> None:
        client = server.async_client()
        await client.aclose()
        with pytest.raises(sim.ConfigurationError, match="closed"):
            await client.workflows.map("work", numbers(1), ledger=path).run()

        async with server.async_client() as another:
            assert (await another.workflows.map("work", numbers(1), ledger=path).run()).done == 1

    def test_a_users_own_sends_everything_on_threads_and_stays_open(self, server: SandboxServer, work: Work) -> None:
        threads: set[str] = set()

        def seen(request: httpx.Request) -> None:
            threads.add(threading.current_thread().name)

        with httpx.Client(event_hooks={"request": [seen]}) as own:
            with server.client(http_client=own) as client:
                items = list(client.workflows.map("work", numbers(20), concurrency=4))
            assert not own.is_closed

        assert [item.output for item in items] == [{"square": n * n} for n in range(20)]
        assert work.most <= 4
        assert threads
        assert threading.current_thread().name not in threads

    def test_of_its_threads_none_writes_the_ledger_or_sets_the_pace(
        self, server: SandboxServer, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both are the coordinator's alone, and neither is made for several threads at a time."""
        threads: set[str] = set()

        def noted(kind: Any, name: str) -> None:
            method = getattr(kind, name)

            def call(*args: Any) -> Any:
                threads.add(threading.current_thread().name)
                return method(*args)

            monkeypatch.setattr(kind, name, call)

        noted(Ledger, "mark_submitted")
        noted(Pace, "hint")
        hints = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "99", "x-ratelimit-reset": "0"}

        def limits(response: httpx.Response) -> None:
            response.headers.update(hints)

        own = httpx.Client(event_hooks={"response": [limits]})
        with own, server.client(http_client=own, api_version="v2") as client:
            items = list(client.workflows.map("work", numbers(30), concurrency=8, mode="async", ledger=path))

        assert all(item.ok for item in items)
        assert threads == {"simstudio-batch"}

    def test_a_pace_that_cannot_take_a_hint_fails_no_item(
        self, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The store of a shared one may be lost for a moment; the execution is answered all the same."""
        told: list[int] = []

        def lost(pace: Pace, limit: int, remaining: int, reset: float) -> None:
            told.append(limit)
            raise sim.SimStudioError("The store of the shared rate failed")

        monkeypatch.setattr(Pace, "hint", lost)
        with server.client(api_version="v2") as client:
            items = list(client.workflows.map("work", numbers(3)))

        assert told
        assert all(item.ok for item in items)

    async def test_a_users_own_async_one_sends_everything_and_stays_open(self, server: SandboxServer) -> None:
        sent: list[str] = []

        async def seen(request: httpx.Request) -> None:
            sent.append(request.url.path)

        async with httpx.AsyncClient(event_hooks={"request": [seen]}) as own:
            async with server.async_client(http_client=own) as client:
                progress = await client.workflows.map("work", numbers(20), concurrency=4).run()
            assert not own.is_closed

        assert progress.done == 20
        assert sent.count("/api/workflows/work/execute") == 20

    def test_one_goes_on_after_a_batch(self, server: SandboxServer) -> None:
        with server.client() as client:
            client.workflows.map("work", numbers(3)).run()
            assert client.workflows.execute("work", {"n": 3}).output == {"square": 9}
            assert client.workflows.map("work", numbers(3)).run().done == 3

    def test_middleware_sees_every_request(self, mapped: Mapped) -> None:
        seen: list[str] = []

        def mine(request: sim.Request, call_next: sim.Handler) -> sim.Flow[sim.Response]:
            seen.append(request.url)
            return (yield from call_next(request))

        mapped(numbers(4), {"middleware": [mine]})

        assert sum("/work/execute" in url for url in seen) == 4


WATCH = """
import sys, threading, time

def say_when(word, true):
    def watch():
        while not true():
            time.sleep(0.005)
        print(word, flush=True)
    threading.Thread(target=watch, daemon=True).start()

def main_is_in(*names):
    frame, found = sys._current_frames()[threading.main_thread().ident], set()
    while frame is not None:
        found.add(frame.f_code.co_name)
        frame = frame.f_back
    return found >= set(names)
"""
"""What the programs begin with: each says by a line of its own how far it is."""
SYNC = """
import json
import simstudio
client = simstudio.SimStudioClient(sys.argv[1], sys.argv[2])
try:
    for item in client.workflows.map("work", [{"n": n, "gated": n > 1} for n in range(100)], ledger=sys.argv[3]):
        print("item", flush=True)
        if item.index == 1:
            say_when("waits", lambda: main_is_in("__next__", "wait"))
            say_when("stops", lambda: main_is_in("end", "wait"))
except simstudio.BatchInterrupted as error:
    assert isinstance(error, KeyboardInterrupt)
    print(json.dumps({"done": error.progress.done, "items": len(error.items), "said": str(error)}))
except KeyboardInterrupt:
    print("at once")
"""
ASYNC = """
import asyncio
import simstudio
async def main():
    async with simstudio.AsyncSimStudioClient(sys.argv[1], sys.argv[2]) as client:
        inputs = [{"n": n, "gated": n > 1} for n in range(100)]
        batch = client.workflows.map("work", inputs, ledger=sys.argv[3])
        say_when("stops", lambda: batch._running.engine._draining)
        async for item in batch:
            print("item", flush=True)
            if item.index == 1:
                say_when("waits", lambda: True)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
class TestCtrlC:
    @pytest.fixture
    def start(self, server: SandboxServer, path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
        """Start a program that has two items and waits for more."""
        import signal

        started: list[subprocess.Popen[bytes]] = []

        def start(program: str) -> subprocess.Popen[bytes]:
            # Where this process ignores Ctrl-C (in the background of a shell), the child would inherit that.
            before = signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                command = [sys.executable, "-c", WATCH + program, server.sandbox.api_key, server.base_url, str(path)]
                process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            finally:
                signal.signal(signal.SIGINT, before)
            started.append(process)
            assert process.stdout is not None
            assert [process.stdout.readline() for _ in range(2)] == [b"item\n"] * 2
            return process

        yield start
        for process in started:
            process.kill()
            process.communicate()

    @staticmethod
    def interrupt(process: subprocess.Popen[bytes], when: bytes = b"waits") -> None:
        """Press Ctrl-C when it says that it waits for its next item, or that it stops."""
        import signal

        assert process.stdout is not None
        assert process.stdout.readline() == when + b"\n"
        process.send_signal(signal.SIGINT)

    def test_it_ends_what_runs_and_reports(self, start: Any, work: Work, path: Path) -> None:
        process = start(SYNC)
        assert work.begun.wait(30)
        self.interrupt(process)
        self.let_go(process, work)

        printed, said = process.communicate()

        told = json.loads(printed)
        counts = status(path)
        assert said == b""
        assert (counts.sending, counts.done) == (0, work.ran.total())
        assert (told["done"], told["items"]) == (counts.done, counts.done - 2)
        assert told["said"].startswith(f"Interrupted: {counts.done}/100 finished")

    def test_a_second_one_leaves_at_once(self, start: Any, work: Work, path: Path) -> None:
        process = start(SYNC)
        assert work.begun.wait(30)
        self.interrupt(process)
        self.interrupt(process, b"stops")

        printed, _ = process.communicate()  # though the gate is shut

        assert printed == b"at once\n"
        assert status(path).sending > 0

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="before 3.11 asyncio.run cancels the batch's own task, too")
    def test_an_async_one_ends_what_runs(self, start: Any, work: Work, path: Path) -> None:
        process = start(ASYNC)
        assert work.begun.wait(30)
        self.interrupt(process)
        self.let_go(process, work)

        assert process.communicate() == (b"interrupted\n", b"")
        counts = status(path)
        assert (counts.sending, counts.done) == (0, work.ran.total())

    @staticmethod
    def let_go(process: subprocess.Popen[bytes], work: Work) -> None:
        """Open the gate when the process has got its signal."""
        assert process.stdout is not None
        assert process.stdout.readline() == b"stops\n"
        work.gate.set()
