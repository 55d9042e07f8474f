"""Executions that the limits refuse, against the sandbox over real connections: none is lost, none runs twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import simstudio as sim
from simstudio.batch.items import prepare
from simstudio.batch.ledger import Intent, Ledger, LedgerView
from simstudio.batch.pace import Pace
from simstudio.core.polling import Poller, PollSchedule
from simstudio.sandbox import RateLimits, Sandbox, SandboxServer
from simstudio.transport.flow import Flow
from simstudio.transport.message import Request, Response
from simstudio.transport.stack import Handler, Middleware

VERSIONS = {"v2": ("v0.6", "X-Run-Id"), "v1": ("v0.8", "X-Execution-Id")}
"""Of each API version: a generation of the sandbox that runs an execution at most once, and the header of its id."""


class World:
    """A Sim that takes six executions of each kind, and then refuses all until a minute has passed.

    Its minute passes with each refusal that a client hears of, which sleeps for none.

    Args:
        version: The API version that its clients use.
    """

    burst = 6

    def __init__(self, version: str) -> None:
        generation, self.header = VERSIONS[version]
        self.options: dict[str, Any] = {"api_version": version}
        self.now = 1_795_161_600.0
        self.ran: Counter[int] = Counter()
        self.refused: list[str] = []
        limits = RateLimits(sync_per_minute=3, async_per_minute=3, v1_per_minute=10_000)
        self.sandbox = Sandbox(generation=generation, rate_limits=limits, clock=lambda: self.now)  # type: ignore[arg-type]
        self.sandbox.workflow("work")(self._work)
        self.sandbox.faults.add(status=500, path="*/usage-limits", times=None)  # else a batch waits for its minute
        self.server: SandboxServer = self.sandbox.serve()

    def _work(self, input: dict[str, Any]) -> dict[str, Any]:
        self.ran[input["n"]] += 1
        return {"square": input["n"] ** 2}

    def hurry(self, request: Request, call_next: Handler) -> Flow[Response]:
        response: Response = yield from call_next(request)
        if response.status == 429:
            self.refused.append(request.headers[self.header])
            self.now += 60
            if "Retry-After" in response.headers:  # of v1 there is none
                response.headers["Retry-After"] = "0"
        return response

    def stack(self, default: list[Middleware]) -> list[Middleware]:
        at_once = sim.Retry(sim.RetryPolicy(backoff=sim.Backoff(initial=0.0)))
        return [at_once if isinstance(each, sim.Retry) else each for each in default] + [self.hurry]

    @property
    def sent(self) -> list[str]:
        """The run ids that executions were sent with, in order."""
        asked = [each for each in self.sandbox.requests if each.path.endswith("/work/execute")]
        return [each.headers[self.header.lower()] for each in asked]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are asked for at short intervals, and no batch waits for a minute that has passed."""
    refuse = Pace.see_refusal
    monkeypatch.setattr(Pace, "see_refusal", lambda pace, _: refuse(pace, 0.0))
    monkeypatch.setattr("simstudio.resources.jobs.Jobs.poller", Poller(PollSchedule(initial=0.01, maximum=0.01)))


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(getattr(request, "param", "v2"))
    with world.server:
        yield world


class Caller:
    """One call of a client, sync or async."""

    def __init__(self, world: World, asynchronous: bool) -> None:
        self.world = world
        self.asynchronous = asynchronous

    def __call__(self, name: str, n: int, **options: Any) -> sim.WorkflowExecutionResult:
        """What an operation of ``client.workflows`` gives for an input; of a receipt, its job's result."""
        if self.asynchronous:
            return asyncio.run(self._async(name, n, options))
        with self.world.server.client(middleware=self.world.stack, **self.world.options) as client:
            given = getattr(client.workflows, name)("work", {"n": n}, **options)
            if name == "submit":
                return client.jobs.wait(given).result
            return given.result() if name == "stream" else given

    async def _async(self, name: str, n: int, options: dict[str, Any]) -> sim.WorkflowExecutionResult:
        async with self.world.server.async_client(middleware=self.world.stack, **self.world.options) as client:
            given = await getattr(client.workflows, name)("work", {"n": n}, **options)
            if name == "submit":
                return (await client.jobs.wait(given)).result
            return await given.result() if name == "stream" else given

    def map(self, inputs: list[dict[str, int]], **options: Any) -> list[sim.BatchItem]:
        async def mapped() -> list[sim.BatchItem]:
            async with self.world.server.async_client(middleware=self.world.stack, **self.world.options) as client:
                return [item async for item in client.workflows.map("work", inputs, concurrency=2, **options)]

        if self.asynchronous:
            return asyncio.run(mapped())
        with self.world.server.client(middleware=self.world.stack, **self.world.options) as client:
            return list(client.workflows.map("work", inputs, concurrency=2, **options))


@pytest.fixture(params=["sync", "async"])
def caller(request: pytest.FixtureRequest, world: World) -> Caller:
    return Caller(world, asynchronous=request.param == "async")


def use_up(world: World, name: str) -> None:
    """Let the next execution be refused."""
    with world.server.client(max_retries=0, **world.options) as client:
        run = client.workflows.run if name in ("submit", "run") else client.workflows.execute
        for n in range(-world.burst, 0):
            run("work", {"n": n})


both_versions = pytest.mark.parametrize("world", VERSIONS, indirect=True)


@both_versions
@pytest.mark.parametrize("name", ["execute", "stream", "submit", "run"])
def test_one_that_is_refused_is_sent_again_under_a_new_id(world: World, caller: Caller, name: str) -> None:
    use_up(world, name)
    sent = len(world.sent)
    result = caller(name, 3, idempotent=True)
    first, second = world.sent[sent:]
    assert (result.output, result.run_id, world.refused) == ({"square": 9}, second, [first])
    assert world.ran[3] == 1


@both_versions
@pytest.mark.parametrize("name", ["execute", "stream", "submit"])
def test_one_whose_refusal_is_lost_never_ran(world: World, caller: Caller, name: str) -> None:
    use_up(world, name)
    sent = len(world.sent)
    world.sandbox.faults.add(drop="response", path="*/work/execute")
    result = caller(name, 3, idempotent=True)
    first, again, *others = world.sent[sent:]
    assert first == again  # whose conflict leads to reading the run
    assert (result.output, result.run_id, world.ran[3]) == ({"square": 9}, others[-1], 1)
    assert first not in others


@both_versions
@pytest.mark.parametrize("mode", ["sync", "async", "stream"])
def test_each_item_of_a_batch_runs_once(world: World, caller: Caller, mode: str, tmp_path: Path) -> None:
    inputs = [{"n": n} for n in range(9)]
    items = caller.map(inputs, mode=mode, ledger=tmp_path / "runs.sqlite")
    assert [(item.state, item.output) for item in items] == [("done", {"square": n * n}) for n in range(9)]
    assert world.ran == Counter(range(9))
    assert world.refused
    assert not set(world.refused) & {item.run_id for item in items}
    assert len(set(world.sent)) == len(world.sent)
    with LedgerView(tmp_path / "runs.sqlite") as view:
        assert [entry.run_id for entry in view.entries()] == [item.run_id for item in items]


@both_versions
def test_an_item_whose_refusal_an_earlier_run_did_not_hear_of_runs(
    world: World, caller: Caller, tmp_path: Path
) -> None:
    path = tmp_path / "runs.sqlite"
    use_up(world, "execute")
    base_url = world.server.base_url
    version = world.options["api_version"]
    with Ledger.open(path, workflow_id="work", mode="sync", api_version=version, base_url=base_url) as ledger:
        ledger.intend([Intent(prepare(0, {"n": 3}), "mine")])
    own = {world.header: "mine"}
    target = "/api/v2/workflows/work/execute" if version == "v2" else "/api/workflows/work/execute"
    with world.server.client(max_retries=0, **world.options) as client, pytest.raises(sim.RateLimitError):
        client.request("POST", target, json={"input": {"n": 3}}, headers=own)
    (item,) = caller.map([{"n": 3}], ledger=path)
    assert (item.state, item.output, world.ran[3]) == ("done", {"square": 9}, 1)
    assert item.run_id != "mine"
