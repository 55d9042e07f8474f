"""The ledger of a batch: the state of each item, in one SQLite file that survives ``kill -9``.

    sending ─┬─> submitted ─┬─> done
             └──────────────┼─> failed  ──> sending (again)
                            └─> unknown ──> sending (again, or settled: submitted, done, failed)

An item is committed as ``sending`` before its request is sent, so an item that is not in the ledger has not run. An
item that is ``sending`` when a ledger is opened may have run. A ``done`` item never changes again. An input that was
refused before it was sent is ``failed`` at once, and the next run checks it again.

One process writes a ledger (:class:`Ledger`), protected by a lock; any number may read it (:class:`LedgerView`). A
ledger belongs to one workflow on one server. It holds inputs and outputs in clear, and no API key.
"""

from __future__ import annotations

from simstudio.batch.execution import Mode, Models
from simstudio.batch.ledger.taking import move
from simstudio.batch.ledger.view import LedgerView, status
from simstudio.batch.ledger.writer import Ledger
from simstudio.batch.records import Counts, Entry, EntryState, Intent, Session

__all__ = [
    "Counts",
    "Entry",
    "EntryState",
    "Intent",
    "Ledger",
    "LedgerView",
    "Mode",
    "Models",
    "Session",
    "move",
    "status",
]
