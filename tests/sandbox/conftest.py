from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simstudio.sandbox import Sandbox
from tests.tls import one_tls_context  # noqa: F401 - a fixture

from .calls import Caller, Serve

sys.path.insert(0, str(Path(__file__).parent.parent))  # for `recorded`


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve sandboxes until the test ends: ``call = serve(Sandbox(...))``."""
    callers: list[Caller] = []

    def start(sandbox: Sandbox | None = None) -> Caller:
        caller = Caller((sandbox or Sandbox()).serve().start())
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
