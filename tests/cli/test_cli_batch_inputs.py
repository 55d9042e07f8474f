"""The inputs of ``simstudio batch run``, as they are counted and cut into lines, in little memory."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simstudio.cli.batch_inputs import InputPath, StandardInput
from simstudio.errors import InvalidInputError


class Piecemeal:
    """A standard input of a program, whose bytes come in these pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = iter(pieces)
        self.buffer = self

    def fileno(self) -> int:
        raise io.UnsupportedOperation

    def read(self, size: int) -> bytes:
        return next(self.pieces, b"")


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (b"", 0),
        (b"\n \n\t\r\n", 0),
        (b"1", 1),
        (b"1\n", 1),
        (b"1\r\n\r\n2", 2),
        (b" \n1\n   ", 1),
        (b"1" * 200_000 + b"\n" + b" " * 200_000 + b"2\n" + b" " * 200_000 + b"\n3", 3),
    ],
)
def test_lines_that_are_not_blank_count(tmp_path: Path, content: bytes, count: int) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)
    assert len(InputPath(path)) == count


@given(st.lists(st.text("12\n", min_size=1, max_size=9).map(str.encode)))
def test_pieces_are_cut_into_lines(pieces: list[bytes]) -> None:
    async def read() -> list[object]:
        return [value async for value in StandardInput()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", Piecemeal(pieces))
        found = asyncio.run(read())
    assert found == [json.loads(line) for line in b"".join(pieces).split(b"\n") if line]


async def test_a_line_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read to its end, which may never come."""
    read = []

    def pieces() -> Iterator[bytes]:
        yield b"1\n2\n"
        while True:
            read.append(1)
            yield b"x" * 65_536

    monkeypatch.setattr(sys, "stdin", Piecemeal(pieces()))
    monkeypatch.setattr("simstudio.batch.input_files.MOST_IN_A_LINE", 1024**2)
    values = aiter(StandardInput())
    assert [await anext(values), await anext(values)] == [1, 2]
    with pytest.raises(InvalidInputError, match="line 3: longer than 1 MB"):
        await anext(values)
    assert len(read) <= 18
