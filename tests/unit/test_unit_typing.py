"""What a user's checker infers, pinned in ``tests/typing``: those files are checked here, never run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = sorted((ROOT / "tests" / "typing").glob("*.py"))


def check(*command: str) -> None:
    finished = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def installed(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(tool) is None, reason=f"{tool} comes with the extra [dev]")


def test_there_is_something_to_check() -> None:
    assert {path.stem for path in PINNED} >= {"sync_client", "async_client", "raw_clients", "middleware"}


@installed("mypy")
def test_mypy_infers_what_is_pinned_and_finds_each_mistake() -> None:
    check("mypy", "--strict", "--warn-unused-ignores", *map(str, PINNED))


@installed("pyright")
def test_pyright_infers_what_is_pinned_and_finds_each_mistake() -> None:
    check("pyright", "--pythonpath", sys.executable, *map(str, PINNED))
