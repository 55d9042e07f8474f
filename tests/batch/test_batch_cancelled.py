"""A cancellation inside a batch that nobody asked for is an error of the batch, never its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

import simstudio as sim
from simstudio.batch.ledger import status
from simstudio.sandbox import Sandbox, SandboxServer


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    sandbox = Sandbox()

    @sandbox.workflow("slow")
    async def slow(input: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return input

    with sandbox.serve() as server:
        yield server


async def cancelled() -> None:
    """Wait for something that another part of the program has cancelled."""
    task = asyncio.ensure_future(asyncio.sleep(10))
    task.cancel()
    await task


async def test_inputs_that_are_cancelled(server: SandboxServer, tmp_path: Path) -> None:
    """What is under way ends, and is given, before the error comes."""

    async def inputs() -> AsyncIterator[dict[str, int]]:
        for n in range(4):
            yield {"n": n}
        await cancelled()

    path = tmp_path / "runs.sqlite"
    async with server.async_client() as client:
        batch = client.workflows.map("slow", inputs(), ledger=path)
        assert [(await anext(batch)).index for _ in range(4)] == [0, 1, 2, 3]
        with pytest.raises(sim.SimStudioError, match="cancelled"):
            await anext(batch)
    assert status(path).done == 4


def test_inputs_of_a_sync_batch_that_are_cancelled(server: SandboxServer) -> None:
    """Whoever iterates meets it; and whoever goes on all the same does not take it for the end."""

    def inputs() -> Iterator[dict[str, int]]:
        yield {"n": 0}
        raise asyncio.CancelledError

    with server.client() as client:
        batch = client.workflows.map("slow", inputs())
        given, errors = [], []
        while len(errors) < 2:
            try:
                given.append(next(batch).index)
            except (asyncio.CancelledError, sim.SimStudioError) as error:
                errors.append(error)
    assert given == [0]
    assert isinstance(errors[0], asyncio.CancelledError)
    assert "CancelledError" in str(errors[1])


async def test_an_on_result_that_is_cancelled(server: SandboxServer) -> None:
    async def on_result(item: sim.BatchItem) -> None:
        if item.index == 1:
            await cancelled()

    async with server.async_client() as client:
        batch = client.workflows.map("slow", [{"n": n} for n in range(500)], on_result=on_result)
        with pytest.raises(sim.SimStudioError, match="cancelled"):
            await batch.run()


async def test_an_execution_that_is_cancelled(server: SandboxServer) -> None:
    """Whatever cancelled it: it may have run."""

    def cancels(request: sim.Request, call_next: Any) -> Any:
        raise asyncio.CancelledError
        yield

    async with server.async_client(middleware=[cancels]) as client:
        batch = client.workflows.map("slow", [{"n": n} for n in range(3)])
        with pytest.raises(sim.SimStudioError, match="cancelled"):
            await batch.run()


def test_a_batch_that_its_event_loop_took_along(server: SandboxServer, tmp_path: Path) -> None:
    """It does not go on under another, and does not look as if it were finished."""
    path = tmp_path / "runs.sqlite"
    client = server.async_client()
    batch = client.workflows.map("slow", [{"n": n} for n in range(100)], concurrency=2, ledger=path)

    async def take(count: int) -> list[int]:
        return [(await anext(batch)).index for _ in range(count)]

    assert asyncio.run(take(3)) == [0, 1, 2]

    async def rest() -> None:
        await batch.run()

    with pytest.raises(sim.SimStudioError, match=r"event loop.*/100 finished"):
        asyncio.run(rest())
    asyncio.run(client.aclose())
