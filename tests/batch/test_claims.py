"""Of all who have the same task, one may send it: claims in a real Redis, and the server's own."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest
import redis
from fakes import Fake, options_of

import simstudio as sim
from simstudio.batch.claims import CLAIMS_UNREACHABLE, RedisClaims, check_claims, open_claims
from simstudio.batch.engine import Engine
from simstudio.batch.ledger import Ledger, LedgerView, status
from simstudio.batch.pace import Pace
from simstudio.batch.sources import Inline
from simstudio.batch.workers import CLAIMED_ELSEWHERE, clients, stores
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.transport.retry import Backoff
from tests.batch.elsewhere import Again, Works, inputs, redis_server, until, working

CLOSED = "redis://:hunter2@127.0.0.1:1/0"
"""Nobody listens there."""


@pytest.fixture
def works() -> Iterator[Works]:
    with working() as made:
        yield made
    clients.close()
    stores.close()


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisClaims]:
    made = RedisClaims(redis_url)
    yield made
    made.close()


class TestTheStore:
    @pytest.mark.external
    def test_a_name_is_claimed_once(self, store: RedisClaims) -> None:
        assert [store.claim("once"), store.claim("once"), store.claim("another")] == [True, False, True]

    @pytest.mark.external
    def test_by_one_of_many_threads(self, store: RedisClaims) -> None:
        with ThreadPoolExecutor(16) as threads:
            assert list(threads.map(lambda _: store.claim("threads"), range(50))).count(True) == 1

    @pytest.mark.external
    def test_by_one_of_many_processes(self, redis_url: str) -> None:
        with multiprocessing.get_context("spawn").Pool(3) as processes:
            won = processes.map(claimed, [(redis_url, f"processes-{n}") for n in range(10)] * 3, chunksize=1)
        assert won.count(True) == 10

    @pytest.mark.external
    def test_a_claim_whose_answer_was_lost_is_the_callers(
        self, store: RedisClaims, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The client repeats the command, which then meets the claim it has made itself."""
        told = redis.Redis.set

        def repeated(*args: Any, **options: Any) -> Any:
            told(*args, **options)
            return told(*args, **options)

        monkeypatch.setattr(redis.Redis, "set", repeated)
        assert store.claim("lost answer")
        assert not store.claim("lost answer")

    @pytest.mark.external
    def test_a_claim_is_not_kept_for_ever(self, store: RedisClaims, redis_url: str) -> None:
        store.claim("kept")
        with redis.Redis.from_url(redis_url) as server:
            assert 6 * 24 * 3600 < server.ttl("simstudio:claim:kept") <= 7 * 24 * 3600

    def test_where_it_cannot_be_asked_nothing_may_be_sent(self) -> None:
        store = RedisClaims(CLOSED)
        with pytest.raises(sim.APIConnectionError, match="cannot be asked") as caught:
            store.claim("name")
        assert (caught.value.sent, caught.value.code) == (False, CLAIMS_UNREACHABLE)
        assert "hunter2" not in f"{caught.value}{store!r}"
        store.close()

    def test_without_its_package_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "redis", None)
        with pytest.raises(sim.ConfigurationError, match="pip install redis"):
            open_claims(CLOSED)

    @pytest.mark.parametrize("url", ["http://:hunter2@host/0", "claims.sqlite", "", None, 7])
    def test_what_is_no_address_of_one(self, url: Any) -> None:
        with pytest.raises(sim.InvalidInputError, match="redis://") as caught:
            check_claims(url)
        assert "hunter2" not in str(caught.value)

    def test_an_address_that_redis_does_not_understand(self) -> None:
        with pytest.raises(sim.ConfigurationError, match="names no Redis"):
            open_claims("redis://127.0.0.1:port/0")


def claimed(told: tuple[str, str]) -> bool:
    """In a process of its own."""
    store = RedisClaims(told[0])
    try:
        return store.claim(told[1])
    finally:
        store.close()


class TestAnExecutorThatRunsTasksAgain:
    def test_is_refused_in_v1_where_nothing_keeps_it_from_that(self, works: Works, tmp_path: Path) -> None:
        path = tmp_path / "runs.sqlite"
        with works.client() as client, pytest.raises(sim.InvalidInputError, match=r"claims=.*v2.*on_unknown") as caught:
            client.workflows.map("work", inputs(2), executor=Again(), ledger=path)
        assert "Again may run the tasks of dead workers again" in str(caught.value)
        assert not path.exists()

    async def test_by_the_async_client_too(self, works: Works) -> None:
        async with works.async_client() as client:
            with pytest.raises(sim.InvalidInputError, match=r"claims=.*v2.*on_unknown"):
                client.workflows.map("work", inputs(2), executor=Again())

    def test_is_taken_where_its_user_accepts_that(self, works: Works) -> None:
        with works.client() as client:
            (item,) = client.workflows.map("work", inputs(1), executor=twice(), on_unknown="rerun")
        assert item.ok
        assert works.counts == {0: 2}

    @pytest.mark.external
    @pytest.mark.parametrize("mode", ["sync", "async", "stream"])
    def test_with_claims_the_second_run_sends_nothing(self, works: Works, redis_url: str, mode: Any) -> None:
        with works.client() as client:
            items = list(client.workflows.map("work", inputs(3), executor=twice(), claims=redis_url, mode=mode))
        until(lambda: len(works.counts) == 3, "what was queued")
        assert works.counts == {0: 1, 1: 1, 2: 1}
        assert [(item.state, item.error and item.error.code) for item in items] == [("unknown", CLAIMED_ELSEWHERE)] * 3

    @pytest.mark.external
    async def test_of_the_async_client_too(self, works: Works, redis_url: str) -> None:
        async with works.async_client() as client:
            batch = client.workflows.map("work", inputs(3), executor=twice(), claims=redis_url)
            items = [item async for item in batch]
        assert works.counts == {0: 1, 1: 1, 2: 1}
        assert [item.state for item in items] == ["unknown"] * 3

    @pytest.mark.parametrize("mode", ["sync", "async", "stream"])
    def test_in_v2_the_second_run_learns_what_became_of_the_first(self, works: Works, mode: Any) -> None:
        with works.client(version="v2") as client:
            items = list(client.workflows.map("work", inputs(3), executor=twice(), mode=mode))
        assert works.counts == {0: 1, 1: 1, 2: 1}
        assert [item.output for item in items] == [{"n": 0}, {"n": 2}, {"n": 4}]

    def test_in_v2_no_store_is_needed_and_none_is_asked(self, works: Works) -> None:
        with works.client(version="v2") as client:
            (item,) = client.workflows.map("work", inputs(1), executor=Again(), claims=CLOSED)
        assert item.ok

    @pytest.mark.external
    def test_an_item_that_is_sent_again_is_claimed_anew(self, works: Works, redis_url: str) -> None:
        """A refusal is no execution: its next attempt is another task."""
        works.sandbox.faults.add(status=429, headers={"retry-after": "0"}, workflow="work", times=1)
        with works.client() as client:
            (item,) = client.workflows.map("work", inputs(1), executor=Again(), claims=redis_url)
        assert (item.ok, item.attempts) == (True, 2)

    def test_a_store_that_cannot_be_reached_is_told_before_anything_is_sent(self, works: Works) -> None:
        with works.client() as client, pytest.raises(sim.ConfigurationError, match="cannot be reached") as caught:
            client.workflows.map("work", inputs(1), executor=Again(), claims=CLOSED)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.external
    def test_where_a_worker_cannot_claim_an_earlier_run_may_have_sent(self, works: Works, redis_url: str) -> None:
        with works.client() as client:
            (item,) = client.workflows.map("work", inputs(1), executor=Again(unclaimed), claims=redis_url)
        assert (item.state, item.error and item.error.code) == ("unknown", CLAIMS_UNREACHABLE)
        assert not works.counts

    @pytest.mark.external
    def test_of_a_pool_that_runs_each_once_it_surely_did_not(self, works: Works, redis_url: str) -> None:
        with works.client() as client, Once(1) as executor:
            once = client.with_options(max_retries=0)
            with pytest.raises(sim.APIConnectionError, match="cannot be asked"):
                list(once.workflows.map("work", inputs(1), executor=executor, claims=redis_url))
        assert not works.counts


def twice() -> Again:
    """Runs each task twice, and hands back what the second run says: the first worker died."""

    def play(run: Any, task: Any) -> Any:
        run(task)
        return run(task)

    return Again(play)


def unclaimed(run: Any, task: Any) -> Any:
    """A worker that cannot reach the store."""
    return run(attrs.evolve(task, store=CLOSED))


class Once(ThreadPoolExecutor):
    """A pool of threads that cannot reach the store."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return super().submit(unclaimed, fn, *args)


class Answers(Fake):
    """Executes by a list of answers, one a sending; with claims."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(claims=True)
        self.answers = list(answers)
        self.run_ids: list[str | None] = []

    async def execute(self, value: Any, claim: str | None, queued: Any) -> WorkflowExecutionResult:
        self.run_ids.append(claim)
        answer = self.answers.pop(0)
        if isinstance(answer, sim.SimStudioError):
            raise answer
        return WorkflowExecutionResult(True, answer)


class Box:
    full = False

    def __init__(self) -> None:
        self.items: list[sim.BatchItem] = []

    def put(self, item: sim.BatchItem) -> None:
        self.items.append(item)


class TestTheServersOwnClaim:
    """What was sent once under a run id is never forgotten, whatever its next attempt meets."""

    def play(self, path: Path, *answers: Any) -> tuple[Box, Answers]:
        box, sender = Box(), Answers(*answers)
        ledger = Ledger.open(path, workflow_id="wf", mode="sync", api_version="v2")
        options = options_of(backoff=Backoff(initial=0.0, jitter=0.0))
        engine = Engine(
            sender=sender,
            source=Inline(iter([1])),
            outbox=box,
            pace=Pace(concurrency=1),
            options=options,
            ledger=ledger,
        )
        try:
            asyncio.run(engine.run())
        finally:
            ledger.close()
        return box, sender

    @pytest.mark.parametrize("then", [sim.AuthenticationError("key", status=401), sim.ConfigurationError("worker")])
    def test_by_a_run_that_ended_with_an_error(self, tmp_path: Path, then: sim.SimStudioError) -> None:
        path = tmp_path / "runs.sqlite"
        with pytest.raises(type(then)):
            self.play(path, sim.APITimeoutError("late"), then)
        assert status(path).sending == 1
        with LedgerView(path) as view:
            assert [entry.run_id for entry in view.entries()] == ["run-0"]
        box, sender = self.play(path, 7)
        assert (sender.run_ids, [item.output for item in box.items]) == (["run-0"], [7])
