"""The tables of a ledger, the versions of its schema, and the mark that distinguishes its file from others.

SQLite's ``application_id`` marks a file as a ledger, ``user_version`` is the version of its schema.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import attrs

from simstudio._version import __version__
from simstudio.batch.errors import LedgerError

_APPLICATION = 0x53494D42  # "SIMB": marks an SQLite file as a ledger

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
_VERSION_1 = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # one row for each opening by a coordinator: its process, and how it sends items
    """CREATE TABLE sessions (
        id INTEGER PRIMARY KEY, mode TEXT NOT NULL, api_version TEXT NOT NULL, pid INTEGER NOT NULL,
        opened_at REAL NOT NULL, version TEXT NOT NULL
    )""",
    f"CREATE TABLE entries ({_COLUMNS})",
    "CREATE INDEX entries_in_order ON entries (item_index)",
    "CREATE INDEX entries_by_state ON entries (state, item_index)",
    # the entry of an item before it was sent again, restored if it was not sent after all
    f"CREATE TABLE earlier ({_COLUMNS})",
    # not columns of the entries, which are rewritten at each change of state
    "CREATE TABLE inputs (id INTEGER PRIMARY KEY, value TEXT NOT NULL)",
    # kept by triggers: right after any crash, and without counting a million rows
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
)


@attrs.frozen
class Migration:
    """A step from one version of the schema to the next.

    Attributes:
        version: Version that the step leads to.
        release: First release that writes this version.
        statements: SQL of the step.
    """

    version: int
    release: str
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (Migration(1, "0.1.0", _VERSION_1),)
"""All steps, from an empty file on. A released step never changes: files that it made exist. A new version is one more
step. ``entries`` and ``earlier`` always have the same columns in the same order."""


def newest() -> int:
    """The version that this release writes."""
    return MIGRATIONS[-1].version


def is_new(db: sqlite3.Connection) -> bool:
    """Whether nothing was ever written to a file."""
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not tables and not db.execute("PRAGMA application_id").fetchone()[0]


def migrate(db: sqlite3.Connection) -> None:
    """Bring a file to the newest version, in the caller's transaction. A new file has version 0."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for migration in MIGRATIONS[version:]:
        for statement in migration.statements:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {migration.version}")
    db.execute(f"PRAGMA application_id = {_APPLICATION}")


def check(db: sqlite3.Connection, path: str) -> bool:
    """Make sure that a file that is not new is a ledger which this release can use.

    Returns:
        Whether it has the newest version; if not, it needs :func:`migrate`.

    Raises:
        LedgerError: The file is no ledger, or a later release wrote it.
    """
    if db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
        raise LedgerError(f"{path} is an SQLite file, but not the ledger of a batch.")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > newest():
        writer = _last_writer(db)
        named = f" ({writer})" if writer else ""
        raise LedgerError(
            f"The ledger {path} was written by a later release{named}: its schema has version {version}, and "
            f"this release ({__version__}) reads versions up to {newest()}. Install that release or a later one, and "
            "go on with it."
        )
    return bool(version == newest())


def _last_writer(db: sqlite3.Connection) -> str | None:
    """The release that opened a ledger last; None if its tables do not say so."""
    with suppress(sqlite3.Error):
        row = db.execute("SELECT version FROM sessions ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else str(row[0])
    return None
