"""A ledger that cannot be read or written is a clear error, and is never made worse."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledgers import brought_to, database, ended, given, intact, intend, opened

from simstudio import LedgerError
from simstudio.batch.export import export
from simstudio.batch.ledger import Counts, Ledger, LedgerView, connection, status


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.sqlite"


@pytest.fixture
def filled(path: Path) -> Path:
    """A closed ledger of some hundred kilobytes."""
    with opened(path) as ledger:
        for index in range(50):
            brought_to(ledger, given(index, {"text": "x" * 5000}), "done")
    return path


# Damaged


@pytest.mark.parametrize("open_", [opened, status], ids=["writing", "reading"])
def test_a_file_of_something_else_is_refused_and_left_alone(path: Path, open_: Callable[[Path], object]) -> None:
    content = b"These are my notes, and no database.\n" * 200
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"runs\.sqlite cannot be (opened|read): it is damaged, or no ledger at all"):
        open_(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("open_", [opened, status], ids=["writing", "reading"])
def test_a_database_of_something_else_is_refused_and_left_alone(path: Path, open_: Callable[[Path], object]) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    content = path.read_bytes()
    with pytest.raises(LedgerError, match="is an SQLite file, but not the ledger of a batch"):
        open_(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("open_", [opened, status], ids=["writing", "reading"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_ledger_is_refused(filled: Path, part: float, open_: Callable[[Path], object]) -> None:
    content = filled.read_bytes()
    filled.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(LedgerError, match="it is damaged"):
        open_(filled)


@pytest.mark.parametrize("place", [0.2, 0.4, 0.6, 0.8])
def test_a_ledger_with_damaged_pages_is_refused(filled: Path, place: float) -> None:
    content = bytearray(filled.read_bytes())
    middle = int(len(content) * place)
    content[middle : middle + 20_000] = b"\xa5" * 20_000
    filled.write_bytes(content)
    with pytest.raises(LedgerError, match=r"it is damaged \(.*\)\. .* Put back a copy .*, or begin with a new ledger"):
        opened(filled)
    assert filled.read_bytes() == content


def test_damage_that_is_met_later_is_as_clear(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_CHECKED", 0)  # as if the ledger were too large to be looked through
    content = bytearray(filled.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = b"\xa5" * 20_000
    filled.write_bytes(content)
    out = filled.with_name("out.jsonl")
    with opened(filled) as ledger, pytest.raises(LedgerError, match="it is damaged"):
        export(ledger, out)
    assert not out.exists()


def test_an_entry_that_is_no_json_is_a_clear_error(filled: Path) -> None:
    with sqlite3.connect(filled) as db:
        db.execute("UPDATE entries SET result = '{\"fields\": 1}' WHERE key = '3'")
        db.execute("UPDATE entries SET result = '{' WHERE key = '4'")
    db.close()
    with opened(filled) as ledger:
        for index in (3, 4):
            with pytest.raises(LedgerError, match="cannot be read: it is damaged"):
                ledger.find(given(index, {"text": "x" * 5000}))


def test_a_lost_log_takes_the_last_entries_and_no_more(path: Path, tmp_path: Path) -> None:
    with opened(path) as ledger:
        brought_to(ledger, given(0), "done")
    with opened(path) as ledger:
        brought_to(ledger, given(1), "done")
        (tmp_path / "left").mkdir()
        shutil.copy(path, tmp_path / "left" / path.name)  # and not the -wal beside it
    assert status(tmp_path / "left" / path.name) == Counts(done=1)


def test_an_empty_file_becomes_a_ledger(path: Path) -> None:
    path.touch()
    with pytest.raises(LedgerError, match="is empty"):
        status(path)
    with opened(path) as ledger:
        intend(ledger, given(0))
    assert status(path).sending == 1


def test_one_that_was_refused_can_be_replaced_at_once(path: Path) -> None:
    path.write_bytes(b"x" * 1000)
    with pytest.raises(LedgerError):
        opened(path)
    path.unlink()
    opened(path).close()


# No room


@pytest.fixture
def full(path: Path) -> Iterator[Ledger]:
    """A ledger with one item being sent and no room for more."""
    with opened(path) as ledger:
        intend(ledger, given(0))
        (pages,) = database(ledger).execute("PRAGMA page_count").fetchone()
        database(ledger).execute(f"PRAGMA max_page_count = {pages}")
        yield ledger


def test_a_full_disk_is_a_clear_error_before_anything_is_sent(full: Ledger) -> None:
    with pytest.raises(LedgerError, match="cannot be written: there is no room for it: the disk is full"):
        intend(full, *[given(index, "x" * 10_000) for index in range(1, 4)])
    assert full.counts() == Counts(sending=1)


def test_an_end_that_finds_no_room_leaves_the_item_as_it_was(full: Ledger) -> None:
    with pytest.raises(LedgerError, match="no room"):
        full.finish(ended(given(0), output="x" * 100_000))
    entry = full.find(given(0))
    assert entry is not None
    assert (entry.state, entry.result) == ("sending", None)


def test_a_ledger_goes_on_when_there_is_room_again(full: Ledger, path: Path) -> None:
    with pytest.raises(LedgerError):
        full.finish(ended(given(0), output="x" * 100_000))
    database(full).execute("PRAGMA max_page_count = 100000")
    full.finish(ended(given(0), output="x" * 100_000))
    intend(full, given(1))
    assert full.counts() == Counts(done=1, sending=1)
    assert intact(path)


def test_a_disk_that_is_full_at_the_start_leaves_no_half_ledger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sqlite3.connect

    def small(*arguments: object, **options: object) -> sqlite3.Connection:
        db = real(*arguments, **options)  # type: ignore[call-overload]
        db.execute("PRAGMA max_page_count = 3")
        return db  # type: ignore[no-any-return]

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(LedgerError, match="no room"):
        opened(path)
    monkeypatch.undo()
    with opened(path) as ledger:
        assert ledger.counts().total == 0


# Read-only, and in other hands


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a user without rights can reach, and that user: nobody, where the tests run as root."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.chown(made, 65534, -1)
        os.seteuid(65534)
    try:
        yield made
    finally:
        if root:
            os.seteuid(0)
        made.chmod(0o755)
        shutil.rmtree(made)


def forbid_writing(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def test_a_folder_that_cannot_be_written_is_a_clear_error(folder: Path) -> None:
    forbid_writing(folder)
    with pytest.raises(LedgerError, match=r"cannot be opened: .*folder is missing or may not be written"):
        opened(folder / "runs.sqlite")


def test_a_ledger_that_cannot_be_written_is_a_clear_error(folder: Path) -> None:
    opened(folder / "runs.sqlite").close()
    (folder / "runs.sqlite").chmod(0o444)
    with pytest.raises(LedgerError, match="read-only"):
        opened(folder / "runs.sqlite")


def test_a_finished_ledger_is_read_where_nothing_can_be_written(folder: Path) -> None:
    with opened(folder / "runs.sqlite") as ledger:
        brought_to(ledger, given(0), "done")
    forbid_writing(folder)
    with LedgerView(folder / "runs.sqlite") as view:
        assert view.counts() == Counts(done=1)
        assert [entry.output for entry in view.entries()] == ["x"]


def test_a_view_writes_nothing(path: Path) -> None:
    with opened(path) as ledger:
        intend(ledger, given(0))
    with LedgerView(path) as view, pytest.raises(sqlite3.OperationalError, match="readonly"):
        database(view).execute("DELETE FROM entries")


@pytest.mark.parametrize("open_", [opened, status], ids=["writing", "reading"])
def test_a_folder_is_no_ledger(tmp_path: Path, open_: Callable[[Path], object]) -> None:
    with pytest.raises(LedgerError, match=r"cannot be (opened|read)"):
        open_(tmp_path)


def test_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="folder is missing"):
        opened(tmp_path / "none" / "runs.sqlite")


def test_a_missing_ledger_is_not_made_by_reading_it(path: Path) -> None:
    with pytest.raises(LedgerError, match="There is no ledger"):
        status(path)
    assert list(path.parent.iterdir()) == []


def test_a_foreign_program_that_writes_it_is_a_clear_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.01)
    with opened(path) as ledger:
        intend(ledger, given(0))
        foreign = sqlite3.connect(path, isolation_level=None)
        foreign.execute("BEGIN IMMEDIATE")
        try:
            assert ledger.counts().sending == 1
            with pytest.raises(LedgerError, match="cannot be written: another program has locked it"):
                ledger.finish(ended(given(0)))
        finally:
            foreign.close()
        ledger.finish(ended(given(0)))


def test_a_foreign_program_that_holds_it_at_the_start_is_a_clear_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.01)
    opened(path).close()
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(LedgerError, match="cannot be written: another program has locked it"):
            opened(path)
    finally:
        foreign.close()
    opened(path).close()
