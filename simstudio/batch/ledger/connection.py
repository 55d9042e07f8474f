"""The connection of one process to the file of a ledger.

SQLite writes the file ahead (WAL) with ``synchronous=NORMAL``: whatever is committed survives the death of the process
at any moment. A power failure may undo the last commits, but never damages the file. ``<path>-wal`` and ``<path>-shm``
lie beside the file while it is open and after a crash; they belong to it, so copy all or none. Keep a ledger on a local
disk. It holds all inputs and outputs, so only its owner may read it; a mode that the owner sets later stays.

Each use is one short block, so that readers and the writer do not wait long for each other. An error of SQLite in a
block becomes a LedgerError that names the file and the cause. A forked child can neither use nor close the connection.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simstudio.batch.errors import LedgerError
from simstudio.batch.ledger.lock import Lock
from simstudio.batch.ledger.schema import check, is_new, migrate
from simstudio.core.disk import make_private
from simstudio.core.transactions import transaction
from simstudio.transport.errors import SimStudioError

BUSY_SECONDS = 5.0
"""Seconds that a statement waits for another program that has locked the file."""

_CHECKED = 64 * 1024 * 1024
"""Bytes of the largest ledger that is checked when it is opened; damage of a larger one is found when it is read."""

_WHEN_DAMAGED = (
    " It cannot be mended here. Put back a copy (with its -wal file, where it has one), or begin with a new ledger: "
    "then all inputs run, those too that have run already."
)
_MEANINGS = (
    ("is full", "there is no room for it: the disk is full, or it has reached the size it may have"),
    ("malformed", "it is damaged"),
    ("not a database", "it is damaged, or no ledger at all"),
    ("file is encrypted", "it is damaged, or no ledger at all"),
    ("locked", "another program has locked it, or another connection of this one"),
    ("locking protocol", "its file system cannot lock files; keep it on a local disk"),
    ("readonly", "it, or the folder it is in, is read-only"),
    ("read-only", "it, or the folder it is in, is read-only"),
    (
        "unable to open",
        "it, or a file beside it, cannot be made: the folder is missing or may not be written",
    ),
    ("disk i/o", "the disk, or the file system, failed to read or write it"),
    ("too big", "an input or a result is larger than SQLite takes"),
)


@contextmanager
def explain_errors(path: str, doing: str) -> Iterator[None]:
    """Turn errors of SQLite into errors that name the file and the cause.

    Args:
        path: Path of the ledger.
        doing: Use of the ledger in the block: ``opened``, ``read`` or ``written``.

    Raises:
        LedgerError: SQLite failed.
    """
    try:
        yield
    except sqlite3.Error as error:
        said = " ".join(str(error).split())
        meaning = next((meaning for part, meaning in _MEANINGS if part in said.lower()), "SQLite failed")
        advice = _WHEN_DAMAGED if "damaged" in meaning else ""
        raise LedgerError(f"The ledger {path} cannot be {doing}: {meaning} ({said}).{advice}") from error
    except OSError as error:
        raise LedgerError(f"The ledger {path} cannot be {doing}: {error.strerror or error}.") from error
    except UnicodeEncodeError as error:
        message = f"The ledger {path} cannot hold a key or an id with half of a surrogate pair: {error.object!r}."
        raise LedgerError(message) from error


class Connection:
    """An open connection, made by :meth:`for_reading` or :meth:`for_writing`; close it."""

    def __init__(self, path: str, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self._process = os.getpid()
        self._open = True

    @classmethod
    def for_reading(cls, path: str) -> Connection:
        """Open the file read-only and without a lock: also while a batch runs, and on a read-only medium.

        A file of an earlier release is brought to the newest version of the schema first, which locks and writes it.

        Raises:
            LedgerError: The file is missing, no ledger, of a later release, or cannot be read.
        """
        with explain_errors(path, "read"):
            db = _open_for_reading(path)
            if not check(db, path):
                db.close()
                _bring_up_to_date(path)
                db = _open_for_reading(path)
            return cls(path, db)

    @classmethod
    def for_writing(cls, path: str) -> Connection:
        """Open the file, or make it. The caller holds the :class:`~simstudio.batch.ledger.lock.Lock`.

        Raises:
            LedgerError: The file is no ledger, of a later release, or cannot be opened.
        """
        with explain_errors(path, "opened"):
            return cls(path, _open_for_writing(path))

    @property
    def usable(self) -> bool:
        """Whether it is open, and was opened by this process, not by the one that this was forked from."""
        return self._open and os.getpid() == self._process

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A block that reads rows and decodes them.

        Raises:
            LedgerError: The file cannot be read, holds data that this package did not write, or is not :attr:`usable`.
        """
        self._ensure_usable()
        try:
            with explain_errors(self.path, "read"):
                yield self._db
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # JSON that this package did not write
            if isinstance(error, SimStudioError):
                raise
            message = f"The ledger {self.path} cannot be read: it is damaged ({error}).{_WHEN_DAMAGED}"
            raise LedgerError(message) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A block that is one transaction: committed at its end, rolled back if it raises.

        Raises:
            LedgerError: The file cannot be written, or is not :attr:`usable`.
        """
        self._ensure_usable()
        with explain_errors(self.path, "written"), transaction(self._db):
            yield self._db

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        if self.usable:  # in a fork it belongs to the parent: closing it could damage the file
            self._db.close()
        self._open = False

    def _ensure_usable(self) -> None:
        if not self._open:
            raise LedgerError(f"The ledger {self.path} is closed.")
        if os.getpid() != self._process:
            raise LedgerError(
                f"The ledger {self.path} was opened by process {self._process}; a forked child cannot use it. "
                "Only the coordinating process writes the ledger; to read it, open it again."
            )


def _open_for_writing(path: str) -> sqlite3.Connection:
    make_private(path)
    db = _connect(path)
    try:
        current = not is_new(db) and check(db, path)  # before anything is written: it might be another program's
        _write_ahead(db, path)
        if not current:
            with transaction(db):
                migrate(db)
        if Path(path).stat().st_size <= _CHECKED:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(f"malformed: {found}")
    except BaseException:
        db.close()
        raise
    return db


def _bring_up_to_date(path: str) -> None:
    lock = Lock(path)
    try:
        _open_for_writing(path).close()
    finally:
        lock.release()


def _open_for_reading(path: str) -> sqlite3.Connection:
    if not Path(path).exists():
        raise LedgerError(f"There is no ledger {path}.")
    address = f"{Path(path).as_uri()}?mode=ro"
    try:
        return _open_read_only(address, path)
    except sqlite3.OperationalError as error:
        log = Path(f"{path}-wal")
        if "locked" in str(error) or (log.exists() and log.stat().st_size):
            raise
        # Where SQLite cannot make its shared memory beside the file, no process can be writing it.
        return _open_read_only(f"{address}&immutable=1", path)


def _open_read_only(address: str, path: str) -> sqlite3.Connection:
    db = _connect(address, uri=True)
    try:
        if is_new(db):
            raise LedgerError(f"The ledger {path} is empty.")
        check(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _connect(address: str, *, uri: bool = False) -> sqlite3.Connection:
    # isolation_level=None: Python begins and commits no transactions itself (autocommit= is new in 3.12)
    return sqlite3.connect(address, uri=uri, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _write_ahead(db: sqlite3.Connection, path: str) -> None:
    (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        message = f"The ledger {path} is on a file system without write-ahead logging; keep it on a local disk."
        raise LedgerError(message)
    # A commit survives the process at once, and a power failure after the next checkpoint at the latest.
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA journal_size_limit = 67108864")
