"""What SpeedPix's tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simstudio.sandbox.services.speedpix import Media, SpeedPixSandbox, SpeedPixServer
from tests.scripts import sleep_by

PICTURE = b"\x89PNG\r\n\x1a\nfake"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches the clients."""
    for name in ("SPEEDPIX_APP_KEY", "SPEEDPIX_APP_SECRET", "SPEEDPIX_ENDPOINT", "SIM_LOG", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses of the clients are not slept but noted, in seconds."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    sleep_by(monkeypatch, pauses.append, sleep)
    return pauses


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the files that the samples name."""
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    (directory / "in.png").write_bytes(PICTURE)
    (directory / "secret.txt").write_bytes(b"pretend-private-key\n")
    (directory / "big.bin").write_bytes(b"y" * (1024 * 1024 + 1))
    return directory


def paint(input: dict[str, Any]) -> dict[str, Any]:
    """A workflow that gives a picture and what it got."""
    return {"images": {"url": Media(b"PNGDATA", "out.png")}, "input": input}


@pytest.fixture
def sandbox() -> SpeedPixSandbox:
    """A server's inside, with the workflow ``paint``."""
    made = SpeedPixSandbox()
    made.workflow("paint")(paint)
    return made


@pytest.fixture
def server(sandbox: SpeedPixSandbox) -> Iterator[SpeedPixServer]:
    """The server."""
    with sandbox.serve() as running:
        yield running
