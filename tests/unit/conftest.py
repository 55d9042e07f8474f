from __future__ import annotations

import socket
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here decides without a network; a connection would be a bug."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a test of tests/unit opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIM_API_KEY", "SIM_BASE_URL", "SIM_API_VERSION", "SIM_LOG"):
        monkeypatch.delenv(name, raising=False)
