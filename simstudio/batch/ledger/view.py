"""Reading a ledger, while its batch runs or afterwards, in any number of processes."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TypeVar

from simstudio.batch.execution import Models
from simstudio.batch.ledger.connection import Connection
from simstudio.batch.ledger.lock import canonical, check_path
from simstudio.batch.ledger.rows import COLUMNS, TABLES, entry_of
from simstudio.batch.records import STATES, Counts, Entry, Session
from simstudio.transport.errors import InvalidInputError

V = TypeVar("V", bound="LedgerView")

_PAGE = 500
"""Entries whose places are read at a time. Entries themselves are read one by one: each may hold megabytes."""

_READ = f"""
    SELECT {COLUMNS}, i.value FROM {TABLES} LEFT JOIN inputs i ON i.id = e.id
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
    """A ledger, open for reading, while its batch runs or afterwards.

    Args:
        models: Classes of results and jobs, such as ``{"result": WorkflowExecutionResult, "job": Job}``; by default
            both are :class:`~simstudio.batch.records.StoredResult`.

    Raises:
        InvalidInputError: The path cannot be that of a file.
        LedgerError: The ledger is missing or cannot be read.

    Attributes:
        path: Path of the file, links resolved.
        workflow_id: Id of the workflow that the items are executions of.
        base_url: Address of the server that ran them; empty if it was not recorded.

    Example:
        >>> import pathlib, tempfile
        >>> from simstudio.batch.ledger import Ledger
        >>> path = pathlib.Path(tempfile.mkdtemp(), "runs.sqlite")
        >>> Ledger.open(path, workflow_id="wf", mode="sync", api_version="v1").close()
        >>> with LedgerView(path) as view:
        ...     view.counts().total
        0
    """

    def __init__(self, path: str | os.PathLike[str], *, models: Models | None = None) -> None:
        self._attach(Connection.for_reading(canonical(check_path(path))), models)

    def _attach(self, connection: Connection, models: Models | None) -> None:
        self._connection = connection
        self._models: Models = models or {}
        self.path = connection.path
        try:
            with connection.reading() as db:
                self.workflow_id = _meta(db, "workflow_id")
                self.base_url = _meta(db, "base_url")
        except BaseException:
            connection.close()
            raise

    def counts(self) -> Counts:
        """Numbers of items by state, without counting rows.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        with self._connection.reading() as db:
            return Counts(**dict(db.execute("SELECT state, items FROM counts")))

    def entries(self, state: str | None = None) -> Iterator[Entry]:
        """The entries in the order of the inputs, read one by one.

        Each entry is current when it is read: there is no long transaction that a running batch would wait for.

        Args:
            state: State of the entries; None for all.

        Raises:
            InvalidInputError: The state does not exist.
            LedgerError: The ledger cannot be read.
        """
        if state is not None and state not in STATES:
            raise InvalidInputError(f"An entry's state is one of {', '.join(STATES)}, not {state!r}.")
        return self._entries(state)

    def _entries(self, state: str | None) -> Iterator[Entry]:
        index, last = -1, 0
        while True:
            with self._connection.reading() as db:
                place = (index, index, last, _PAGE)
                if state is None:
                    page = db.execute(_PLACES, place).fetchall()
                else:
                    page = db.execute(_PLACES_IN_STATE, (state, *place)).fetchall()
            for index, last in page:  # noqa: B007 - where the next page begins
                with self._connection.reading() as db:
                    row = db.execute(_READ, (last, state)).fetchone()
                    entry = (
                        None if row is None else entry_of(row, json.loads(row[-1]) if row[-1] else None, self._models)
                    )
                if entry is not None:  # else it was removed, or changed its state, in the meantime
                    yield entry
            if len(page) < _PAGE:
                return

    def fingerprint_of(self, key: str) -> str | None:
        """Fingerprint of the input with this key; None if the ledger has no such key.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        with self._connection.reading() as db:
            row = db.execute("SELECT fingerprint FROM entries WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def last_session(self) -> Session | None:
        """The last session in which the ledger was written; None before the first.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        with self._connection.reading() as db:
            columns = "SELECT pid, mode, api_version, opened_at FROM sessions ORDER BY id DESC LIMIT 1"
            row = db.execute(columns).fetchone()
        return None if row is None else Session(*row)

    def recall(self, name: str) -> Any:
        """The note that :meth:`~simstudio.batch.ledger.Ledger.remember` stored under a name; None without one.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        with self._connection.reading() as db:
            text = _meta(db, f"note {name}")
            return json.loads(text) if text else None

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._connection.close()

    def __enter__(self: V) -> V:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'path', None)!r})"  # None until it is open


def status(path: str | os.PathLike[str]) -> Counts:
    """Numbers of items by state, of a batch that may be running.

    Raises:
        LedgerError: The ledger is missing or cannot be read.

    Example:
        >>> import pathlib, tempfile
        >>> from simstudio.batch.ledger import Ledger
        >>> path = pathlib.Path(tempfile.mkdtemp(), "runs.sqlite")
        >>> Ledger.open(path, workflow_id="wf", mode="sync", api_version="v1").close()
        >>> status(path).done
        0
    """
    with LedgerView(path) as view:
        return view.counts()


def _meta(db: sqlite3.Connection, name: str) -> str:
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row is not None else ""
