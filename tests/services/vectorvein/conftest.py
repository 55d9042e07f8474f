"""What all tests of VectorVein share."""

from __future__ import annotations

import ssl
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


@pytest.fixture(scope="module", autouse=True)
def one_tls_context() -> Iterator[None]:
    """Nothing here speaks TLS, but every client reads the machine's certificates, which is what takes long."""
    context = ssl.create_default_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", lambda *args, **kwargs: context)
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches the clients."""
    for name in ("SIM_LOG", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
