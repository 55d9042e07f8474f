"""The ledger as an SQLite file: its tables, how it is opened and locked, and what SQLite's errors mean to a user."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from simstudio.errors import LedgerError

BUSY_SECONDS = 5.0
"""How long a statement waits for another program that holds the file."""

_APPLICATION = 0x53494D42  # "SIMB": tells a ledger from any other SQLite file
_VERSION = 1
_CHECKED = 64 * 1024 * 1024
"""Bytes up to which a ledger is looked through when it is opened; of larger ones damage is noticed when it is met."""

_COLUMNS = """
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    item_index INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sending', 'submitted', 'done', 'failed', 'unknown')),
    session INTEGER NOT NULL REFERENCES sessions (id),
    run_id TEXT,
    task_id TEXT,
    execution_id TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    elapsed REAL NOT NULL DEFAULT 0,
    started_at REAL NOT NULL,
    ended_at REAL,
    error TEXT,
    result TEXT
"""
_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # one row each time that a coordinator opened the ledger: its process, and how what it sends is sent
    """CREATE TABLE sessions (
        id INTEGER PRIMARY KEY, mode TEXT NOT NULL, api_version TEXT NOT NULL, pid INTEGER NOT NULL,
        opened_at REAL NOT NULL, version TEXT NOT NULL
    )""",
    f"CREATE TABLE entries ({_COLUMNS})",
    "CREATE INDEX entries_in_order ON entries (item_index)",
    "CREATE INDEX entries_by_state ON entries (state, item_index)",
    # what was known of an item before it was sent again: what it goes back to if it was not sent after all
    f"CREATE TABLE earlier ({_COLUMNS})",
    # apart from the entries, which are written anew at each change of state
    "CREATE TABLE inputs (id INTEGER PRIMARY KEY, value TEXT NOT NULL)",
    # kept by triggers, so that they are right after any crash and nobody ever counts a million rows
    "CREATE TABLE counts (state TEXT PRIMARY KEY, items INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO counts VALUES ('sending', 0), ('submitted', 0), ('done', 0), ('failed', 0), ('unknown', 0)",
    """CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
        UPDATE counts SET items = items + 1 WHERE state = NEW.state;
    END""",
    """CREATE TRIGGER entry_changed AFTER UPDATE OF state ON entries WHEN OLD.state <> NEW.state BEGIN
        UPDATE counts SET items = items - 1 WHERE state = OLD.state;
        UPDATE counts SET items = items + 1 WHERE state = NEW.state;
    END""",
    """CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
        UPDATE counts SET items = items - 1 WHERE state = OLD.state;
    END""",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
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

    Raises:
        LedgerError: SQLite failed.
    """
    try:
        yield
    except sqlite3.Error as error:
        said = str(error)
        meaning = next((meaning for part, meaning in _MEANINGS if part in said.lower()), "SQLite failed")
        raise LedgerError(f"The ledger {path} cannot be {doing}: {meaning} ({said}).") from error
    except OSError as error:
        raise LedgerError(f"The ledger {path} cannot be {doing}: {error.strerror or error}.") from error
    except UnicodeEncodeError as error:
        message = f"The ledger {path} cannot hold a key or an id with half of a surrogate pair: {error.object!r}."
        raise LedgerError(message) from error


def open_for_writing(path: str) -> sqlite3.Connection:
    """The file, made where it is missing; whoever calls it holds the :class:`Lock`.

    Raises:
        sqlite3.Error: It cannot be opened.
        LedgerError: It is no ledger, or one of a later version.
    """
    # isolation_level=None: nothing is begun or committed behind our back, on any Python (autocommit= is of 3.12)
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if _is_new(db):  # before anything is written: it might be somebody else's
            _write_ahead(db, path)
            _make(db)
        else:
            _check(db, path)
            _write_ahead(db, path)
        if Path(path).stat().st_size <= _CHECKED:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(f"malformed: {found}")
    except BaseException:
        db.close()
        raise
    return db


def open_for_reading(path: str) -> sqlite3.Connection:
    """The file, read-only and without the lock: while a batch runs, and from a medium that cannot be written.

    Raises:
        sqlite3.Error: It cannot be opened.
        LedgerError: There is none, it is none, or one of a later version.
    """
    if not Path(path).exists():
        raise LedgerError(f"There is no ledger {path}.")
    address = f"{Path(path).as_uri()}?mode=ro"
    try:
        return _open_read_only(address, path)
    except sqlite3.OperationalError as error:
        log = Path(f"{path}-wal")
        if "locked" in str(error) or (log.exists() and log.stat().st_size):
            raise
        # Where SQLite cannot make its shared memory beside it, nobody can be writing it either.
        return _open_read_only(f"{address}&immutable=1", path)


def _open_read_only(address: str, path: str) -> sqlite3.Connection:
    db = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if _is_new(db):
            raise LedgerError(f"The ledger {path} is empty.")
        _check(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _is_new(db: sqlite3.Connection) -> bool:
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not tables and not db.execute("PRAGMA application_id").fetchone()[0]


def _check(db: sqlite3.Connection, path: str) -> None:
    if db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise LedgerError(f"{path} is an SQLite file, but not the ledger of a batch.")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        raise LedgerError(
            f"The ledger {path} has version {version} of the schema, this package knows {_VERSION}: use the release "
            "that wrote it."
        )


def _write_ahead(db: sqlite3.Connection, path: str) -> None:
    (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        message = f"The ledger {path} is on a file system without write-ahead logging; keep it on a local disk."
        raise LedgerError(message)
    # What is committed survives the process at once, and a loss of power at the latest from the next checkpoint on.
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA journal_size_limit = 67108864")


def _make(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in _TABLES:
            db.execute(statement)
        db.execute("COMMIT")
    except BaseException:
        roll_back(db)
        raise


def roll_back(db: sqlite3.Connection) -> None:
    """End a transaction that SQLite may have ended itself."""
    with suppress(sqlite3.Error):
        if db.in_transaction:
            db.execute("ROLLBACK")


class Lock:
    """Being the one coordinator of a ledger: a transaction kept open in a file of its own, ``<ledger>-lock``.

    The operating system lets go of it when the process ends, however it ends, and a child that was forked does not hold
    it. The file stays, empty: one that is deleted could be locked by two.

    Raises:
        sqlite3.OperationalError: Somebody holds it (``database is locked``), or it cannot be made.
    """

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(f"{path}-lock", timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._db.close()
            raise

    def release(self) -> None:
        """Let another have it."""
        self._db.close()


def canonical(path: str | os.PathLike[str]) -> str:
    """The path under which everybody locks the same file."""
    return os.path.realpath(os.fsdecode(path))
