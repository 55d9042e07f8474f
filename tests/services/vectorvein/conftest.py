"""What all tests of VectorVein share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simstudio.sandbox.services.vectorvein import VectorVeinSandbox, VectorVeinServer
from tests.services.vectorvein.helpers import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time passes only by the clients' sleeping."""
    made = Clock()
    made.rule(monkeypatch)
    return made


@pytest.fixture
def sandbox() -> VectorVeinSandbox:
    return VectorVeinSandbox()


@pytest.fixture
def server(sandbox: VectorVeinSandbox) -> Iterator[VectorVeinServer]:
    with sandbox.serve() as server:
        yield server


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches the clients."""
    for name in ("SIM_LOG", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
