"""The tables of a ledger, and how its file is told from any other."""

from __future__ import annotations

import sqlite3

from simstudio.batch.errors import LedgerError

_APPLICATION = 0x53494D42  # "SIMB": tells a ledger from any other SQLite file
_VERSION = 1

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


def is_new(db: sqlite3.Connection) -> bool:
    """Whether nothing was ever written to a file."""
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not tables and not db.execute("PRAGMA application_id").fetchone()[0]


def make(db: sqlite3.Connection) -> None:
    """Make the tables in a new file; the caller's transaction."""
    for statement in _TABLES:
        db.execute(statement)


def check(db: sqlite3.Connection, path: str) -> None:
    """Make sure that a file that is not new is a ledger.

    Raises:
        LedgerError: It is none, or one of a later version.
    """
    if db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise LedgerError(f"{path} is an SQLite file, but not the ledger of a batch.")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        raise LedgerError(
            f"The ledger {path} has version {version} of the schema, this package knows {_VERSION}: use the release "
            "that wrote it."
        )
