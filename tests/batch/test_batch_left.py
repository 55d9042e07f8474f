"""Batches that are left before their end: by a break, an error, a time limit, Ctrl-C, or the end of the program."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import simstudio as sim
from simstudio.batch.ledger import status
from simstudio.sandbox import Sandbox, SandboxServer


class Gate:
    """The workflow ``gated``: it ends when the gate is open, or at once for a number below 0."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.begun = 0
        self.open = threading.Event()
        sandbox.workflow("gated")(self._gated)
        sandbox.workflow("quick")(self._quick)

    async def _gated(self, input: dict[str, Any]) -> dict[str, Any]:
        self.begun += 1
        while not self.open.is_set() and input["n"] >= 0:  # noqa: ASYNC110 - another thread opens it
            await asyncio.sleep(0.005)
        return input

    def _quick(self, input: dict[str, Any]) -> dict[str, Any]:
        self.begun += 1
        return input

    def wait(self, count: int = 1) -> None:
        """Until so many have begun."""
        until(lambda: self.begun >= count)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def many(count: int = 100_000) -> Iterator[dict[str, int]]:
    return ({"n": n} for n in range(count))


def numbers(count: int) -> list[dict[str, int]]:
    return list(many(count))


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def gate(sandbox: Sandbox) -> Iterator[Gate]:
    gate = Gate(sandbox)
    yield gate
    gate.open.set()


@pytest.fixture
def server(sandbox: Sandbox, gate: Gate) -> Iterator[SandboxServer]:
    with sandbox.serve() as server:
        yield server


@pytest.fixture
def client(server: SandboxServer) -> Iterator[sim.SimStudioClient]:
    with server.client() as client:
        yield client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


# -- a loop that is left -----------------------------------------------------------------------------------------


def test_leaving_the_loop_waits_for_nothing_and_what_runs_ends_in_the_ledger(
    client: sim.SimStudioClient, gate: Gate, path: Path
) -> None:
    for item in client.workflows.map("quick", many(1), ledger=path):
        assert item.ok
    batch = client.workflows.map("gated", many(), ledger=path.with_name("gated.sqlite"), concurrency=3, ordered=False)
    threading.Timer(0.05, gate.open.set).start()
    for _ in batch:
        break
    del batch
    gc.collect()

    def ended() -> bool:
        found = status(path.with_name("gated.sqlite"))
        return (found.sending, found.done) == (0, gate.begun - 1)

    until(ended)


def test_the_same_ledger_waits_for_the_batch_that_was_left(client: sim.SimStudioClient, gate: Gate, path: Path) -> None:
    """As in a notebook, whose cell is run again."""
    inputs = numbers(20)
    for _ in client.workflows.map("quick", inputs, ledger=path, concurrency=3):
        break
    assert client.workflows.map("quick", inputs, ledger=path).run().done == 20
    assert gate.begun == 20


@pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("hook", ["on_result", "progress"])
def test_a_program_that_is_left_by_a_function_of_the_caller_lets_what_runs_end(
    hook: str, leaving: type[BaseException], client: sim.SimStudioClient, gate: Gate, path: Path
) -> None:
    def leave(_: Any) -> None:
        raise leaving

    with pytest.raises(leaving):
        list(client.workflows.map("quick", numbers(100), ledger=path, concurrency=5, **{hook: leave}))
    found = status(path)
    assert (found.sending, found.unknown) == (0, 0)
    assert found.done == gate.begun


@pytest.mark.parametrize("awaited", [False, True])
def test_the_same_of_an_async_client(awaited: bool, server: SandboxServer, gate: Gate, path: Path) -> None:
    def leave(_: Any) -> None:
        raise SystemExit

    async def leave_async(_: Any) -> None:
        raise SystemExit

    async def main() -> None:
        hook = leave_async if awaited else leave
        async with server.async_client() as client:
            await client.workflows.map("quick", numbers(100), ledger=path, concurrency=5, on_result=hook).run()

    with pytest.raises(SystemExit):
        asyncio.run(main())
    found = status(path)
    assert (found.sending, found.unknown) == (0, 0)
    assert found.done == gate.begun


def test_the_callers_generator_is_let_go_of(client: sim.SimStudioClient, gate: Gate) -> None:
    closed = threading.Event()

    def inputs() -> Iterator[dict[str, int]]:
        try:
            yield from numbers(100_000)
        finally:
            closed.set()

    with client.workflows.map("quick", inputs()) as batch:
        next(batch)
    assert closed.is_set()


def test_the_ledger_is_closed_by_the_thread_that_writes_it(tmp_path: Path, server: SandboxServer) -> None:
    """It was closed while it was written to, which ended the interpreter."""
    program = f"""
import random
from simstudio import SimStudioClient
client = SimStudioClient({server.sandbox.api_key!r}, {server.base_url!r})
for k in range(10):
    n = random.randint(1, 40)
    ledger = {str(tmp_path)!r} + f"/{{k}}.sqlite"
    for item in client.workflows.map("quick", ({{"n": n}} for n in range(100000)), ledger=ledger, concurrency=50):
        if item.index >= n:
            break
    del item
print("whole")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (run.returncode, run.stdout) == (0, "whole\n"), run.stderr
    for k in range(10):
        found = status(tmp_path / f"{k}.sqlite")
        assert found.sending == 0
        assert found.done > 0


PROGRAM = """
import sys, time
from simstudio import SimStudioClient
client = SimStudioClient(sys.argv[1], sys.argv[2])
batch = client.workflows.map("gated", [{"n": n} for n in range(100)], concurrency=3, ledger=sys.argv[3])
batch._running.start()  # as the first next() does, which would wait
while batch.progress.running < 3:
    time.sleep(0.01)
LEAVE
"""
WAYS = {
    "exception": "raise LookupError",
    "exit": "sys.exit(3)",
    "end": "pass",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_program_that_ends_lets_what_it_began_end_and_says_so(
    way: str, server: SandboxServer, gate: Gate, path: Path
) -> None:
    program = PROGRAM.replace("LEAVE", WAYS[way])
    with subprocess.Popen(
        [sys.executable, "-c", program, server.sandbox.api_key, server.base_url, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        gate.wait(3)
        assert process.stderr is not None
        said = ""
        while "waiting up to 30 s for the 3 executions" not in said:
            line = process.stderr.readline()
            assert line
            said += line
        gate.open.set()
        process.communicate()
    assert process.returncode == {"exception": 1, "exit": 3, "end": 0}[way]
    assert (status(path).done, status(path).sending) == (3, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_leaves_what_a_program_waits_for_at_its_end(server: SandboxServer, gate: Gate, path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                PROGRAM.replace("LEAVE", WAYS["end"]),
                server.sandbox.api_key,
                server.base_url,
                path,
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stderr is not None
        while "waiting up to 30 s" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        process.communicate()  # though the gate is shut
    counts = status(path)
    assert counts.sending + counts.unknown == 3  # whether the connections' end is still heard of; resumed alike


async def test_an_async_loop_that_is_left_begins_nothing_more(server: SandboxServer, gate: Gate) -> None:
    async with server.async_client() as client:
        async for item in client.workflows.map("quick", numbers(100_000), concurrency=5):
            if item.index == 3:
                break
        del item
        gc.collect()
        await asyncio.sleep(0.05)
        begun = gate.begun
        await asyncio.sleep(0.1)
        assert gate.begun == begun < 50


def test_an_async_client_that_is_closed_lets_what_was_begun_end(server: SandboxServer, gate: Gate, path: Path) -> None:
    async def main() -> None:
        async with server.async_client() as client:
            async for _ in client.workflows.map("gated", numbers(100), concurrency=3, ledger=path, ordered=False):
                break
            gate.open.clear()
            threading.Timer(0.1, gate.open.set).start()

    gate.open.set()
    asyncio.run(main())
    assert (status(path).sending, status(path).unknown) == (0, 0)


def test_an_event_loop_that_ends_takes_it_along_without_a_word(
    server: SandboxServer, gate: Gate, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        client = server.async_client()
        async for _ in client.workflows.map("gated", numbers(100), concurrency=3, ledger=path, ordered=False):
            break
        gate.open.clear()

    gate.open.set()
    asyncio.run(main())
    gc.collect()
    assert status(path).done >= 1
    assert caplog.records == []


# -- waits that are cancelled ------------------------------------------------------------------------------------


async def test_a_time_limit_for_the_next_item_leaves_the_batch_as_it_is(server: SandboxServer, gate: Gate) -> None:
    async with server.async_client() as client:
        batch = client.workflows.map("gated", numbers(10))
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(batch), 0.02)
        gate.open.set()
        assert [item.output["n"] async for item in batch] == list(range(10))


# -- calls from inside -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["on_result", "progress", "key", "inputs"])
def test_closing_from_inside_begins_nothing_more_and_waits_for_nothing(
    hook: str, client: sim.SimStudioClient, gate: Gate
) -> None:
    def close(value: Any = None) -> Any:
        batch.close()
        return "same" if hook == "key" else value

    def inputs() -> Iterator[dict[str, int]]:
        for n in range(100_000):
            if hook == "inputs" and n == 5:
                close()
            yield {"n": n}

    batch = client.workflows.map("quick", inputs(), concurrency=2, **({hook: close} if hook != "inputs" else {}))
    assert len(list(batch)) < 200


@pytest.mark.parametrize("hook", ["on_result", "progress"])
def test_the_next_item_cannot_be_waited_for_on_the_batchs_own_thread(
    hook: str, client: sim.SimStudioClient, gate: Gate
) -> None:
    def wait(_: Any) -> None:
        next(batch)

    batch = client.workflows.map("quick", many(20), **{hook: wait})
    with pytest.raises(sim.ConfigurationError, match="own thread"):
        list(batch)


@pytest.mark.parametrize(("make", "said"), [(list, "own thread"), (iter, "inputs of a batch cannot wait")])
def test_nor_by_a_key(client: sim.SimStudioClient, gate: Gate, make: Any, said: str) -> None:
    """It is called where inputs are read: of an iterator by the thread that iterates."""
    batch = client.workflows.map("quick", make(many(3)), key=lambda _: next(batch))
    assert all(said in str(item.error) for item in batch)


def test_the_inputs_of_a_batch_cannot_wait_for_its_items(client: sim.SimStudioClient, gate: Gate) -> None:
    def inputs() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        yield {"n": 1 + next(batch).output["n"]}

    batch = client.workflows.map("quick", inputs())
    with pytest.raises(sim.ConfigurationError, match="inputs"):
        list(batch)


async def test_closing_an_async_one_from_inside_waits_for_nothing(server: SandboxServer, gate: Gate) -> None:
    async with server.async_client() as client:

        async def close(item: sim.BatchItem) -> None:
            await batch.aclose()

        batch = client.workflows.map("quick", numbers(100_000), concurrency=2, on_result=close)
        assert len([item async for item in batch]) < 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_batch_does_not_go_on_in_a_forked_child(client: sim.SimStudioClient, gate: Gate) -> None:
    batch = client.workflows.map("gated", [{"n": -1}, *numbers(9)], concurrency=2)
    next(batch)
    gate.wait(3)
    child = os.fork()
    if not child:
        try:
            next(batch)
        except sim.ConfigurationError as error:
            os._exit(0 if "forked" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    gate.open.set()
    assert len(list(batch)) == 9


def test_ctrl_c_says_how_to_go_on(client: sim.SimStudioClient, gate: Gate, path: Path) -> None:
    def inputs() -> Iterator[dict[str, int]]:
        yield {"n": 1}
        raise KeyboardInterrupt

    with pytest.raises(sim.BatchInterrupted, match="The same call with the same ledger goes on from here"):
        list(client.workflows.map("quick", inputs(), ledger=path))
