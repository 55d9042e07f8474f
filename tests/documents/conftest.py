"""What the documents' tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simstudio.sandbox import Sandbox
from tests.documents.stage import GENERATIONS, finished_job, world
from tests.tls import one_tls_context  # noqa: F401 - a fixture


@pytest.fixture(params=GENERATIONS)
def generation(request: pytest.FixtureRequest) -> str:
    """A server that answers as documented, and ones that answer like the recordings of v0.4.22 and v0.6.43."""
    return request.param


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches the examples."""
    for name in ("SIM_API_KEY", "SIM_BASE_URL", "SIM_API_VERSION", "SIM_LOG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Serve a sandbox as ``https://sim.ai`` until the test ends: ``server = serve(sandbox)``."""
    open_contexts: list[Any] = []

    def start(sandbox: Sandbox, *, job: bool = False, **options: Any) -> Any:
        server = sandbox.serve().start()
        open_contexts.append(server)
        if job:  # which the documents call by a name of their own
            options["job"] = finished_job(server)
        there = world(server.base_url, monkeypatch, **options)
        there.__enter__()
        open_contexts.append(there)
        return server

    yield start
    for context in reversed(open_contexts):
        context.__exit__(None, None, None)


@pytest.fixture
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses of the example and of the client are not slept, but noted, in seconds."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept
