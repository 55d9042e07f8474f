"""The ledger of a batch: what is known of each item, in one SQLite file that survives ``kill -9``.

    sending ─┬─> submitted ─┬─> done
             └──────────────┼─> failed  ──> sending (again)
                            └─> unknown ──> sending (again, or settled: submitted, done, failed)

An item is ``sending`` before anything of it leaves, in a transaction that is committed by then: what the ledger does
not know has not run. What is found ``sending`` when a ledger is opened may have run. What is ``done`` never changes
again.

The file is written ahead (WAL) with ``synchronous=NORMAL``: everything committed survives the death of the process at
any moment; a loss of power may take the last commits, never more, and never the file's consistency. Beside it lie
``<path>-wal`` and ``<path>-shm`` while it is open or after a crash (they belong to it: copy all or none), and
``<path>-lock``. It belongs on a local disk.

It holds inputs and outputs as they are, and no API key.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

import attrs

from simstudio._version import __version__
from simstudio.batch.items import BatchItem, Prepared
from simstudio.batch.records import (
    STATES,
    Counts,
    Entry,
    EntryState,
    Intent,
    Mode,
    Session,
    dump,
    pack_error,
    pack_result,
    unpack_error,
    unpack_result,
)
from simstudio.batch.schema import Lock, canonical, explained, open_for_reading, open_for_writing, roll_back
from simstudio.errors import InputChangedError, InvalidInputError, LedgerError, SimStudioError

if TYPE_CHECKING:
    from typing import TypeVar

    V = TypeVar("V", bound="LedgerView")

__all__ = ["Counts", "Entry", "EntryState", "Intent", "Ledger", "LedgerView", "Mode", "Session", "status"]

_PAGE = 500
"""How many entries' places are read at a time; the entries themselves one by one, as each may hold megabytes."""

_MOVES = 500
"""How many changed places are kept in memory before they are written."""

_ENTRY = """
    e.item_index, e.key, e.fingerprint, e.state, e.run_id, e.task_id, e.execution_id, e.attempts, e.elapsed,
    e.started_at, e.ended_at, e.error, e.result, s.mode, s.api_version, e.session
"""
_FIND = f"SELECT {_ENTRY} FROM entries e JOIN sessions s ON s.id = e.session WHERE e.key = ?"  # noqa: S608
_READ = f"""
    SELECT {_ENTRY}, i.value FROM entries e JOIN sessions s ON s.id = e.session LEFT JOIN inputs i ON i.id = e.id
    WHERE e.id = ? AND e.state = coalesce(?, e.state)
"""  # noqa: S608
_PLACES = """
    SELECT item_index, id FROM entries WHERE item_index >= ? AND (item_index > ? OR id > ?)
    ORDER BY item_index, id LIMIT ?
"""
_PLACES_IN_STATE = """
    SELECT item_index, id FROM entries WHERE state = ? AND item_index >= ? AND (item_index > ? OR id > ?)
    ORDER BY item_index, id LIMIT ?
"""


class LedgerView:
    """A ledger to be read, while a batch runs or after it; see :class:`Ledger` for writing one.

    Args:
        path: The file.

    Raises:
        LedgerError: There is none, or it cannot be read.

    Attributes:
        path: The file, links resolved.
        workflow_id: The workflow whose executions it tells of.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "runs.sqlite")
        >>> Ledger.open(path, workflow_id="wf", mode="sync", api_version="v1").close()
        >>> with LedgerView(path) as view:
        ...     view.counts().total
        0
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = canonical(path)
        with explained(self.path, "read"):
            self._begin(open_for_reading(self.path))

    def _begin(self, db: sqlite3.Connection) -> None:
        self._process = os.getpid()
        self._open = True
        self._db = db
        try:
            self.workflow_id = self._meta("workflow_id")
        except BaseException:
            db.close()
            raise

    def _meta(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row is not None else ""

    def counts(self) -> Counts:
        """How many items are in each state; costs the same for ten and for a million.

        Raises:
            LedgerError: It cannot be read.
        """
        with self._reading():
            return Counts(**dict(self._db.execute("SELECT state, items FROM counts")))

    def entries(self, state: str | None = None) -> Iterator[Entry]:
        """What is known of each item, in the order of the inputs, read as it is asked for.

        Each entry is read as it is at that moment: no long transaction holds up a batch that is running.

        Args:
            state: Only those in this state.

        Raises:
            InvalidInputError: There is no such state.
            LedgerError: It cannot be read.
        """
        if state is not None and state not in STATES:
            raise InvalidInputError(f"An entry's state is one of {', '.join(STATES)}, not {state!r}.")
        return self._entries(state)

    def _entries(self, state: str | None) -> Iterator[Entry]:
        index, last = -1, 0
        while True:
            with self._reading():
                place = (index, index, last, _PAGE)
                if state is None:
                    page = self._db.execute(_PLACES, place).fetchall()
                else:
                    page = self._db.execute(_PLACES_IN_STATE, (state, *place)).fetchall()
            for index, last in page:  # noqa: B007 - where the next page begins
                with self._reading():
                    row = self._db.execute(_READ, (last, state)).fetchone()
                    entry = None if row is None else _entry(row[:-1], json.loads(row[-1]) if row[-1] else None)
                if entry is not None:  # else it was forgotten, or went on to another state, in the meantime
                    yield entry
            if len(page) < _PAGE:
                return

    def last_session(self) -> Session | None:
        """Who last opened the ledger to write it, and how it sent; None where nobody has yet.

        Raises:
            LedgerError: It cannot be read.
        """
        with self._reading():
            columns = "SELECT pid, mode, api_version, opened_at FROM sessions ORDER BY id DESC LIMIT 1"
            row = self._db.execute(columns).fetchone()
        return None if row is None else Session(*row)

    def recall(self, name: str) -> Any:
        """What :meth:`Ledger.remember` was given under a name; None where that was nothing.

        Raises:
            LedgerError: It cannot be read.
        """
        with self._reading():
            text = self._meta(f"note {name}")
            return json.loads(text) if text else None

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        if self._open:
            self._open = False
            if os.getpid() == self._process:  # in a fork it is still the parent's: closing it could spoil the file
                self._db.close()

    def __enter__(self: V) -> V:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._ensure_usable()
        try:
            with explained(self.path, "read"):
                yield
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # JSON that this package did not write
            if isinstance(error, SimStudioError):
                raise
            raise LedgerError(f"The ledger {self.path} cannot be read: it is damaged ({error}).") from error

    def _ensure_usable(self) -> None:
        if not self._open:
            raise LedgerError(f"The ledger {self.path} is closed.")
        if os.getpid() != self._process:
            raise LedgerError(
                f"The ledger {self.path} was opened by process {self._process}; a forked child cannot use it. "
                "Only the coordinating process writes the ledger; to read it, open it again."
            )


class Ledger(LedgerView):
    """The ledger of a batch, as its one coordinator has it: made by :meth:`open`, to be closed.

    Its methods are called by one thread at a time, though not always by the same.
    """

    def __init__(self) -> None:
        raise TypeError("A ledger is opened with Ledger.open(...); to read one, use LedgerView(path).")

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, workflow_id: str, mode: Mode, api_version: str) -> Ledger:
        """Open a ledger as its coordinator; it is made where it is missing.

        Mode and API may differ from those of an earlier run: each entry says how it was sent.

        Args:
            path: The file.
            workflow_id: The workflow whose executions it tells of.
            mode: How what is sent from now on is sent: ``sync``, ``async`` or ``stream``.
            api_version: To which API: ``v1`` or ``v2``.

        Raises:
            LedgerError: It is of another workflow, in use by another process, locked by another program, damaged, or
                cannot be made or written.
        """
        ledger = cls.__new__(cls)
        ledger.path = canonical(path)
        if os.path.isdir(ledger.path):  # noqa: PTH112 - a str that SQLite gets too
            raise LedgerError(f"The ledger {ledger.path} cannot be opened: it is a folder.")
        with explained(ledger.path, "opened"):
            ledger._lock = ledger._take()
        try:
            with explained(ledger.path, "opened"):
                ledger._begin(open_for_writing(ledger.path))
            try:
                ledger._enter(workflow_id, mode, api_version)
            except BaseException:
                ledger._db.close()
                raise
        except BaseException:
            ledger._lock.release()
            raise
        return ledger

    _lock: Lock
    _session: int
    _moved: list[tuple[int, str]]

    def _take(self) -> Lock:
        try:
            return Lock(self.path)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            pid: int | None = None
            with suppress(LedgerError), LedgerView(self.path) as view:
                last = view.last_session()
                pid = last.pid if last is not None else None
            who = "another process" if pid != os.getpid() else "another batch of this process"
            raise LedgerError(
                f"The ledger {self.path} is in use by {who} (pid {pid if pid is not None else 'unknown'}). "
                "Wait for its end, or give this batch a ledger of its own."
            ) from error

    def _enter(self, workflow_id: str, mode: Mode, api_version: str) -> None:
        """Begin a session, in a ledger of this workflow."""
        self._moved = []
        with self._writing():
            if self.workflow_id and self.workflow_id != workflow_id:
                raise LedgerError(
                    f"The ledger {self.path} is of the workflow {self.workflow_id!r}, not of {workflow_id!r}: "
                    "each workflow needs its own."
                )
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('workflow_id', ?)", (workflow_id,))
            session = (mode, api_version, os.getpid(), time.time(), __version__)
            made = self._db.execute(
                "INSERT INTO sessions (mode, api_version, pid, opened_at, version) VALUES (?, ?, ?, ?, ?)", session
            )
            self._session = cast("int", made.lastrowid)
        self.workflow_id = workflow_id

    def remember(self, name: str, value: Any) -> None:
        """Keep JSON data that is none of the items', under a name: how the command line was called, for example.

        Raises:
            LedgerError: It cannot be written.
        """
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"note {name}", dump(value, name)))

    def find(self, prepared: Prepared) -> Entry | None:
        """What is known of an input; None if nothing is.

        An input that has another place than before, and the same key, is taken to its new one.

        Raises:
            InputChangedError: Another input is known under its key.
            LedgerError: Another input of this run has the same key; or the ledger cannot be read.
        """
        with self._reading():
            row = self._db.execute(_FIND, (prepared.key,)).fetchone()
            if row is None:
                return None
            entry, session = _entry(row, prepared.input), row[-1]
        self._compare(prepared, entry.fingerprint, session, entry.index)
        if entry.index == prepared.index:
            return entry
        self._moved.append((prepared.index, prepared.key))
        if len(self._moved) >= _MOVES:
            with self._writing():
                pass
        return attrs.evolve(entry, index=prepared.index)

    def intend(self, entries: Sequence[Intent]) -> None:
        """Write down what is about to be sent; it is committed when this returns. All of it or nothing.

        Args:
            entries: Inputs that are not known, or failed, or are unknown, or were ``sending`` in an earlier run.

        Raises:
            InputChangedError: Another input is known under the key of one of them.
            LedgerError: One of them must not be sent (it is done, queued, or being sent); or the ledger cannot be
                written, and nothing may be sent.
            InvalidInputError: A file that is part of an input can no longer be read.
        """
        texts = [dump(intent.prepared.input, f"Input {intent.prepared.index}") for intent in entries]
        now = time.time()
        with self._writing():
            for intent, text in zip(entries, texts, strict=True):
                self._intend(intent, text, now)

    def _intend(self, intent: Intent, text: str, now: float) -> None:
        prepared = intent.prepared
        values = (prepared.index, prepared.fingerprint, "sending", self._session, intent.run_id, now, prepared.key)
        added = self._db.execute(
            "INSERT INTO entries (item_index, fingerprint, state, session, run_id, started_at, key)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            values,
        )
        if added.rowcount == 1:
            self._db.execute("INSERT INTO inputs VALUES (?, ?)", (added.lastrowid, text))
            return
        known = "SELECT id, fingerprint, session, item_index, state FROM entries WHERE key = ?"
        found, fingerprint, session, index, state = self._db.execute(known, (prepared.key,)).fetchone()
        self._compare(prepared, fingerprint, session, index)
        if state not in ("failed", "unknown") and not (state == "sending" and session != self._session):
            raise self._illegal(prepared.key, state, "sent")
        self._db.execute("INSERT OR REPLACE INTO earlier SELECT * FROM entries WHERE id = ?", (found,))
        self._db.execute(
            "UPDATE entries SET item_index = ?, fingerprint = ?, state = ?, session = ?, run_id = ?, started_at = ?,"
            " task_id = NULL, execution_id = NULL, attempts = 0, elapsed = 0, ended_at = NULL, error = NULL,"
            " result = NULL WHERE key = ?",
            values,
        )

    def submitted(self, key: str, task_id: str, execution_id: str | None) -> None:
        """An item is queued on the server.

        Args:
            key: The item's.
            task_id: Under which the server is asked for it.
            execution_id: The execution, where the server named it.

        Raises:
            LedgerError: It was not being sent; or the ledger cannot be written.
        """
        with self._writing():
            changed = self._db.execute(
                "UPDATE entries SET state = 'submitted', task_id = ?, execution_id = coalesce(?, execution_id),"
                " ended_at = NULL, error = NULL, result = NULL"
                " WHERE key = ? AND state IN ('sending', 'unknown')",
                (task_id, execution_id, key),
            )
            self._ensure_changed(changed, key, "queued")

    def finish(self, item: BatchItem) -> None:
        """An item has come to its end: done, failed, or unknown.

        Raises:
            LedgerError: It was neither being sent, nor queued, nor unknown; or the ledger cannot be written.
        """
        result, error = pack_result(item.result, item.index), pack_error(item.error, item.index)
        execution = item.result.execution_id if item.result is not None else None
        with self._writing():
            changed = self._db.execute(
                "UPDATE entries SET state = ?, run_id = coalesce(?, run_id), execution_id = coalesce(?, execution_id),"
                " attempts = ?, elapsed = ?, ended_at = ?, error = ?, result = ?"
                " WHERE key = ? AND state IN ('sending', 'submitted', 'unknown')",
                (item.state, item.run_id, execution, item.attempts, item.elapsed, time.time(), error, result, item.key),
            )
            self._ensure_changed(changed, item.key, "finished")
            self._db.execute("DELETE FROM earlier WHERE key = ?", (item.key,))

    def forget(self, keys: Sequence[str]) -> None:
        """What was about to be sent surely was not: it is as it was before :meth:`intend`, most often not known.

        An item that was unknown, failed, or ``sending`` in an earlier run, is so again.

        Raises:
            LedgerError: One of them was not being sent; or the ledger cannot be written.
        """
        with self._writing():
            for key in keys:
                known = "SELECT id FROM entries WHERE key = ? AND state = 'sending' AND session = ?"
                row = self._db.execute(known, (key, self._session)).fetchone()
                if row is None:
                    raise self._illegal(key, self._state(key), "forgotten")
                self._db.execute("DELETE FROM entries WHERE id = ?", row)
                restored = self._db.execute("INSERT INTO entries SELECT * FROM earlier WHERE id = ?", row)
                if restored.rowcount == 1:
                    self._db.execute("DELETE FROM earlier WHERE id = ?", row)
                else:
                    self._db.execute("DELETE FROM inputs WHERE id = ?", row)

    def entries(self, state: str | None = None) -> Iterator[Entry]:
        """What is known of each item, in the order of the inputs, read as it is asked for; see :class:`LedgerView`."""
        if self._moved:
            with self._writing():
                pass
        return super().entries(state)

    def close(self) -> None:
        """Close the file, and let another have it. A second call does nothing."""
        if not self._open:
            return
        if os.getpid() == self._process:
            with suppress(LedgerError):  # changed places only, which the next run finds again
                if self._moved:
                    with self._writing():
                        pass
        super().close()
        if os.getpid() == self._process:
            self._lock.release()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction, for what it is told and for the places that have changed."""
        self._ensure_usable()
        db = self._db
        with explained(self.path, "written"):
            roll_back(db)  # what an interrupt between two lines may have left
            try:
                db.execute("BEGIN IMMEDIATE")
                if self._moved:
                    db.executemany("UPDATE entries SET item_index = ? WHERE key = ?", self._moved)
                yield
                db.execute("COMMIT")
            except BaseException:
                roll_back(db)
                raise
            self._moved.clear()

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
                f"Input {prepared.index} is not the one that the ledger {self.path} knows under the key "
                f"{prepared.key!r}: {why}."
            )
        if twice:
            raise LedgerError(
                f"Inputs {index} and {prepared.index} have the same key {prepared.key!r}: key= must tell them apart."
            )

    def _state(self, key: str) -> str | None:
        row = self._db.execute("SELECT state FROM entries WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _ensure_changed(self, changed: sqlite3.Cursor, key: str, becoming: str) -> None:
        if changed.rowcount != 1:
            raise self._illegal(key, self._state(key), becoming)

    def _illegal(self, key: str, state: str | None, becoming: str) -> LedgerError:
        if state is None:
            return LedgerError(f"The item {key!r} cannot be {becoming}: the ledger {self.path} does not know it.")
        return LedgerError(f"The item {key!r} cannot be {becoming}: in the ledger {self.path} it is {state!r}.")


def status(path: str | os.PathLike[str]) -> Counts:
    """How many items are in each state, of a batch that may be running.

    Raises:
        LedgerError: There is no such ledger, or it cannot be read.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "runs.sqlite")
        >>> Ledger.open(path, workflow_id="wf", mode="sync", api_version="v1").close()
        >>> status(path).done
        0
    """
    with LedgerView(path) as view:
        return view.counts()


def _entry(row: Sequence[Any], given: Any) -> Entry:
    index, key, fingerprint, state, run_id, task_id, execution_id, attempts, elapsed = row[:9]
    started_at, ended_at, error, result, mode, api_version = row[9:15]
    rebuilt, error_type = unpack_error(error)
    return Entry(
        index=index,
        key=key,
        fingerprint=fingerprint,
        state=state,
        run_id=run_id,
        task_id=task_id,
        execution_id=execution_id,
        input=given,
        result=unpack_result(result),
        error=rebuilt,
        error_type=error_type,
        attempts=attempts,
        elapsed=elapsed,
        started_at=started_at,
        ended_at=ended_at,
        mode=mode,
        api_version=api_version,
    )
