"""A ledger to be read, while its batch runs or after it, by whom and however many."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from simstudio.batch.ledger.connection import Connection
from simstudio.batch.ledger.lock import canonical, check_path
from simstudio.batch.ledger.rows import COLUMNS, TABLES, entry_of
from simstudio.batch.records import STATES, Counts, Entry, Session
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from typing import TypeVar

    from simstudio.batch.execution import Models

    V = TypeVar("V", bound="LedgerView")

_PAGE = 500
"""How many entries' places are read at a time; the entries themselves one by one, as each may hold megabytes."""

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
    """A ledger to be read, while a batch runs or after it; see :class:`~simstudio.batch.ledger.Ledger` for writing one.

    Args:
        models: The classes of results and jobs, such as ``{"result": WorkflowExecutionResult, "job": Job}``; by default
            each is a :class:`~simstudio.batch.records.StoredResult`.

    Raises:
        InvalidInputError: The path is none of a file.
        LedgerError: There is none, or it cannot be read.

    Attributes:
        path: The file, links resolved.
        workflow_id: The workflow whose executions it tells of.
        base_url: The server that ran them; empty where no one has said so.

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
        """How many items are in each state; costs the same for ten and for a million.

        Raises:
            LedgerError: It cannot be read.
        """
        with self._connection.reading() as db:
            return Counts(**dict(db.execute("SELECT state, items FROM counts")))

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
                if entry is not None:  # else it was forgotten, or went on to another state, in the meantime
                    yield entry
            if len(page) < _PAGE:
                return

    def fingerprint_of(self, key: str) -> str | None:
        """The fingerprint of the input that is known under a key; None where none is.

        Raises:
            LedgerError: It cannot be read.
        """
        with self._connection.reading() as db:
            row = db.execute("SELECT fingerprint FROM entries WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def last_session(self) -> Session | None:
        """Who last opened the ledger to write it, and how it sent; None where nobody has yet.

        Raises:
            LedgerError: It cannot be read.
        """
        with self._connection.reading() as db:
            columns = "SELECT pid, mode, api_version, opened_at FROM sessions ORDER BY id DESC LIMIT 1"
            row = db.execute(columns).fetchone()
        return None if row is None else Session(*row)

    def recall(self, name: str) -> Any:
        """What :meth:`~simstudio.batch.ledger.Ledger.remember` was given under a name; None where that was nothing.

        Raises:
            LedgerError: It cannot be read.
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
    """How many items are in each state, of a batch that may be running.

    Raises:
        LedgerError: There is no such ledger, or it cannot be read.

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
