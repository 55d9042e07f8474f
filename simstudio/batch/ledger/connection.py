"""A ledger's file, as one process has it open.

The file is written ahead (WAL) with ``synchronous=NORMAL``: everything committed survives the death of the process at
any moment; a loss of power may take the last commits, never more, and never the file's consistency. Beside it lie
``<path>-wal`` and ``<path>-shm`` while it is open or after a crash (they belong to it: copy all or none). It belongs on
a local disk. Only its owner may read it, as it holds all inputs and outputs; whoever wants others to read it changes
its mode, which stays.

Every use of it is one short block, so that readers and the writer never wait long for each other, and whatever SQLite
says in one is an error that names the file and what is the matter. A forked child can neither use it nor close it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from simstudio.batch.errors import LedgerError
from simstudio.batch.ledger.lock import Lock
from simstudio.batch.ledger.schema import check, is_new, migrate
from simstudio.core.disk import make_private
from simstudio.transport.errors import SimStudioError

BUSY_SECONDS = 5.0
"""How long a statement waits for another program that holds the file."""

_CHECKED = 64 * 1024 * 1024
"""Bytes up to which a ledger is looked through when it is opened; of larger ones damage is noticed when it is met."""

_WHEN_DAMAGED = (
    " It cannot be mended here. Put back a copy (with its -wal file, where it has one), or begin with a new ledger: "
    "then all inputs run, those too that have run already."
)
_MEANINGS = (
    ("is full", "there is no room for it: the disk is full, or it has reached the size it may have"),
    ("malformed", "it is damaged"),
    ("not a database", "it is damaged, or no ledger at all"),
    ("file is encrypted", "it is damaged, or no ledger at all"),
    ("locked", "another program has locked it"),
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
def explained(path: str, doing: str) -> Iterator[None]:
    """Turn SQLite's errors into those of a user: which file, what is the matter.

    Args:
        path: The ledger's.
        doing: What it cannot be: ``opened``, ``read`` or ``written``.

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
    """A ledger's file, open in this process. Made by :meth:`for_reading` or :meth:`for_writing`, to be closed."""

    def __init__(self, path: str, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self._process = os.getpid()
        self._open = True

    @classmethod
    def for_reading(cls, path: str) -> Connection:
        """The file, read-only and without a lock: while a batch runs, and from a medium that cannot be written.

        A file of an earlier release is brought to the newest version of the schema first, which needs lock and writing.

        Raises:
            LedgerError: There is none, it is none, or a later release wrote it, or it cannot be read.
        """
        with explained(path, "read"):
            db = _opened_for_reading(path)
            if not check(db, path):
                db.close()
                _bring_up_to_date(path)
                db = _opened_for_reading(path)
            return cls(path, db)

    @classmethod
    def for_writing(cls, path: str) -> Connection:
        """The file, made where it is missing; whoever calls it holds the :class:`~simstudio.batch.ledger.lock.Lock`.

        Raises:
            LedgerError: It is no ledger, or a later release wrote it, or it cannot be opened.
        """
        with explained(path, "opened"):
            return cls(path, _opened_for_writing(path))

    @property
    def usable(self) -> bool:
        """Whether it is open, and by this process: not by the one that this was forked from."""
        return self._open and os.getpid() == self._process

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read something, and make what one knows of it.

        Raises:
            LedgerError: It cannot be read, or holds what this package did not write; or it is not :attr:`usable`.
        """
        self._ensure_usable()
        try:
            with explained(self.path, "read"):
                yield self._db
        except (ValueError, LookupError, TypeError, AttributeError) as error:  # JSON that this package did not write
            if isinstance(error, SimStudioError):
                raise
            message = f"The ledger {self.path} cannot be read: it is damaged ({error}).{_WHEN_DAMAGED}"
            raise LedgerError(message) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: it is committed when the block ends, and never was if that raises.

        Raises:
            LedgerError: It cannot be written; or it is not :attr:`usable`.
        """
        self._ensure_usable()
        with explained(self.path, "written"), _transaction(self._db):
            yield self._db

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        if self.usable:  # in a fork it is still the parent's: closing it could spoil the file
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


def _opened_for_writing(path: str) -> sqlite3.Connection:
    make_private(path)
    db = _connected(path)
    try:
        current = not is_new(db) and check(db, path)  # before anything is written: it might be another program's
        _write_ahead(db, path)
        if not current:
            with _transaction(db):
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
        _opened_for_writing(path).close()
    finally:
        lock.release()


def _opened_for_reading(path: str) -> sqlite3.Connection:
    if not Path(path).exists():
        raise LedgerError(f"There is no ledger {path}.")
    address = f"{Path(path).as_uri()}?mode=ro"
    try:
        return _opened_read_only(address, path)
    except sqlite3.OperationalError as error:
        log = Path(f"{path}-wal")
        if "locked" in str(error) or (log.exists() and log.stat().st_size):
            raise
        # Where SQLite cannot make its shared memory beside it, nobody can be writing it either.
        return _opened_read_only(f"{address}&immutable=1", path)


def _opened_read_only(address: str, path: str) -> sqlite3.Connection:
    db = _connected(address, uri=True)
    try:
        if is_new(db):
            raise LedgerError(f"The ledger {path} is empty.")
        check(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _connected(address: str, *, uri: bool = False) -> sqlite3.Connection:
    # isolation_level=None: nothing is begun or committed behind our back, on any Python (autocommit= is of 3.12)
    return sqlite3.connect(address, uri=uri, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _write_ahead(db: sqlite3.Connection, path: str) -> None:
    (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        message = f"The ledger {path} is on a file system without write-ahead logging; keep it on a local disk."
        raise LedgerError(message)
    # What is committed survives the process at once, and a loss of power at the latest from the next checkpoint on.
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA journal_size_limit = 67108864")


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    _roll_back(db)  # what an interrupt between two lines may have left
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException:
        _roll_back(db)
        raise


def _roll_back(db: sqlite3.Connection) -> None:
    """End a transaction that SQLite may have ended itself."""
    with suppress(sqlite3.Error):
        if db.in_transaction:
            db.execute("ROLLBACK")
