from __future__ import annotations

import socket
from typing import Any

import pytest
from driving import Both


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


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest) -> Both:
    """The sync and the async client, one after the other."""
    return Both(request.param)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The drivers' sleeps take no time; what they were asked to sleep is collected."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("simstudio.transport.flow.time.sleep", slept.append)
    monkeypatch.setattr("asyncio.sleep", sleep)
    return slept
