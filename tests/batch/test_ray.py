"""A batch over a real Ray on this machine, with the executor of ``examples/ray_batch.py``; a worker is killed."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest

from simstudio.batch.ledger import status
from tests.batch.elsewhere import Works, inputs, until, working

pytestmark = [
    pytest.mark.external,
    pytest.mark.filterwarnings("ignore"),  # Ray's own
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]

COUNT = 40
HELD = 7
"""The input whose worker is killed while it waits for its answer."""


@pytest.fixture(scope="module")
def example() -> Any:
    path = Path(__file__).parents[2] / "examples" / "ray_batch.py"
    spec = importlib.util.spec_from_file_location("ray_batch", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def executor(example: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    home, before = str(tmp_path_factory.mktemp("ray")), os.environ.get("HOME")
    os.environ |= {"HOME": home, "RAY_USAGE_STATS_ENABLED": "0"}
    example.ray.init(include_dashboard=False, log_to_driver=False)
    try:
        yield example.RayExecutor(2, threads=4)
    finally:
        example.ray.shutdown()
        os.environ.pop("HOME") if before is None else os.environ.update(HOME=before)


@pytest.fixture
def works() -> Iterator[Works]:
    with working() as made:
        yield made


def test_everything_is_executed_once_by_its_processes(works: Works, executor: Executor) -> None:
    with works.client(version="v2") as client:
        items = list(client.workflows.map("work", inputs(COUNT), executor=executor, concurrency=8))

    assert [item.output for item in items] == [{"n": 2 * n} for n in range(COUNT)]
    assert (works.most, len(works.counts)) == (1, COUNT)
    assert len(set(works.senders()) - {os.getpid()}) == 2


def test_of_a_worker_that_is_killed_nothing_is_lost_and_nothing_ran_twice(
    works: Works, executor: Executor, tmp_path: Path
) -> None:
    works.held = {HELD}
    path = tmp_path / "runs.sqlite"
    with works.client(version="v2") as client:
        batch = client.workflows.map(
            "work", inputs(COUNT), executor=executor, concurrency=8, ledger=path, ordered=False
        )
        items = [next(batch)]
        (worker, *_) = until(lambda: works.senders(HELD), "the held execution")
        assert worker != os.getpid()
        os.kill(worker, signal.SIGKILL)
        until(lambda: len(works.senders(HELD)) >= 2, "the second request for it")
        works.gate.set()
        items += batch

    assert {item.index: item.output for item in items} == {n: {"n": 2 * n} for n in range(COUNT)}
    assert (works.most, len(works.counts), status(path).done) == (1, COUNT, COUNT)
