"""Writing a ledger: the changes of state that are allowed, made by the one coordinator of its batch.

Each method is one transaction, committed when it returns. An item is identified by its key and the fingerprint of its
input; its place among the inputs may change from run to run.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, cast

import attrs

from simstudio._version import __version__
from simstudio.batch.errors import InputChangedError, LedgerError
from simstudio.batch.execution import Mode, Models
from simstudio.batch.items import BatchItem, Prepared, fingerprint
from simstudio.batch.ledger.connection import Connection
from simstudio.batch.ledger.lock import Lock, canonical, check_path
from simstudio.batch.ledger.rows import COLUMNS, TABLES, entry_of
from simstudio.batch.ledger.taking import lock_ledger
from simstudio.batch.ledger.view import LedgerView
from simstudio.batch.records import Entry, Intent, dump, pack_error, pack_result, unpack_error
from simstudio.batch.snapshot import describe_refused
from simstudio.core.functions import with_hints
from simstudio.transport.errors import InvalidInputError

_MOVES = 500
"""Changed places that are held in memory before they are written."""

REFUSED = ""
"""The fingerprint that is stored for an input that was refused."""
_IS_REFUSED = f"SELECT id FROM entries WHERE state = 'failed' AND fingerprint = '{REFUSED}'"  # noqa: S608
_REFUSED = f"SELECT item_index, key FROM entries WHERE state = 'failed' AND fingerprint = '{REFUSED}'"  # noqa: S608
_FIND = f"SELECT {COLUMNS}, e.session FROM {TABLES} WHERE e.key = ?"  # noqa: S608


class Ledger(LedgerView):
    """The ledger of a batch, open for writing by its one coordinator. Made by :meth:`open`; close it.

    One thread at a time calls its methods, not always the same thread.
    """

    def __init__(self) -> None:
        raise TypeError("A ledger is opened with Ledger.open(...); to read one, use LedgerView(path).")

    @classmethod
    @with_hints
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        workflow_id: str,
        mode: Mode,
        api_version: str,
        base_url: str | Callable[[], str] = "",
        models: Models | None = None,
    ) -> Ledger:
        """Open a ledger for writing, or make it.

        Mode and API version may differ from those of an earlier run: each entry says how it was sent.

        Args:
            workflow_id: Id of the workflow that the items are executions of.
            mode: Way of sending items from now on: ``sync``, ``async`` or ``stream``.
            api_version: API that they are sent to: ``v1`` or ``v2``.
            base_url: Server that they are sent to, or a function that returns it, called before each sending. A ledger
                belongs to the first server that it is given; an empty text is not compared.
            models: Classes of results and jobs; see :class:`LedgerView`.

        Raises:
            InvalidInputError: The path cannot be that of a file.
            LedgerError: The ledger belongs to another workflow or server, is in use by another batch, locked by
                another program or damaged, or cannot be made or written.
        """
        path = canonical(check_path(path))
        if os.path.isdir(path):  # noqa: PTH112 - a str that SQLite gets too
            raise LedgerError(f"The ledger {path} cannot be opened: it is a folder.")
        ledger = cls.__new__(cls)
        with ExitStack() as opened:
            ledger._lock = lock_ledger(path)
            opened.callback(ledger._lock.release)
            ledger._attach(Connection.for_writing(path), models)
            opened.callback(ledger._connection.close)
            ledger._enter(workflow_id, mode, api_version, base_url)
            opened.pop_all()
        return ledger

    _lock: Lock
    _session: int
    _moved: list[tuple[int, str]]
    _refused: dict[int, str]
    _server: Callable[[], str]

    def _enter(self, workflow_id: str, mode: Mode, api_version: str, base_url: str | Callable[[], str]) -> None:
        """Begin a session, if the ledger belongs to this workflow and server."""
        self._moved = []
        self._server = base_url if callable(base_url) else lambda: base_url
        with self._writing() as db:
            if self.workflow_id and self.workflow_id != workflow_id:
                raise LedgerError(
                    f"The ledger {self.path} is of the workflow {self.workflow_id!r}, not of {workflow_id!r}: "
                    "each workflow needs its own."
                )
            self._ensure_server()
            db.execute("INSERT OR IGNORE INTO meta VALUES ('workflow_id', ?)", (workflow_id,))
            if self._server() and not self.base_url:  # earlier releases did not record it
                db.execute("INSERT INTO meta VALUES ('base_url', ?)", (self._server(),))
            self._refused = dict(db.execute(_REFUSED))
            session = (mode, api_version, os.getpid(), time.time(), __version__)
            made = db.execute(
                "INSERT INTO sessions (mode, api_version, pid, opened_at, version) VALUES (?, ?, ?, ?, ?)", session
            )
            self._session = cast("int", made.lastrowid)
        self.workflow_id = workflow_id
        self.base_url = self.base_url or self._server()

    def _ensure_server(self) -> None:
        server = self._server()
        if self.base_url and server and server != self.base_url:
            raise LedgerError(
                f"The ledger {self.path} is of {self.base_url}, not of {server}: what is done there was never done "
                f"here. Use another ledger here; or, if that server has moved here, say so first: "
                f"simstudio.batch.ledger.move({self.path!r}, {server!r})."
            )

    def remember(self, name: str, value: Any) -> None:
        """Store a note under a name: JSON data that belongs to no item, such as the options of the command line.

        Raises:
            LedgerError: The ledger cannot be written.
        """
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"note {name}", dump(value, name)))

    def find(self, prepared: Prepared) -> Entry | None:
        """The entry of an input; None if the ledger has none.

        An entry whose input has moved gets the new place. An entry of an input that was refused at this place, or under
        this key, is removed: the input has been mended. So is that of another input that could not be sent.

        Raises:
            InputChangedError: The ledger has another input under this key.
            LedgerError: Another input of this run has the same key, or the ledger cannot be read.
        """
        if self._refused:
            self._drop_refused(prepared.index, prepared.key)
        with self._connection.reading() as db:
            row = db.execute(_FIND, (prepared.key,)).fetchone()
            if row is None:
                return None
            entry, session = entry_of(row, prepared.input, self._models), row[-1]
        if entry.fingerprint != prepared.fingerprint and self._drop_unsent(prepared.key):
            return None
        self._compare(prepared, entry.fingerprint, session, entry.index)
        if entry.index == prepared.index:
            return entry
        self._moved.append((prepared.index, prepared.key))
        if len(self._moved) >= _MOVES:
            self._write_places()
        return attrs.evolve(entry, index=prepared.index)

    def refuse(self, item: BatchItem) -> None:
        """Record that an input cannot be sent and has failed. The next run checks it again.

        Args:
            item: The failed item. Its input is stored as :func:`~simstudio.batch.snapshot.describe_refused` returns it.

        Raises:
            InputChangedError: Another input with this key was sent.
            LedgerError: Another input of this run has the same key, or the ledger cannot be written.
        """
        text = dump(describe_refused(item.input), f"Input {item.index}")
        now = time.time()
        values = (
            item.index,
            REFUSED,
            self._session,
            now,
            now,
            pack_error(item.error, item.index, self._models),
            item.key,
        )
        self._drop_refused(item.index, item.key)
        self._drop_unsent(item.key)
        with self._writing() as db:
            known = "SELECT fingerprint, session, item_index FROM entries WHERE key = ?"
            row = db.execute(known, (item.key,)).fetchone()
            if row is not None:
                self._compare(Prepared(item.index, None, item.key, REFUSED), *row)
            added = db.execute(
                "INSERT INTO entries (item_index, fingerprint, state, session, started_at, ended_at, error, key)"
                " VALUES (?, ?, 'failed', ?, ?, ?, ?, ?)",
                values,
            )
            db.execute("INSERT INTO inputs VALUES (?, ?)", (added.lastrowid, text))

    def _drop_refused(self, index: int, key: str) -> None:
        """Remove entries that an earlier run refused at a place or under a key."""
        keys = {known for known in (self._refused.pop(index, None), key) if known is not None}
        with self._writing() as db:
            for known in keys:
                found = db.execute(f"{_IS_REFUSED} AND key = ? AND session <> ?", (known, self._session)).fetchone()
                if found is not None:
                    db.execute("DELETE FROM entries WHERE id = ?", found)
                    db.execute("DELETE FROM inputs WHERE id = ?", found)

    def _drop_unsent(self, key: str) -> bool:
        """Remove the entry under a key if its input could not be sent in an earlier run; whether it was removed."""
        query = "SELECT id, error FROM entries WHERE state = 'failed' AND key = ? AND session <> ?"
        with self._connection.reading() as db:
            row = db.execute(query, (key, self._session)).fetchone()
        if row is None or not isinstance(unpack_error(row[1], self._models)[0], InvalidInputError):
            return False
        with self._writing() as db:
            for table in ("entries", "inputs"):
                db.execute(f"DELETE FROM {table} WHERE id = ?", row[:1])  # noqa: S608 - no text of the caller
        return True

    def intend(self, entries: Sequence[Intent]) -> list[tuple[Intent, InvalidInputError]]:
        """Record that inputs are about to be sent: all of them, or none. It is committed on return.

        Args:
            entries: Inputs that are new, ``failed`` or ``unknown``, or were ``sending`` in an earlier run.

        Returns:
            Inputs that must not be sent and were not recorded, each with the cause: a file in the input can no longer
            be read, or has changed since the input was read.

        Raises:
            InputChangedError: The ledger has another input under one of the keys.
            LedgerError: An input must not be sent (it is done, queued, or being sent), or the ledger cannot be written;
                then nothing may be sent.
        """
        self._ensure_server()
        texts: list[tuple[Intent, str]] = []
        refused: list[tuple[Intent, InvalidInputError]] = []
        for intent in entries:
            try:
                texts.append((intent, _text(intent.prepared)))
            except InvalidInputError as error:
                refused.append((intent, error))
        now = time.time()
        with self._writing() as db:
            for intent, text in texts:
                self._intend(db, intent, text, now)
        return refused

    def _intend(self, db: sqlite3.Connection, intent: Intent, text: str, now: float) -> None:
        prepared = intent.prepared
        values = (prepared.index, prepared.fingerprint, "sending", self._session, intent.run_id, now, prepared.key)
        added = db.execute(
            "INSERT INTO entries (item_index, fingerprint, state, session, run_id, started_at, key)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            values,
        )
        if added.rowcount == 1:
            db.execute("INSERT INTO inputs VALUES (?, ?)", (added.lastrowid, text))
            return
        known = "SELECT id, fingerprint, session, item_index, state FROM entries WHERE key = ?"
        found, fingerprint, session, index, state = db.execute(known, (prepared.key,)).fetchone()
        self._compare(prepared, fingerprint, session, index)
        if state not in ("failed", "unknown") and not (state == "sending" and session != self._session):
            raise self._illegal(prepared.key, state, "sent")
        db.execute("INSERT OR REPLACE INTO earlier SELECT * FROM entries WHERE id = ?", (found,))
        db.execute(
            "UPDATE entries SET item_index = ?, fingerprint = ?, state = ?, session = ?, run_id = ?, started_at = ?,"
            " task_id = NULL, execution_id = NULL, attempts = 0, elapsed = 0, ended_at = NULL, error = NULL,"
            " result = NULL WHERE key = ?",
            values,
        )

    def mark_submitted(self, key: str, task_id: str, execution_id: str | None) -> None:
        """Record that the server has queued an item.

        Args:
            key: Key of the item.
            task_id: Id by which the server is asked for the outcome.
            execution_id: Id of the execution; None if the server did not say.

        Raises:
            LedgerError: The item was not being sent, or the ledger cannot be written.
        """
        with self._writing() as db:
            changed = db.execute(
                "UPDATE entries SET state = 'submitted', task_id = ?, execution_id = coalesce(?, execution_id),"
                " ended_at = NULL, error = NULL, result = NULL"
                " WHERE key = ? AND state IN ('sending', 'unknown')",
                (task_id, execution_id, key),
            )
            self._ensure_changed(db, changed, key, "queued")

    def finish(self, item: BatchItem) -> None:
        """Record the end of an item: done, failed or unknown.

        Raises:
            LedgerError: The item was neither being sent, nor queued, nor unknown, or the ledger cannot be written.
        """
        with self._writing() as db:
            self._finish(db, item)

    def copy(self, prepared: Prepared, item: BatchItem) -> None:
        """Record an input that was not sent and has the outcome of an equal one: its sending and its end at once.

        Args:
            prepared: An input that is new, ``failed`` or ``unknown``.
            item: Its item, with that outcome.

        Raises:
            InputChangedError: The ledger has another input under this key.
            LedgerError: The input is done, queued, or being sent, or the ledger cannot be written.
        """
        text = dump(prepared.input, f"Input {prepared.index}")
        with self._writing() as db:
            self._intend(db, Intent(prepared), text, time.time())
            self._finish(db, item)

    def _finish(self, db: sqlite3.Connection, item: BatchItem) -> None:
        result = pack_result(item.result, item.index)
        error = pack_error(item.error, item.index, self._models)
        execution = item.result.run_id if item.result is not None else None
        changed = db.execute(
            "UPDATE entries SET state = ?, run_id = coalesce(?, run_id), execution_id = coalesce(?, execution_id),"
            " attempts = ?, elapsed = ?, ended_at = ?, error = ?, result = ?"
            " WHERE key = ? AND state IN ('sending', 'submitted', 'unknown')",
            (item.state, item.run_id, execution, item.attempts, item.elapsed, time.time(), error, result, item.key),
        )
        self._ensure_changed(db, changed, item.key, "finished")
        db.execute("DELETE FROM earlier WHERE key = ?", (item.key,))

    def forget(self, keys: Sequence[str]) -> None:
        """Undo :meth:`intend` for items that surely were not sent: new ones are removed.

        An item that was unknown, failed, or ``sending`` in an earlier run gets that state back.

        Raises:
            LedgerError: An item was not being sent, or the ledger cannot be written.
        """
        with self._writing() as db:
            for key in keys:
                known = "SELECT id FROM entries WHERE key = ? AND state = 'sending' AND session = ?"
                row = db.execute(known, (key, self._session)).fetchone()
                if row is None:
                    raise self._illegal(key, _state(db, key), "forgotten")
                db.execute("DELETE FROM entries WHERE id = ?", row)
                restored = db.execute("INSERT INTO entries SELECT * FROM earlier WHERE id = ?", row)
                if restored.rowcount == 1:
                    db.execute("DELETE FROM earlier WHERE id = ?", row)
                else:
                    db.execute("DELETE FROM inputs WHERE id = ?", row)

    def entries(self, state: str | None = None) -> Iterator[Entry]:
        """The entries in the order of the inputs, read one by one; see :meth:`LedgerView.entries`."""
        self._write_places()
        return super().entries(state)

    def close(self) -> None:
        """Close the file and release the lock. A second call does nothing."""
        if not self._connection.usable:
            super().close()
            return
        with suppress(LedgerError):  # only changed places are lost, which the next run finds again
            self._write_places()
        super().close()
        self._lock.release()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A block that is one transaction, which also writes changed places."""
        with self._connection.writing() as db:
            if self._moved:
                db.executemany("UPDATE entries SET item_index = ? WHERE key = ?", self._moved)
            yield db
        self._moved.clear()

    def _write_places(self) -> None:
        if self._moved:
            with self._writing():
                pass

    def _compare(self, prepared: Prepared, fingerprint: str, session: int, index: int) -> None:
        twice = session == self._session and index != prepared.index
        if fingerprint != prepared.fingerprint:
            why = (
                f"input {index} of the same batch has that key too; key= must tell them apart"
                if twice
                else "it was changed, or others were put before it; give it back, use another ledger, or name inputs "
                "with key="
            )
            raise InputChangedError(
                f"Input {prepared.index} is not the one that the ledger {self.path} has under the key "
                f"{prepared.key!r}: {why}."
            )
        if twice:
            raise LedgerError(
                f"Inputs {index} and {prepared.index} have the same key {prepared.key!r}: key= must tell them apart."
            )

    def _ensure_changed(self, db: sqlite3.Connection, changed: sqlite3.Cursor, key: str, becoming: str) -> None:
        if changed.rowcount != 1:
            raise self._illegal(key, _state(db, key), becoming)

    def _illegal(self, key: str, state: str | None, becoming: str) -> LedgerError:
        if state is None:
            return LedgerError(f"The item {key!r} cannot be {becoming}: the ledger {self.path} has no such item.")
        return LedgerError(f"The item {key!r} cannot be {becoming}: in the ledger {self.path} it is {state!r}.")


def _text(prepared: Prepared) -> str:
    """An input as JSON text for the ledger."""
    text = dump(prepared.input, f"Input {prepared.index}")
    if prepared.holds_files and fingerprint(json.loads(text)) != prepared.fingerprint:
        raise InvalidInputError(
            f"A file in input {prepared.index} was changed since the input was read, so it was not sent. Leave files "
            "alone while their batch runs."
        )
    return text


def _state(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT state FROM entries WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])
