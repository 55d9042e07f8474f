from __future__ import annotations

import pytest
from catalog_calls import Caller


@pytest.fixture
def caller(mode: str) -> Caller:
    """A client of the kind that ``mode`` names."""
    return Caller(mode)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIM_API_KEY", "SIM_BASE_URL", "SIM_API_VERSION", "SIM_LOG"):
        monkeypatch.delenv(name, raising=False)
