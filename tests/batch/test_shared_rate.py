"""``shared=``: coordinators that use one account count its tokens in one place (see test_pace_shared)."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

import simstudio as sim
from simstudio.batch.plan import account_of, shared_address
from simstudio.batch.shared_pace import SharedPace
from simstudio.sandbox import RateLimits
from tests.batch.elsewhere import PATIENCE, Works, inputs, redis_server, until, working
from tests.driving import context_of

RATE = 20
BURST = 2 * RATE

Counters = Callable[[], dict[str, int]]


@pytest.fixture
def works() -> Iterator[Works]:
    with working() as made:
        made.sandbox.rate_limits = RateLimits(sync_per_minute=RATE)
        yield made


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["file", pytest.param("redis", marks=pytest.mark.external)])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return str(tmp_path / "rate.sqlite")
    url: str = request.getfixturevalue("redis_url")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


def counted(shared: str, account: str) -> dict[str, int]:
    """What is in the store, of one account."""
    if "://" not in shared:
        db = sqlite3.connect(shared)
        found = dict(db.execute("SELECT key, value FROM counters").fetchall())
        db.close()
    else:
        with redis.Redis.from_url(shared, decode_responses=True) as client:
            found = {key: int(client.get(key) or 0) for key in client.scan_iter()}
    return {key: value for key, value in found.items() if account in key}


def taken(shared: str, account: str) -> int:
    return sum(value for key, value in counted(shared, account).items() if ":taken:" in key)


def coordinate(base_url: str, key: str, shared: str, count: int) -> int:
    """A coordinator in a process of its own; how many it executed."""
    with sim.Client(key, base_url) as client:
        return client.workflows.map("work", inputs(count), shared=shared).run().done


def test_processes_count_in_one_place(works: Works, shared: str) -> None:
    told = (works.server.base_url, works.sandbox.api_key, shared)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        running = [processes.submit(coordinate, *told, count) for count in (6, 9)]
        assert [each.result(PATIENCE) for each in running] == [6, 9]
    with works.client() as client:
        assert taken(shared, account_of(context_of(client))) == 15


async def test_an_async_coordinator_counts_there_too(works: Works, shared: str) -> None:
    async with works.async_client() as client:
        assert (await client.workflows.map("work", inputs(6), shared=shared).run()).done == 6
        assert taken(shared, account_of(context_of(client))) == 6


def test_together_they_send_no_more_than_is_allowed(works: Works, shared: str) -> None:
    with works.client() as first, works.client() as second:
        batches = [client.workflows.map("work", inputs(BURST), shared=shared) for client in (first, second)]
        threads = [threading.Thread(target=batch.run) for batch in batches]
        for thread in threads:
            thread.start()
        until(lambda: works.counts.total() == BURST, "all that is allowed")
        for batch in batches:
            batch.close()
        for thread in threads:
            thread.join(PATIENCE)
    assert works.counts.total() == BURST
    # the one that finds out whether the server means it
    assert sum(batch.progress.refused for batch in batches) <= 1


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_workers_of_an_executor_have_the_coordinators_rate(works: Works, shared: str) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as executor, works.client() as client:
        items = list(client.workflows.map("work", inputs(6), executor=executor, shared=shared))
        assert taken(shared, account_of(context_of(client))) == 6
    assert all(item.ok for item in items)


class TestTheAccount:
    def test_another_key_or_another_server_is_another_account(self) -> None:
        clients = [
            sim.Client("sk-sim-a", "http://a"),
            sim.Client("sk-sim-b", "http://a"),
            sim.Client("sk-sim-a", "http://b"),
        ]
        assert len({account_of(context_of(client)) for client in clients}) == 3

    def test_it_is_the_same_for_both_clients_and_every_clone(self) -> None:
        sync, asynchronous = sim.Client("sk-sim-a", "http://a"), sim.AsyncClient("sk-sim-a", "http://a/")
        told = {account_of(context_of(client)) for client in (sync, asynchronous, sync.with_options(timeout=1))}
        assert len(told) == 1

    def test_the_key_cannot_be_told_from_it(self) -> None:
        assert "secret" not in account_of(context_of(sim.Client("sk-sim-secret", "http://a")))

    def test_without_a_key_there_is_one_too(self) -> None:
        assert account_of(context_of(sim.Client(sim.ANONYMOUS, "http://a")))


class TestTheAddress:
    @pytest.mark.parametrize(
        ("shared", "address"),
        [
            ("redis://host:6379/0", "redis://host:6379/0"),
            ("rate.sqlite", "sqlite:///rate.sqlite"),
            ("/var/rate.sqlite", "sqlite:////var/rate.sqlite"),
            (Path("/var/rate.sqlite"), "sqlite:////var/rate.sqlite"),
        ],
    )
    def test_a_path_is_one_too(self, shared: Any, address: str) -> None:
        assert shared_address(shared) == address

    @pytest.mark.parametrize("shared", ["", 7, object()])
    def test_what_is_none(self, works: Works, shared: Any) -> None:
        with works.client() as client, pytest.raises(sim.InvalidInputError, match="shared must be"):
            client.workflows.map("work", inputs(1), shared=shared)

    def test_a_store_that_cannot_be_used_leaves_the_ledger_alone(self, works: Works, tmp_path: Path) -> None:
        path = tmp_path / "runs.sqlite"
        with works.client() as client, pytest.raises(sim.ConfigurationError):
            client.workflows.map("work", inputs(1), shared="redis://127.0.0.1:1/0", ledger=path)
        assert not path.exists()

    def test_where_the_ledger_cannot_be_used_the_store_is_closed(
        self, works: Works, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed: list[SharedPace] = []

        really = SharedPace.close

        def close(pace: SharedPace) -> None:
            closed.append(pace)
            really(pace)

        monkeypatch.setattr(SharedPace, "close", close)
        with works.client() as client, pytest.raises(sim.LedgerError):
            client.workflows.map("work", inputs(1), shared=str(tmp_path / "rate.sqlite"), ledger=tmp_path)
        assert len(closed) == 1
