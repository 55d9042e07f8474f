"""``transaction``: a block of statements that an SQLite database keeps whole, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit the statements of a block, or roll them back when one fails. The connection has ``isolation_level=None``.

    Raises:
        sqlite3.Error: A statement failed. If the disk is full, SQLite has rolled back already.
    """
    _roll_back(db)  # an interrupt between two lines may have left a transaction open
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException:
        _roll_back(db)
        raise


def _roll_back(db: sqlite3.Connection) -> None:
    """End a transaction, unless SQLite has ended it."""
    with suppress(sqlite3.Error):
        if db.in_transaction:
            db.execute("ROLLBACK")
