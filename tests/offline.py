"""Tests that need no network: a connection would be a bug."""

from __future__ import annotations

import socket
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is connected. A ``conftest.py`` that imports this fixture has it for its tests."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a test that needs no network opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
