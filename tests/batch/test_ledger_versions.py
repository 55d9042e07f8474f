"""Ledgers of other releases: 0.1 wrote ``ledger_0_1_0.db``, later ones are refused, further versions are steps.

The file holds inputs of a workflow that squares them: 0, 1, 2 and 4 are done, 3 failed, 5 and 6 are unknown, 7 and 8
are queued, 9 and 10 were being sent when the process was killed, 11 was refused (NaN).
"""

from __future__ import annotations

import math
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from ledgers import intact, opened
from test_batch_engine import FakeSender, play

from simstudio import LedgerError, WorkflowExecutionResult
from simstudio.batch.execution import Receipt
from simstudio.batch.ledger import Counts, LedgerView, schema, status
from simstudio.batch.ledger.schema import Migration
from simstudio.resources.batch_execution import MODELS

STEP = Migration(2, "9.9.9", ("ALTER TABLE entries ADD COLUMN cost REAL", "ALTER TABLE earlier ADD COLUMN cost REAL"))
BROKEN = Migration(2, "9.9.9", ("ALTER TABLE entries ADD COLUMN cost REAL", "ALTER TABLE nothing ADD COLUMN cost REAL"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of the ledger that 0.1 wrote."""
    path = tmp_path / "runs.sqlite"
    shutil.copy(Path(__file__).with_name("ledger_0_1_0.db"), path)
    return path


def version_of(path: Path) -> int:
    db = sqlite3.connect(path)
    try:
        found: int = db.execute("PRAGMA user_version").fetchone()[0]
        return found
    finally:
        db.close()


def test_one_of_0_1_is_read(old: Path) -> None:
    assert status(old) == Counts(sending=2, submitted=2, done=4, failed=2, unknown=2)
    with LedgerView(old, models=MODELS) as view:
        entries = {entry.index: entry for entry in view.entries()}
        assert (view.workflow_id, view.base_url) == ("square", "https://sim.example.com")
    assert entries[4].output == {"square": 16, "note": "größer ✓"}
    assert entries[4].result.success is True
    assert "three is not squared" in str(entries[3].error)
    assert entries[7].receipt is not None


class Squares(FakeSender):
    """A sender whose queued items are all done."""

    async def settle(self, receipt: Receipt) -> WorkflowExecutionResult:
        self.settled.append(receipt.task_id)
        return WorkflowExecutionResult(True, "settled")


def test_one_of_0_1_goes_on(old: Path) -> None:
    sender = Squares(lambda value, _: {"square": value["n"] ** 2})
    inputs: list[Any] = [*({"n": n} for n in range(11)), {"n": math.nan}, {"n": 12}]

    items, _ = play(sender, inputs, ledger=opened(old, "square"))

    assert [item.state for item in items] == [
        "done", "done", "done", "failed", "done", "unknown", "unknown", "done", "done", "unknown", "unknown", "failed",
        "done",
    ]  # fmt: skip
    assert sender.sent == [{"n": 12}]
    assert len(sender.settled) == 2
    assert [item.index for item in items if item.replayed] == [0, 1, 2, 3, 4, 5, 6, 9, 10]
    assert intact(old)


@pytest.mark.parametrize("reading", [True, False])
def test_an_earlier_version_is_brought_to_the_newest(old: Path, monkeypatch: pytest.MonkeyPatch, reading: bool) -> None:
    with LedgerView(old) as view:
        before = [(entry.key, entry.state, entry.input, entry.output) for entry in view.entries()]
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, STEP))

    (LedgerView(old) if reading else opened(old, "square")).close()

    assert version_of(old) == 2
    assert intact(old)
    with LedgerView(old) as view:
        assert [(entry.key, entry.state, entry.input, entry.output) for entry in view.entries()] == before


def test_a_new_one_has_the_newest_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, STEP))

    opened(tmp_path / "runs.sqlite").close()

    assert version_of(tmp_path / "runs.sqlite") == 2


def test_a_step_that_fails_leaves_it_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, BROKEN))
        with pytest.raises(LedgerError):
            opened(old, "square")

    assert version_of(old) == 1
    assert status(old).total == 12


def test_an_earlier_version_is_not_changed_while_its_batch_runs(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(old, "square"):
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, STEP))
        with pytest.raises(LedgerError, match="another program has locked it"):
            LedgerView(old)

    assert version_of(old) == 1


@pytest.mark.parametrize("reading", [True, False])
def test_one_of_a_later_release_is_refused_and_says_which(old: Path, reading: bool) -> None:
    db = sqlite3.connect(old)
    db.execute("UPDATE sessions SET version = '7.2.1'")
    db.execute("PRAGMA user_version = 7")
    db.commit()
    db.close()
    before = old.read_bytes()

    with pytest.raises(LedgerError) as raised:
        LedgerView(old) if reading else opened(old, "square")

    assert f"{old} was written by a later release (7.2.1): its schema has version 7" in str(raised.value)
    assert "reads versions up to 1. Install that release or a later one" in str(raised.value)
    assert old.read_bytes() == before
