"""The services beside Sim, each with its sandbox, for tests of their commands and batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from simstudio.sandbox.services.oomol import OomolSandbox
from simstudio.sandbox.services.speedpix import SpeedPixSandbox
from simstudio.sandbox.services.vectorvein import VectorVeinSandbox
from tests.services.limited import fields


@attrs.frozen
class Case:
    """A service.

    Attributes:
        sandbox: Makes its sandbox, without waits.
        thing: What is run there; it gives its input back.
        input: An input of a batch, of a number.
        words: Options that make the input of ``run``.
        output: What ``run`` gives for these.
        begins: The path of the request that begins a run.
        noun: A run.
    """

    sandbox: Callable[[], Any]
    thing: str
    input: Callable[[int], Any]
    words: list[str]
    output: Any
    begins: str
    noun: str

    def count_begun(self, server: Any) -> int:
        """How many runs were begun, or tried."""
        return sum(each.method == "POST" and each.path == self.begins for each in server.sandbox.requests)


def fail(inputs: Any) -> Any:
    """Fail."""
    raise ValueError("three is bad")


def oomol() -> OomolSandbox:
    sandbox = OomolSandbox()
    sandbox.block("broken::one")(fail)
    sandbox.applet("a-1", "sandbox::echo")
    return sandbox


def speedpix() -> SpeedPixSandbox:
    sandbox = SpeedPixSandbox(states=())
    sandbox.workflow("broken::one")(fail)
    return sandbox


def vectorvein() -> VectorVeinSandbox:
    sandbox = VectorVeinSandbox(polls=0)
    sandbox.workflow("broken::one")(fail)
    return sandbox


CASES = {
    "oomol": Case(
        oomol,
        "sandbox::echo",
        lambda n: {"n": n},
        ["--input", "name=Ada", "--input", "n=3"],
        {"name": "Ada", "n": 3},
        "/api/v1/tasks",
        "task",
    ),
    "speedpix": Case(
        speedpix,
        "echo",
        lambda n: {"n": n},
        ["--input", "name=Ada", "--input", "n=3"],
        {"name": "Ada", "n": 3},
        "/scc/comfy_prompt",
        "prediction",
    ),
    "vectorvein": Case(
        vectorvein,
        "hello",
        fields,
        ["--input", "node-1.Name=Ada"],
        [{"type": "Text", "title": "Text", "value": "Hello, Ada!"}],
        "/api/v1/open-api/workflow/run",
        "run",
    ),
}


@pytest.fixture(params=CASES)
def service(request: pytest.FixtureRequest) -> str:
    """The word for each service in turn."""
    return str(request.param)


@pytest.fixture
def case(service: str) -> Case:
    return CASES[service]


@pytest.fixture
def served(case: Case, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A sandbox of the service that the environment leads to."""
    with case.sandbox().serve() as server:
        for variable, value in server.environ.items():
            monkeypatch.setenv(variable, value)
        yield server
