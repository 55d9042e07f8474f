from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox import Sandbox
from tests.tls import one_tls_context  # noqa: F401 - a fixture

from .calls import Caller, Serve

sys.path.insert(0, str(Path(__file__).parent.parent))  # for `recorded`


@pytest.fixture
def generation(request: pytest.FixtureRequest) -> Any:
    """The generation that a test or its module names (``@pytest.mark.generation("v0.6")``), else the default."""
    marker = request.node.get_closest_marker("generation")
    return "v0.8" if marker is None else marker.args[0]


@pytest.fixture
def serve(generation: Any) -> Iterator[Serve]:
    """Serve sandboxes until the test ends: ``call = serve(Sandbox(...))``."""
    callers: list[Caller] = []

    def start(sandbox: Sandbox | None = None) -> Caller:
        caller = Caller((sandbox or Sandbox(generation=generation)).serve().start())
        callers.append(caller)
        return caller

    yield start
    for caller in callers:
        caller.http.close()
        caller.server.close()


@pytest.fixture
def call(serve: Serve) -> Caller:
    """A served sandbox with nothing special about it."""
    return serve()
