"""What many inputs add to the memory of a process: in processes of their own, so that their sizes mean something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.external,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc"),
]

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("memory_child.py")
MOST = 5_000_000
"""Bytes that inputs may add, however many; the batch itself takes 2 MB, and 100,000 kept inputs would take 40 MB."""


def ran(count: int, *words: str) -> dict[str, Any]:
    """What a batch over so many inputs took; all of them were executed and given."""
    command = [sys.executable, str(CHILD), str(count), *words]
    told: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}).stdout
    )
    print(f"{count:,} inputs, {' '.join(words[:2])}: {told['added'] / 1e6:.1f} MB, {told['each'] * 1e6:.0f} µs each")
    assert told["taken"] == count
    return told


def test_a_hundred_thousand_inputs_add_5_mb_at_most() -> None:
    assert ran(100_000, "ordered", "quick")["added"] <= MOST


@pytest.mark.parametrize(("order", "consumer"), [("unordered", "quick"), ("ordered", "slow"), ("unordered", "slow")])
def test_whatever_the_order_and_the_consumer_no_more_is_kept(order: str, consumer: str) -> None:
    assert ran(40_000, order, consumer)["added"] <= MOST


def test_what_a_ledger_gives_back_is_not_kept_either(tmp_path: Path) -> None:
    assert ran(15_000, "ordered", "quick", str(tmp_path / "runs.sqlite"))["added"] <= MOST / 5
