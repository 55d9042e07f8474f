"""``examples/ray_batch.py``, with a stand-in for Ray, which has no place among the packages of the tests."""

from __future__ import annotations

import importlib.util
import pickle
import py_compile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import simstudio as sim

EXAMPLE = Path(__file__).parents[2] / "examples" / "ray_batch.py"


class Ray:
    """What of Ray the example uses: functions that become remote, and references that are futures."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(4)
        self.options: list[dict[str, Any]] = []
        self.functions: list[Callable[..., Any]] = []
        self.dies: set[int] = set()

    def remote(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        self.options.append(options)
        return self._remote

    def _remote(self, function: Callable[..., Any]) -> Any:
        self.functions.append(function)
        return Remote(self, pickle.dumps(function))


class Remote:
    def __init__(self, ray: Ray, function: bytes) -> None:
        self.ray, self.function = ray, function
        self.calls = 0

    def remote(self, *args: Any) -> Reference:
        self.calls += 1
        return Reference(self.ray.threads.submit(self._run, self.calls, pickle.dumps(args)))

    def _run(self, call: int, args: bytes) -> Any:
        answer = pickle.loads(self.function)(*pickle.loads(args))
        if call in self.ray.dies:  # and Ray runs its task again
            answer = pickle.loads(self.function)(*pickle.loads(args))
        return answer


class Reference:
    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def future(self) -> Future[Any]:
        return self._future


@pytest.fixture
def example() -> Any:
    spec = importlib.util.spec_from_file_location("example_ray_batch", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ray() -> Iterator[Ray]:
    made = Ray()
    yield made
    made.threads.shutdown()


def test_it_compiles(tmp_path: Path) -> None:
    py_compile.compile(str(EXAMPLE), cfile=str(tmp_path / "ray_batch.pyc"), doraise=True)


def test_it_runs_its_workflow_over_all_inputs(example: Any, ray: Ray, capsys: pytest.CaptureFixture[str]) -> None:
    with example.sandbox.serve() as server, server.client(api_version="v2") as client:
        example.main(client, example.RayExecutor(ray))
    assert capsys.readouterr().out == "20 done, 0 not; the sum is 2470\n"
    assert (ray.options, len(ray.functions)) == ([{"num_cpus": 0.1}], 1)


def test_what_ray_runs_again_is_not_executed_again(example: Any, ray: Ray, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[int] = []

    @example.sandbox.workflow("square")
    def square(input: dict[str, int]) -> Any:
        ran.append(input["n"])
        return example.square(input)

    ray.dies = {3, 5}
    with example.sandbox.serve() as server, server.client(api_version="v2") as client:
        example.main(client, example.RayExecutor(ray))
    assert sorted(ran) == list(range(20))
    assert capsys.readouterr().out == "20 done, 0 not; the sum is 2470\n"


def test_in_v1_it_is_refused_without_claims(example: Any, ray: Ray) -> None:
    refused = pytest.raises(sim.InvalidInputError, match="RayExecutor may run the tasks of dead workers again")
    with example.sandbox.serve() as server, server.client() as client, refused:
        example.main(client, example.RayExecutor(ray))


def test_a_closed_one_takes_no_tasks(example: Any, ray: Ray) -> None:
    with example.RayExecutor(ray) as executor:
        assert executor.submit(abs, -7).result() == 7
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, -7)
