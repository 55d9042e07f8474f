"""A file is sent in sections that are read when they are needed, wherever its bytes are."""

from __future__ import annotations

import array
import gc
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simstudio import InvalidInputError
from simstudio.core.sections import SectionedFile

CONTENT = b"0123456789"


class Pipe(io.RawIOBase):
    """A file that can be read once."""

    def __init__(self) -> None:
        self.rest = CONTENT

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = len(self.rest) if size < 0 else size
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece


def spooled() -> Any:
    file = tempfile.SpooledTemporaryFile()  # noqa: SIM115 - closed by its test
    file.write(CONTENT)
    return file


def path_of(directory: Path) -> Path:
    path = directory / "file.bin"
    path.write_bytes(CONTENT)
    return path


MAKERS: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda _: CONTENT,
    "bytearray": lambda _: bytearray(CONTENT),
    "memoryview": lambda _: memoryview(CONTENT),
    "memoryview of numbers": lambda _: memoryview(array.array("H", CONTENT)),
    "path": path_of,
    "opened": lambda _: io.BytesIO(CONTENT),
    "spooled": lambda _: spooled(),
    "pipe": lambda _: Pipe(),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_sections_are_read_in_any_order_and_again(make: Callable[[Path], Any], tmp_path: Path) -> None:
    content = make(tmp_path)
    file = SectionedFile(content)
    assert file.size == len(CONTENT)
    for start, size, found in ((6, 4, b"6789"), (0, 3, b"012"), (3, 3, b"345"), (0, 3, b"012"), (0, 10, CONTENT)):
        section = file.section(start, size)
        assert (len(section), b"".join(section), b"".join(section)) == (size, found, found)
    if isinstance(content, tempfile.SpooledTemporaryFile):
        content.close()


def test_an_opened_file_stays_where_it_was() -> None:
    opened = io.BytesIO(CONTENT)
    opened.seek(7)
    file = SectionedFile(opened)
    assert b"".join(file.section(2, 3)) == b"234"
    assert opened.tell() == 7


def test_the_copy_of_a_file_that_is_read_once_is_closed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[Any] = []
    make = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: copies.append(make()) or copies[-1])
    file = SectionedFile(Pipe())  # type: ignore[arg-type]
    assert [copy.closed for copy in copies] == [False]
    del file
    gc.collect()
    assert [copy.closed for copy in copies] == [True]


def closed(_: Path) -> Any:
    file = io.BytesIO(CONTENT)
    file.close()
    return file


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda directory: directory / "missing", "cannot be read: .*No such file"),
        (lambda directory: directory, "is no regular file"),
        (closed, "cannot be read: .*closed file"),
        (lambda _: io.StringIO("text"), "text instead of bytes"),
    ],
    ids=["missing", "directory", "closed", "text"],
)
def test_what_cannot_be_read_is_refused_at_once(make: Callable[[Path], Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        SectionedFile(make(tmp_path))


@pytest.mark.parametrize("kind", ["path", "opened"])
def test_a_file_that_is_gone_when_a_section_is_read_is_said_to_be(kind: str, tmp_path: Path) -> None:
    content = MAKERS[kind](tmp_path)
    section = SectionedFile(content).section(0, 3)
    content.unlink() if kind == "path" else content.close()
    with pytest.raises(InvalidInputError, match="can no longer be read"):
        b"".join(section)


def test_a_file_that_became_shorter_is_said_to_be(tmp_path: Path) -> None:
    path = path_of(tmp_path)
    section = SectionedFile(path).section(2, 8)
    path.write_bytes(CONTENT[:5])
    with pytest.raises(InvalidInputError, match=r"became shorter .*: 5 bytes are missing"):
        b"".join(section)
