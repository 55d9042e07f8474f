"""Transactions of SQLite databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from simstudio.core.transactions import transaction


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.execute("CREATE TABLE things (name TEXT)")
        yield made


def names(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM things")]


def test_a_block_is_kept_whole_or_not_at_all(db: sqlite3.Connection) -> None:
    def add(*names: str) -> None:
        with transaction(db):
            for name in names:
                db.execute("INSERT INTO things VALUES (?)", name)

    add("a")
    with pytest.raises(sqlite3.ProgrammingError):
        add("b", "one too many")
    assert names(db) == ["a"]


def test_one_that_was_left_open_is_rolled_back(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO things VALUES ('a')")
    with transaction(db):
        db.execute("INSERT INTO things VALUES ('b')")
    assert names(db) == ["b"]


def test_a_full_disk_is_the_error_that_is_raised(db: sqlite3.Connection) -> None:
    """SQLite has rolled back by then, and a second time would be another error."""
    db.execute("PRAGMA max_page_count = 3")
    with pytest.raises(sqlite3.OperationalError, match="disk is full"), transaction(db):
        db.execute("INSERT INTO things VALUES (zeroblob(100000))")
    assert names(db) == []
