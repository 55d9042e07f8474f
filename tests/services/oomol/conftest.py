"""What all tests of Oomol Connect share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simstudio.sandbox.services.oomol import OomolSandbox, OomolServer
from tests.services.oomol.helpers import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time passes only by the clients' sleeping."""
    made = Clock()
    made.rule(monkeypatch)
    return made


@pytest.fixture
def sandbox() -> OomolSandbox:
    return OomolSandbox()


@pytest.fixture
def server(sandbox: OomolSandbox) -> Iterator[OomolServer]:
    with sandbox.serve() as server:
        yield server


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches the clients."""
    for name in ("SIM_LOG", "CI", "OOMOL_BASE_URL", "OOMOL_TOKEN", "OOMOL_APPLETS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
