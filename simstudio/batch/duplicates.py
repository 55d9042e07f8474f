"""Equal inputs of a batch: one of them is executed, and all get its outcome.

While the first one runs, the others wait in memory. Outcomes are kept in a temporary database, so that memory does not
grow with the batch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import attrs

from simstudio.batch.errors import ResultsError
from simstudio.batch.execution import Models
from simstudio.batch.items import BatchItem, Prepared
from simstudio.batch.ledger import Ledger
from simstudio.batch.records import pack_error, pack_result, unpack_error, unpack_result

_TABLE = (
    "CREATE TABLE outcomes (fingerprint BLOB PRIMARY KEY, state TEXT, run_id TEXT, result TEXT, error TEXT)"
    " WITHOUT ROWID"
)


class Duplicates:
    """The running and the finished inputs of a batch by their fingerprints.

    Args:
        models: Classes of results, to read them from the database.
        ledger: Ledger to which the outcome of each input is written; None without one.

    Attributes:
        waiting: Inputs that wait for an equal one that runs.
    """

    def __init__(self, models: Models, ledger: Ledger | None) -> None:
        self.waiting = 0
        self._models = models
        self._ledger = ledger
        self._under_way: dict[str, list[Prepared]] = {}
        self._store: sqlite3.Connection | None = None

    def begin(self, prepared: Prepared) -> BatchItem | bool:
        """Decide whether an input is sent.

        Returns:
            True: send it. False: it waits. Otherwise its outcome.

        Raises:
            LedgerError: The ledger cannot be written.
            ResultsError: The temporary database cannot be read.
        """
        others = self._under_way.get(prepared.fingerprint)
        if others is not None:
            others.append(prepared)
            self.waiting += 1
            return False
        known = self._find(prepared.fingerprint)
        if known is not None:
            return self._copy(known, prepared)
        self._under_way[prepared.fingerprint] = []
        return True

    def resume(self, fingerprint: str) -> None:
        """Count an input that an earlier run sent as running: equal ones wait for its outcome."""
        self._under_way.setdefault(fingerprint, [])

    def end(self, fingerprint: str, item: BatchItem) -> Iterator[BatchItem]:
        """Keep the outcome of an input that has ended; the items of those that waited for it.

        Raises:
            LedgerError: The ledger cannot be written.
            ResultsError: The temporary database cannot be written.
        """
        waiting = self._under_way.pop(fingerprint, [])
        self.waiting -= len(waiting)
        result = pack_result(item.result, item.index)
        error = pack_error(item.error, item.index, self._models)
        values = (bytes.fromhex(fingerprint), item.state, item.run_id, result, error)
        self._execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?)", values)
        return (self._copy(item, prepared) for prepared in waiting)

    def close(self) -> None:
        """Remove the temporary database."""
        if self._store is not None:
            self._store.close()

    def _execute(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            if self._store is None:
                self._store = sqlite3.connect("", isolation_level=None)  # a file without a name
                self._store.execute("PRAGMA journal_mode = OFF")
                self._store.execute(_TABLE)
            return self._store.execute(statement, values)
        except sqlite3.Error as error:
            raise ResultsError(f"The temporary database of dedup= cannot be written: {error}.") from error

    def _find(self, fingerprint: str) -> BatchItem | None:
        query = "SELECT state, run_id, result, error FROM outcomes WHERE fingerprint = ?"
        row = self._execute(query, (bytes.fromhex(fingerprint),)).fetchone()
        if row is None:
            return None
        state, run_id, result, error = row
        rebuilt, _ = unpack_error(error, self._models)
        made = unpack_result(result, self._models)
        return BatchItem(0, None, result=made, error=rebuilt, state=state, run_id=run_id)

    def _copy(self, item: BatchItem, prepared: Prepared) -> BatchItem:
        """The item of an input that equals one that has ended."""
        made = attrs.evolve(
            item, index=prepared.index, input=prepared.input, key=prepared.key,
            attempts=0, elapsed=0.0, replayed=False, duplicate=True, cost=None,
        )  # fmt: skip
        if self._ledger is not None:
            self._ledger.copy(prepared, made)
        return made
