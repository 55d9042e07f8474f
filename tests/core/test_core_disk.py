"""Files on disk: those of our own are private, those that a user names have the usual mode once they are complete."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from simstudio.core.disk import NewFile, PartialFile, make_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestMakePrivate:
    def test_only_its_owner_may_use_it_whatever_the_umask(self, tmp_path: Path, umask: int) -> None:
        make_private(tmp_path / "own")

        assert mode(tmp_path / "own") == 0o600

    def test_one_that_is_there_stays_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "own"
        path.write_text("content")
        path.chmod(0o640)

        make_private(path)

        assert (mode(path), path.read_text()) == (0o640, "content")

    def test_a_link_leads_to_a_private_one(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "own")

        make_private(tmp_path / "link")

        assert mode(tmp_path / "own") == 0o600

    @pytest.mark.parametrize("name", ["missing/own", "", ".", "a\0b", "x" * 300])
    def test_where_it_cannot_be_made_its_opening_says_so(self, tmp_path: Path, name: str) -> None:
        make_private(f"{tmp_path}/{name}")

        assert list(tmp_path.iterdir()) == []

    def test_a_database_in_memory_has_no_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

        make_private(":memory:")

        assert list(tmp_path.iterdir()) == []

    def test_a_lock_that_the_process_holds_outlives_it(self, tmp_path: Path) -> None:
        """The locks of POSIX end when any descriptor of the file is closed by the process that holds them."""
        path = tmp_path / "own"
        make_private(path)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        make_private(path)

        script = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        holder.close()
        assert "database is locked" in other.stderr


class TestPart:
    def test_is_private_until_it_takes_its_place_and_then_as_usual(self, tmp_path: Path, umask: int) -> None:
        part = PartialFile.beside(tmp_path / "out")
        os.write(part.fd, b"content")
        os.close(part.fd)
        before = mode(part.path)

        part.replace_target()

        assert before == 0o600
        assert mode(tmp_path / "out") == 0o666 & ~umask
        assert [path.name for path in tmp_path.iterdir()] == ["out"]

    def test_keeps_the_mode_of_the_one_it_replaces(self, tmp_path: Path, umask: int) -> None:
        (tmp_path / "out").touch()
        (tmp_path / "out").chmod(0o604)
        part = PartialFile.beside(tmp_path / "out")
        os.close(part.fd)

        part.replace_target()

        assert mode(tmp_path / "out") == 0o604

    def test_two_of_one_file_are_two(self, tmp_path: Path) -> None:
        first, second = PartialFile.beside(tmp_path / "out"), PartialFile.beside(tmp_path / "out")
        os.close(first.fd)
        os.close(second.fd)

        assert first.path != second.path
        assert first.path.parent == second.path.parent == tmp_path

    def test_of_a_name_as_long_as_names_may_be(self, tmp_path: Path) -> None:
        part = PartialFile.beside(tmp_path / ("x" * 255))
        os.close(part.fd)
        part.replace_target()

        assert [path.name for path in tmp_path.iterdir()] == ["x" * 255]

    def test_the_umask_of_the_process_stays_as_it_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Files that other threads make meanwhile would have the wrong mode."""
        monkeypatch.delattr(os, "umask")
        part = PartialFile.beside(tmp_path / "out")
        os.close(part.fd)

        part.replace_target()

        assert (tmp_path / "out").exists()


class TestNewFile:
    """Each method may run in a thread while the caller that was cancelled discards the file."""

    @pytest.mark.parametrize("overwrite", [None, False, True])
    def test_it_appears_when_it_is_complete(self, tmp_path: Path, overwrite: bool | None) -> None:
        file = NewFile(tmp_path / "out", overwrite=overwrite)
        file.open()
        file.write(b"con")
        file.write(b"tent")
        (part,) = tmp_path.iterdir()
        assert (part.name[0], mode(part)) == (".", 0o600)

        file.finish()

        file.discard()  # has nothing left to remove
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("out", b"content")]

    @pytest.mark.parametrize("discarded_after", range(3))
    def test_a_discarded_one_leaves_nothing_and_does_not_come_back(self, tmp_path: Path, discarded_after: int) -> None:
        file = NewFile(tmp_path / "out")
        steps = [file.open, lambda: file.write(b"content"), file.finish]
        steps.insert(discarded_after, file.discard)

        for step in steps:
            step()

        assert list(tmp_path.iterdir()) == []

    def test_one_that_the_disk_has_no_room_for_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, fdopen = NewFile(tmp_path / "out"), os.fdopen
        with monkeypatch.context() as patched:
            patched.setattr(
                os, "fdopen", lambda fd, mode: os.close(fd) or fdopen(os.open("/dev/full", os.O_WRONLY), mode)
            )
            file.open()
        file.write(b"content")
        with pytest.raises(OSError, match="No space"):
            file.finish()

        file.discard()

        assert list(tmp_path.iterdir()) == []
