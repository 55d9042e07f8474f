"""What an earlier run left: jobs that the server has forgotten, streams that were cut off, and another server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ledgers import opened

import simstudio as sim
from simstudio.batch.items import prepare
from simstudio.batch.ledger import Counts, Ledger, LedgerView, move, status
from simstudio.batch.work_item import WorkItem
from simstudio.core.polling import Poller, PollSchedule
from simstudio.sandbox import Sandbox, SandboxServer


class World:
    """A Sim whose workflow ``work`` waits at a gate, and which can be replaced by one that remembers nothing."""

    def __init__(self, generation: Any) -> None:
        self.ran: Counter[int] = Counter()
        self.gate = threading.Event()
        self.generation = generation
        self.server = self._serve(0)

    def _serve(self, port: int) -> SandboxServer:
        sandbox = Sandbox(generation=self.generation)
        sandbox.workflow("work")(self._work)
        return sandbox.serve(port=port).start()

    def replace(self) -> None:
        """Another server at the same address."""
        port = int(self.server.base_url.rpartition(":")[2])
        self.server.close()
        self.gate.set()
        self.server = self._serve(port)

    async def _work(self, input: dict[str, Any]) -> dict[str, Any]:
        self.ran[input["n"]] += 1
        while not self.gate.is_set():  # noqa: ASYNC110 - another thread opens it
            await asyncio.sleep(0.005)
        return {"square": input["n"] ** 2}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are asked for at short intervals."""
    monkeypatch.setattr("simstudio.resources.jobs.Jobs.poller", Poller(PollSchedule(initial=0.01, maximum=0.01)))


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(getattr(request, "param", "v0.6"))
    yield world
    world.gate.set()
    world.server.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


Mapped = Callable[..., list[sim.BatchItem]]
INPUTS = [{"n": n} for n in range(3)]


@pytest.fixture(params=["sync", "async"])
def mapped(request: pytest.FixtureRequest, world: World) -> Mapped:
    async def asynchronous(client: dict[str, Any], options: dict[str, Any]) -> list[sim.BatchItem]:
        async with world.server.async_client(**client) as made:
            return [item async for item in made.workflows.map("work", INPUTS, **options)]

    def run(client: dict[str, Any] | None = None, **options: Any) -> list[sim.BatchItem]:
        if request.param == "async":
            return asyncio.run(asynchronous(client or {}, options))
        with world.server.client(**client or {}) as made:
            return list(made.workflows.map("work", INPUTS, **options))

    return run


def left(world: World, path: Path, state: str, **options: Any) -> None:
    """Begin the batch, and leave it at once when all of it is in a state and its workflow runs."""
    version = options.pop("api_version", "v1")

    async def consume() -> None:
        async with world.server.async_client(api_version=version) as client:
            await client.workflows.map("work", INPUTS, ledger=path, **options).run()

    async def leave() -> None:
        task = asyncio.create_task(consume())
        while not getattr(_status(path), state) == len(INPUTS) == world.ran.total():  # noqa: ASYNC110 - a file
            await asyncio.sleep(0.005)
        for _ in range(2):  # the first lets what runs end before the client closes: it never would, here
            task.cancel()
            await asyncio.sleep(0.01)
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(leave())


def _status(path: Path) -> Counts:
    try:
        return status(path)
    except sim.LedgerError:
        return Counts()


class TestForgottenJobs:
    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_they_run_again_at_once_when_that_is_wanted(
        self, world: World, mapped: Mapped, path: Path, version: str
    ) -> None:
        left(world, path, "submitted", mode="async", api_version=version)
        world.replace()
        world.ran.clear()
        items = mapped({"api_version": version}, mode="async", ledger=path, on_unknown="rerun")
        assert [item.state for item in items] == ["done"] * 3
        assert world.ran == Counter(range(3))

    def test_they_stay_known_as_forgotten_until_then(self, world: World, mapped: Mapped, path: Path) -> None:
        left(world, path, "submitted", mode="async")
        world.replace()
        world.ran.clear()
        for _ in range(3):
            items = mapped(mode="async", ledger=path)
            assert [item.state for item in items] == ["unknown"] * 3
            with LedgerView(path) as view:
                assert [entry.status for entry in view.entries()] == [404] * 3
        assert not world.ran
        assert [item.state for item in mapped(mode="async", ledger=path, on_unknown="rerun")] == ["done"] * 3
        assert world.ran == Counter(range(3))


claimed = pytest.mark.parametrize(("world", "version"), [("v0.6", "v2"), ("v0.8", "v1")], indirect=["world"])
"""Servers and API versions with ids under which an execution runs at most once."""


class TestStreamsThatWereCutOff:
    @claimed
    def test_their_runs_were_cancelled_and_say_so(self, world: World, mapped: Mapped, path: Path, version: str) -> None:
        left(world, path, "sending", mode="stream", api_version=version)
        options = {"api_version": version}
        # A run that the open gate lets end before the server hears that its client has gone is not cut short.
        with LedgerView(path) as view, world.server.client(**options) as client:
            runs = [entry.run_id for entry in view.entries()]
            while any(client.v2.runs.get("work", run).status == "running" for run in runs):
                time.sleep(0.005)
        world.gate.set()
        items = mapped(options, mode="stream", ledger=path)
        assert [item.state for item in items] == ["failed"] * 3
        for item in items:
            assert isinstance(item.error, sim.ExecutionError)
            assert f"The run {item.run_id} was cut short: its client went away" in str(item.error)
            assert 'on_failed="rerun" runs it again' in str(item.error)
        again = mapped(options, mode="stream", ledger=path, on_failed="rerun")
        assert [(item.state, item.output) for item in again] == [("done", {"square": n * n}) for n in range(3)]
        assert world.ran == Counter(dict.fromkeys(range(3), 2))

    @pytest.mark.parametrize(
        ("known", "said"),
        [
            ({"resumed": True}, True),
            ({"attempts": 2}, True),
            ({"attempts": 1}, False),
            ({"attempts": 2, "refusals": 1}, False),
        ],
    )
    def test_one_that_was_cancelled_while_its_client_was_there_is_as_the_server_says(
        self, known: dict[str, Any], said: bool
    ) -> None:
        cancelled = sim.WorkflowExecutionResult(success=False, output=None, status="cancelled", error="Stopped")
        error = sim.ExecutionError("Stopped.", result=cancelled)
        item = WorkItem(prepare(0, {}), **known).to_item("failed", 0.0, error=error)
        assert ("cut short" in str(item.error)) is said


class TestLostAnswers:
    """A server runs an execution and its response is lost."""

    @claimed
    def test_are_settled_under_the_id(self, world: World, mapped: Mapped, path: Path, version: str) -> None:
        world.gate.set()
        world.server.sandbox.faults.add(drop="response", path="*/work/execute")
        items = mapped({"api_version": version}, ledger=path)
        assert [(item.state, item.output) for item in items] == [("done", {"square": n * n}) for n in range(3)]
        assert sorted(item.attempts for item in items) == [1, 1, 2]
        assert world.ran == Counter(range(3))

    @claimed
    def test_that_are_left_unknown_are_settled_by_the_next_run(
        self, world: World, mapped: Mapped, path: Path, version: str
    ) -> None:
        world.gate.set()
        world.server.sandbox.faults.add(drop="response", path="*/work/execute")
        options = {"api_version": version}
        items = mapped({**options, "max_retries": 0}, ledger=path, concurrency=1)
        assert sorted(item.state for item in items) == ["done", "done", "unknown"]
        assert all(item.run_id for item in items)
        again = mapped(options, ledger=path)
        assert [(item.state, item.run_id) for item in again] == [("done", item.run_id) for item in items]
        assert world.ran == Counter(range(3))

    def test_stay_unknown_where_no_id_is_honoured(self, world: World, mapped: Mapped, path: Path) -> None:
        world.gate.set()
        world.server.sandbox.faults.add(drop="response", path="*/work/execute")
        for _ in range(2):
            items = mapped(ledger=path)
            assert sorted(item.state for item in items) == ["done", "done", "unknown"]
        assert world.ran == Counter(range(3))


class TestServers:
    """A ledger belongs to the server that ran it."""

    def test_another_server_is_refused(self, world: World, mapped: Mapped, path: Path) -> None:
        world.gate.set()
        mapped(ledger=path)
        first = world.server.base_url
        with Sandbox().serve() as other, other.client() as client:
            with pytest.raises(sim.LedgerError) as caught:
                client.workflows.map("work", INPUTS, ledger=path)
            assert f"is of {first}, not of {other.base_url}" in str(caught.value)
            assert "Use another ledger" in str(caught.value)
            assert other.sandbox.api_key not in str(caught.value)
            assert other.requests == []
        assert [item.replayed for item in mapped(ledger=path)] == [True] * 3

    def test_one_that_moved_is_said_to_have(self, path: Path) -> None:
        with bound(path, "https://old.example.com"):
            pass
        move(path, "https://new.example.com/")
        with bound(path, "https://new.example.com") as ledger:
            assert ledger.base_url == "https://new.example.com"
        with LedgerView(path) as view:
            assert view.base_url == "https://new.example.com"

    def test_moving_needs_a_ledger_that_nobody_writes_and_an_address(self, path: Path) -> None:
        with pytest.raises(sim.LedgerError, match="There is no ledger"):
            move(path, "https://new.example.com")
        with opened(path):
            with pytest.raises(sim.LedgerError, match="is in use by"):
                move(path, "https://new.example.com")
            with pytest.raises(sim.ConfigurationError, match="no http"):
                move(path, "new")

    def test_one_of_an_earlier_release_becomes_that_of_the_first_that_opens_it(self, path: Path) -> None:
        with opened(path) as ledger:
            assert ledger.base_url == ""
        with bound(path, "https://a.example.com"):
            pass
        with opened(path) as ledger:  # whoever says none is not asked
            assert ledger.base_url == "https://a.example.com"
        with pytest.raises(sim.LedgerError, match="is of https://a"), bound(path, "https://b.example.com"):
            pass

    def test_a_client_that_is_moved_meanwhile_sends_nothing_there(self, world: World, path: Path) -> None:
        world.gate.set()
        with Sandbox().serve() as other, world.server.client() as client:
            batch = client.workflows.map("work", INPUTS, ledger=path)
            client.set_base_url(other.base_url)
            with pytest.raises(sim.LedgerError, match=f"not of {other.base_url}"):
                list(batch)
            assert not [request for request in other.requests if request.path.endswith("/work/execute")]
        assert status(path).total == 0


def bound(path: Path, base_url: str) -> Ledger:
    return Ledger.open(path, workflow_id="wf", mode="sync", api_version="v1", base_url=base_url)
