"""A batch over a real Dask cluster of several processes, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest

import simstudio as sim
from simstudio.batch.ledger import status
from simstudio.batch.workers import CLAIMED_ELSEWHERE
from tests.batch.elsewhere import PATIENCE, Works, inputs, redis_server, until, working

distributed = pytest.importorskip("distributed", reason="Dask comes with the extra [external]")

pytestmark = pytest.mark.external

COUNT = 40
HELD = 7
"""The input whose worker is killed while it waits for its answer."""


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[distributed.Client]:
    """Three processes with one thread each; who dies is replaced."""
    cluster = distributed.LocalCluster(
        n_workers=3,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",  # any free port: another cluster may run on this machine
        local_directory=str(tmp_path_factory.mktemp("dask")),
        silence_logs="CRITICAL",
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def works() -> Iterator[Works]:
    with working() as made:
        yield made


@pytest.fixture
def executor(dask: distributed.Client) -> Executor:
    dask.wait_for_workers(3, timeout=PATIENCE)
    made: Executor = dask.get_executor()
    return made


class Killing:
    """Kills the worker that executes ``HELD`` while it waits for its answer."""

    def __init__(self, works: Works) -> None:
        self.works = works
        works.held = {HELD}
        self.killed: int | None = None
        self._thread = threading.Thread(target=self._kill)

    def _kill(self) -> None:
        (self.killed, *_) = until(lambda: self.works.senders(HELD), "the held execution")
        assert self.killed != os.getpid()
        os.kill(self.killed, signal.SIGKILL)

    def __enter__(self) -> Killing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(PATIENCE)
        self.works.gate.set()


class TestACluster:
    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_everything_is_executed_once_by_its_processes(
        self, works: Works, executor: Executor, redis_url: str, version: str
    ) -> None:
        with works.client(version=version) as client:
            items = list(client.workflows.map("work", inputs(COUNT), executor=executor, claims=redis_url))
        assert [item.output for item in items] == [{"n": 2 * n} for n in range(COUNT)]
        assert (works.most, len(works.counts)) == (1, COUNT)
        assert len(set(works.senders())) == 3
        assert os.getpid() not in works.senders()

    async def test_of_the_async_client_too(self, works: Works, executor: Executor) -> None:
        async with works.async_client(version="v2") as client:
            items = [item async for item in client.workflows.map("work", inputs(COUNT), executor=executor)]
        assert [item.output for item in items] == [{"n": 2 * n} for n in range(COUNT)]
        assert (works.most, len(works.counts)) == (1, COUNT)

    @pytest.mark.parametrize("mode", ["async", "stream"])
    def test_in_every_mode(self, works: Works, executor: Executor, mode: Any) -> None:
        with works.client(version="v2") as client:
            items = list(client.workflows.map("work", inputs(6), executor=executor, mode=mode))
        assert [item.output for item in items] == [{"n": 2 * n} for n in range(6)]
        assert works.most == 1

    def test_equal_inputs_are_executions_of_their_own(self, works: Works, executor: Executor) -> None:
        with works.client(version="v2") as client:
            items = list(client.workflows.map("work", [{"n": 1}] * 5, executor=executor))
        assert len(items) == 5
        assert works.counts == {1: 5}

    def test_v1_without_claims_is_refused(self, works: Works, executor: Executor) -> None:
        with works.client() as client, pytest.raises(sim.InvalidInputError, match="ClientExecutor may run the tasks"):
            client.workflows.map("work", inputs(COUNT), executor=executor)
        assert not works.counts


class TestAWorkerThatIsKilled:
    def test_in_v2_nothing_is_lost_and_nothing_ran_twice(
        self, works: Works, executor: Executor, tmp_path: Path
    ) -> None:
        path = tmp_path / "runs.sqlite"
        with works.client(version="v2") as client, Killing(works) as killing:
            batch = client.workflows.map("work", inputs(COUNT), executor=executor, ledger=path)
            again = threading.Thread(target=self._go_on, args=(works,))
            again.start()
            items = list(batch)
            again.join(PATIENCE)
        assert [item.output for item in items] == [{"n": 2 * n} for n in range(COUNT)]
        assert (works.most, len(works.counts), status(path).done) == (1, COUNT, COUNT)
        first, second, *_ = works.senders(HELD)
        assert first == killing.killed != second  # Dask ran it again, and the server knew it

    def _go_on(self, works: Works) -> None:
        until(lambda: len(works.senders(HELD)) >= 2, "the second run of the task")
        works.gate.set()

    def test_in_v1_with_claims_nothing_is_lost_and_nothing_ran_twice(
        self, works: Works, executor: Executor, redis_url: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "runs.sqlite"
        with works.client() as client, Killing(works) as killing:
            items = list(client.workflows.map("work", inputs(COUNT), executor=executor, ledger=path, claims=redis_url))
        assert [item.index for item in items] == list(range(COUNT))
        assert (works.most, len(works.counts)) == (1, COUNT)
        unknown = [item for item in items if item.state == "unknown"]
        # what the worker had done and not yet handed over is as little known as what it was at
        assert HELD in {item.index for item in unknown}
        assert all(works.senders(item.index) == [killing.killed] for item in unknown)
        assert {item.error and item.error.code for item in unknown} == {CLAIMED_ELSEWHERE}
        assert all(item.output == {"n": 2 * item.index} for item in items if item.state != "unknown")
        assert (status(path).unknown, status(path).done) == (len(unknown), COUNT - len(unknown))
