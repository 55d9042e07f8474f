"""The ledger of a batch: what is known of each item, in one SQLite file that survives ``kill -9``.

    sending ─┬─> submitted ─┬─> done
             └──────────────┼─> failed  ──> sending (again)
                            └─> unknown ──> sending (again, or settled: submitted, done, failed)

An item is ``sending`` before anything of it leaves, in a transaction that is committed by then: what the ledger does
not know has not run. What is found ``sending`` when a ledger is opened may have run. What is ``done`` never changes
again. An input that was refused before it was sent is ``failed`` at once, and is looked at again by the next run.

One process writes it, :class:`Ledger`, which a lock makes sure of; any number read it meanwhile, :class:`LedgerView`.
It is of one workflow on one server. It holds inputs and outputs as they are, and no API key.
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
