"""What many inputs add to the memory of a process: in processes of their own, so that their sizes mean something."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc"),
]

CHILD = Path(__file__).with_name("memory_child.py")
MOST = 50_000_000
"""Bytes that a million inputs may add."""


def ran(count: int, *words: str) -> dict[str, Any]:
    """What a batch over so many inputs took; all of them were executed and given."""
    command = [sys.executable, str(CHILD), str(count), *words]
    told: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    print(f"{count:,} inputs, {' '.join(words[:2])}: {told['added'] / 1e6:.1f} MB, {told['each'] * 1e6:.0f} µs each")
    assert told["taken"] == count
    return told


def test_a_million_inputs_add_50_mb_at_most() -> None:
    assert ran(1_000_000, "ordered", "quick")["added"] <= MOST


@pytest.mark.parametrize(("order", "consumer"), [("unordered", "quick"), ("ordered", "slow"), ("unordered", "slow")])
def test_whatever_the_order_and_the_consumer_no_more_is_kept(order: str, consumer: str) -> None:
    """A fifth of the inputs, a fifth of the bytes."""
    assert ran(200_000, order, consumer)["added"] <= MOST / 5


def test_what_a_ledger_gives_back_is_not_kept_either(tmp_path: Path) -> None:
    assert ran(60_000, "ordered", "quick", str(tmp_path / "runs.sqlite"))["added"] <= MOST * 0.06
