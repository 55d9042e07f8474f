"""What all replays share."""

from __future__ import annotations

import pytest

from tests.tls import one_tls_context  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def strict(sim_strict_models: None) -> None:
    """A deviation of a recorded answer from its model is an error."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches the clients."""
    for name in ("SIM_API_KEY", "SIM_BASE_URL", "SIM_API_VERSION", "SIM_LOG", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
