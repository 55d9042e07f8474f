"""Which signals end a batch, and which leave it; by hand."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from simstudio.batch.progress import Progress
from simstudio.cli.batch_stopping import Stopping

TERMINATE, INTERRUPT = signal.SIGTERM, signal.SIGINT


class Batch:
    """One with nothing under way."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.closed = threading.Event()

    def close(self) -> None:
        assert not self.closed.is_set()
        self.closed.set()


class Left(BaseException):
    """The process is left."""


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def stopping(now: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stopping]:
    def leave(code: int) -> None:
        raise Left(code)

    monkeypatch.setattr(os, "_exit", leave)
    batch: Any = Batch()
    with Stopping(batch, lambda: None, lambda: now[0]) as entered:
        yield entered
    assert batch.closed.wait(10)


def test_the_second_leaves(stopping: Stopping, now: list[float]) -> None:
    signal.raise_signal(TERMINATE)
    now[0] += 0.6
    with pytest.raises(Left, match="143"):
        signal.raise_signal(TERMINATE)


def test_one_that_is_said_twice_at_once_is_the_first(stopping: Stopping, now: list[float]) -> None:
    """``timeout 1h simstudio batch run …`` sends its SIGTERM to the process and then to the process's group."""
    for _ in range(4):
        signal.raise_signal(TERMINATE)
        now[0] += 0.1
    assert stopping.signal == TERMINATE
    now[0] += 0.2
    with pytest.raises(Left, match="143"):
        signal.raise_signal(TERMINATE)


def test_another_signal_leaves_at_once(stopping: Stopping) -> None:
    signal.raise_signal(TERMINATE)
    with pytest.raises(Left, match="130"):
        signal.raise_signal(INTERRUPT)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
def test_a_terminal_that_is_gone_never_does(stopping: Stopping, now: list[float]) -> None:
    signal.raise_signal(TERMINATE)
    now[0] += 10.0
    signal.raise_signal(signal.SIGHUP)
    assert stopping.signal == TERMINATE
