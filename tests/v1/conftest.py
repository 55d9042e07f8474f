"""What the tests of ``client.v1`` share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches the clients."""
    for name in ("SIM_API_KEY", "SIM_BASE_URL", "SIM_API_VERSION", "SIM_LOG"):
        monkeypatch.delenv(name, raising=False)
