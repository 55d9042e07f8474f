"""What the tests of the ledger share: opening one, inputs, results, and a crash without a process."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from simstudio import SimStudioError, WorkflowExecutionResult
from simstudio.batch.items import BatchItem, ItemState, Prepared, prepare
from simstudio.batch.ledger import Intent, Ledger, LedgerView
from simstudio.resources.batch_execution import MODELS


def opened(path: Path, workflow_id: str = "wf", mode: Any = "sync", api_version: str = "v1") -> Ledger:
    return Ledger.open(path, workflow_id=workflow_id, mode=mode, api_version=api_version, models=MODELS)


def database(of: Ledger | LedgerView) -> sqlite3.Connection:
    """The connection of an open ledger: its limits and its transactions are not another one's."""
    found: sqlite3.Connection = of._connection._db
    return found


def given(index: int, value: Any = None, key: str | None = None) -> Prepared:
    """The input at a place; by default ``{"n": index}`` under its index."""
    value = {"n": index} if value is None else value
    return prepare(index, value, None if key is None else lambda _: key)


def result(output: Any = "x") -> WorkflowExecutionResult:
    return WorkflowExecutionResult(success=True, output=output)


def ended(
    prepared: Prepared,
    state: ItemState = "done",
    *,
    output: Any = "x",
    error: SimStudioError | None = None,
    run_id: str | None = None,
) -> BatchItem:
    return BatchItem(
        index=prepared.index,
        input=prepared.input,
        result=result(output) if state == "done" else None,
        error=error,
        attempts=1,
        elapsed=0.25,
        state=state,
        key=prepared.key,
        run_id=run_id,
    )


def intend(ledger: Ledger, *prepared: Prepared, run_id: str | None = None) -> None:
    ledger.intend([Intent(each, run_id) for each in prepared])


def brought_to(ledger: Ledger, prepared: Prepared, state: str) -> None:
    """Take an input that is not known to a state."""
    intend(ledger, prepared)
    if state == "submitted":
        ledger.mark_submitted(prepared.key, "t1", None)
    elif state != "sending":
        ledger.finish(ended(prepared, state))  # type: ignore[arg-type]


def as_killed(ledger: Ledger, folder: Path) -> Path:
    """What the ledger's process would leave if it were killed now: the file and its log, in another folder."""
    folder.mkdir(parents=True)
    path = Path(ledger.path)
    for name in (path.name, f"{path.name}-wal"):
        if (path.parent / name).exists():
            shutil.copy(path.parent / name, folder / name)
    return folder / path.name


def intact(path: Path | str) -> bool:
    """Whether SQLite finds the whole file, its indexes included, in order, and the kept counts right."""
    db = sqlite3.connect(path)
    try:
        (found,) = db.execute("PRAGMA integrity_check").fetchone()
        kept = dict(db.execute("SELECT state, items FROM counts WHERE items > 0"))
        counted = dict(db.execute("SELECT state, count(*) FROM entries GROUP BY state"))
        (strays,) = db.execute("SELECT count(*) FROM inputs WHERE id NOT IN (SELECT id FROM entries)").fetchone()
        return bool(found == "ok" and kept == counted and not strays)
    finally:
        db.close()
