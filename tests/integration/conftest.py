"""What all replays share."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from tests.integration.replaying import MODES


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Each test replays through the sync and through the async client."""
    return request.param


@pytest.fixture(scope="module", autouse=True)  # a session would carry it into other directories
def one_tls_context() -> Iterator[None]:
    """Nothing here speaks TLS, but every client reads the machine's certificates, which is what takes long."""
    context = ssl.create_default_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", lambda *args, **kwargs: context)
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches the clients."""
    for name in ("SIM_API_KEY", "SIM_BASE_URL", "SIM_API_VERSION", "SIM_LOG", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
