"""A ledger's file as one process has it open: transactions, and what SQLite says of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from simstudio import LedgerError
from simstudio.batch.ledger.connection import Connection


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "runs.sqlite")


@pytest.fixture
def connection(path: str) -> Iterator[Connection]:
    made = Connection.for_writing(path)
    yield made
    made.close()


def put(connection: Connection, name: str) -> None:
    with connection.writing() as db:
        db.execute("INSERT INTO meta VALUES (?, 'x')", (name,))


def names(connection: Connection) -> list[str]:
    with connection.reading() as db:
        return [name for (name,) in db.execute("SELECT name FROM meta ORDER BY name")]


def test_what_was_written_is_there_for_whoever_reads_it(connection: Connection, path: str) -> None:
    put(connection, "a")
    reader = Connection.for_reading(path)
    assert names(reader) == ["a"]
    put(connection, "b")
    assert names(reader) == ["a", "b"]
    reader.close()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LedgerError("no")])
def test_what_raises_never_was(connection: Connection, error: BaseException) -> None:
    def interrupted() -> None:
        with connection.writing() as db:
            db.execute("INSERT INTO meta VALUES ('a', 'x')")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    put(connection, "b")
    assert names(connection) == ["b"]


def test_what_an_interrupt_left_open_is_undone_by_the_next(connection: Connection) -> None:
    with connection.reading() as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO meta VALUES ('a', 'x')")
    put(connection, "b")
    assert names(connection) == ["b"]


def test_what_sqlite_says_is_an_error_that_names_the_file(connection: Connection, path: str) -> None:
    with pytest.raises(LedgerError, match=f"The ledger {path} cannot be written: SQLite failed") as caught:
        put(connection, None)  # type: ignore[arg-type]
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


def test_what_cannot_be_understood_is_damage(connection: Connection) -> None:
    with pytest.raises(LedgerError, match="cannot be read: it is damaged"), connection.reading():
        int("x")


def test_a_reader_cannot_write(connection: Connection, path: str) -> None:
    reader = Connection.for_reading(path)
    with pytest.raises(LedgerError, match="read-only"):
        put(reader, "a")
    reader.close()


def test_after_its_end_it_is_not_usable(connection: Connection) -> None:
    assert connection.usable
    connection.close()
    connection.close()
    assert not connection.usable
    for use in (connection.reading, connection.writing):
        with pytest.raises(LedgerError, match="is closed"), use():
            raise AssertionError("not to be reached")
