"""The inputs of a batch are read by the thread that iterates over it, as far ahead as they are needed."""

from __future__ import annotations

import contextvars
import gc
import itertools
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import simstudio as sim
from simstudio.sandbox import Sandbox, SandboxServer


@pytest.fixture
def sandbox() -> Sandbox:
    sandbox = Sandbox()

    @sandbox.workflow("double")
    def double(input: dict[str, Any]) -> dict[str, Any]:
        return {"n": 2 * input["n"]}

    return sandbox


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with sandbox.serve() as server:
        yield server


@pytest.fixture
def client(server: SandboxServer) -> Iterator[sim.SimStudioClient]:
    with server.client() as client:
        yield client


def outputs(items: Iterator[sim.BatchItem]) -> list[int]:
    return [item.unwrap().output["n"] for item in items]


def test_rows_of_a_database_are_inputs(client: sim.SimStudioClient) -> None:
    """A connection of sqlite3 serves the thread that made it, and no other."""
    database = sqlite3.connect(":memory:")
    try:
        database.execute("CREATE TABLE numbers (n INTEGER)")
        database.executemany("INSERT INTO numbers VALUES (?)", [(n,) for n in range(100)])
        rows = database.execute("SELECT n FROM numbers ORDER BY n")
        assert outputs(client.workflows.map("double", ({"n": n} for (n,) in rows))) == [2 * n for n in range(100)]
    finally:
        database.close()


def test_a_generator_sees_the_context_and_the_thread_of_its_caller(client: sim.SimStudioClient) -> None:
    tenant = contextvars.ContextVar("tenant", default=0)
    tenant.set(7)
    threads = set()

    def inputs() -> Iterator[dict[str, int]]:
        for _ in range(3):
            threads.add(threading.current_thread())
            yield {"n": tenant.get()}

    assert outputs(client.workflows.map("double", inputs())) == [14, 14, 14]
    assert threads == {threading.current_thread()}


def test_the_results_of_one_batch_are_the_inputs_of_another(client: sim.SimStudioClient) -> None:
    first = client.workflows.map("double", [{"n": n} for n in range(60)])
    second = client.workflows.map("double", ({"n": item.unwrap().output["n"]} for item in first))
    assert outputs(second) == [4 * n for n in range(60)]


def test_an_iterable_that_blocks_does_not_hold_up_what_is_under_way(
    sandbox: Sandbox, client: sim.SimStudioClient
) -> None:
    """What was begun is answered, and heard, while the next input is waited for."""
    ended = threading.Event()
    heard = []

    @sandbox.workflow("slow")
    def slow(input: dict[str, Any]) -> dict[str, Any]:
        return {"n": input["n"]}

    def inputs() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        heard.append(ended.wait(10))
        yield {"n": 2}

    items = client.workflows.map("slow", inputs(), timeout=5, on_result=lambda item: ended.set())
    assert outputs(items) == [1, 2]
    assert heard == [True]


def test_an_endless_source_is_read_no_further_than_it_is_needed(client: sim.SimStudioClient) -> None:
    read = itertools.count()
    inputs = ({"n": next(read)} for _ in itertools.count())
    with client.workflows.map("double", inputs, concurrency=2) as batch:
        assert outputs(itertools.islice(batch, 10)) == [2 * n for n in range(10)]
    assert next(read) < 5_000


def test_a_queue_that_is_filled_meanwhile_is_a_source(client: sim.SimStudioClient) -> None:
    """Each result is there before the next input is."""
    waiting: queue.Queue[dict[str, int] | None] = queue.Queue()
    waiting.put({"n": 1})
    seen = []

    def feed(item: sim.BatchItem) -> None:
        seen.append(item.unwrap().output["n"])
        waiting.put({"n": seen[-1]} if len(seen) < 5 else None)

    assert outputs(client.workflows.map("double", iter(waiting.get, None), on_result=feed)) == [2, 4, 8, 16, 32]


def test_a_source_that_fails_ends_the_batch_when_what_was_begun_has_ended(client: sim.SimStudioClient) -> None:
    def inputs() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        yield {"n": 2}
        raise LookupError("no more rows")

    batch = client.workflows.map("double", inputs())
    assert outputs(itertools.islice(batch, 2)) == [2, 4]
    with pytest.raises(LookupError, match="no more rows") as caught:
        next(batch)
    assert any(entry.name == "inputs" for entry in caught.traceback)


def test_ctrl_c_in_the_source_is_one_in_the_batch(client: sim.SimStudioClient) -> None:
    def inputs() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        raise KeyboardInterrupt

    batch = client.workflows.map("double", inputs())
    with pytest.raises(sim.BatchInterrupted) as caught:
        list(batch)
    assert [item.index for item in caught.value.items] in ([0], [])


def test_several_threads_may_share_a_batch_over_a_generator(client: sim.SimStudioClient) -> None:
    batch = client.workflows.map("double", ({"n": n} for n in range(120)))
    found: list[int] = []
    failures: list[BaseException] = []

    def consume() -> None:
        try:
            found.extend(outputs(batch))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(found) == [2 * n for n in range(120)]


def test_a_slow_consumer_finds_results_ready(client: sim.SimStudioClient, sandbox: Sandbox) -> None:
    """While the body of the loop runs, what lies in memory goes on."""
    ran: list[int] = []

    @sandbox.workflow("noted")
    def noted(input: dict[str, Any]) -> dict[str, Any]:
        ran.append(input["n"])
        return {"n": input["n"]}

    with client.workflows.map("noted", [{"n": n} for n in range(100)], concurrency=10) as batch:
        next(batch)
        end = time.monotonic() + 10
        while len(ran) < 100 and time.monotonic() < end:
            time.sleep(0.005)
        assert len(ran) == 100


@pytest.mark.parametrize("make", [list, tuple, iter, lambda values: (value for value in values)])
def test_whatever_can_be_iterated_over(client: sim.SimStudioClient, make: Callable[[Any], Any]) -> None:
    assert outputs(client.workflows.map("double", make([{"n": n} for n in range(5)]))) == [0, 2, 4, 6, 8]


# -- letting go of them ------------------------------------------------------------------------------------------------


def to_its_end(client: sim.SimStudioClient, inputs: Any) -> None:
    for _ in client.workflows.map("double", inputs):
        pass


def by_a_break(client: sim.SimStudioClient, inputs: Any) -> None:
    for _ in client.workflows.map("double", inputs):
        break


def by_a_break_in_a_with(client: sim.SimStudioClient, inputs: Any) -> None:
    with client.workflows.map("double", inputs) as batch:
        for _ in batch:
            break


def by_a_failure(client: sim.SimStudioClient, inputs: Any) -> None:
    with pytest.raises(sim.SimStudioError):
        list(client.workflows.map("fail", inputs, stop_on_error=True))
    del inputs
    gc.collect()  # what was raised knows it


def unbegun(client: sim.SimStudioClient, inputs: Any) -> None:
    client.workflows.map("double", inputs).close()


@pytest.mark.parametrize("leave", [to_its_end, by_a_break, by_a_break_in_a_with, by_a_failure, unbegun])
def test_they_are_let_go_of_by_the_thread_that_read_them(
    sandbox: Sandbox, client: sim.SimStudioClient, leave: Callable[[sim.SimStudioClient, Any], None]
) -> None:
    """A generator is closed there: locks, transactions and context variables in it are bound to that thread."""

    @sandbox.workflow("fail")
    def fail(input: dict[str, Any]) -> None:
        raise ValueError(input)

    lock, closed = threading.RLock(), []

    def inputs(count: int) -> Iterator[dict[str, int]]:
        try:
            with lock:
                yield from ({"n": n} for n in range(count))
        finally:
            closed.append(threading.current_thread())

    made = [inputs(10 if leave is to_its_end else 10**9)]
    next(made[0])
    leave(client, made.pop())
    assert closed == [threading.current_thread()]


@pytest.mark.parametrize("count", [65, 70, 75, 80])
def test_no_item_is_lost_to_an_interrupt_while_inputs_are_read(client: sim.SimStudioClient, count: int) -> None:
    """For each item that is given, more inputs are read before it is."""

    def inputs() -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(count))
        raise KeyboardInterrupt

    given: list[sim.BatchItem] = []
    ended: list[int] = []
    batch = client.workflows.map("double", inputs(), on_result=lambda item: ended.append(item.index))
    with pytest.raises(sim.BatchInterrupted) as caught:
        given.extend(batch)
    assert [item.index for item in [*given, *caught.value.items]] == sorted(ended)
