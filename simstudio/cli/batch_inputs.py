"""The inputs of a batch: a file, or JSON lines from standard input."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

from simstudio.errors import InvalidInputError

_PIECE = 65_536


def inputs_of(source: str) -> Any:
    """The inputs for ``client.workflows.map`` from a path or ``-``."""
    if source == "-":
        return StandardInput()
    return InputPath(source) if Path(source).is_file() else source  # a pipe can be read only once


class InputPath(os.PathLike[str]):
    """The path of a file of inputs, which shows their number."""

    def __init__(self, path: str | Path) -> None:
        self._path = os.fspath(path)

    def __fspath__(self) -> str:
        return self._path

    def __len__(self) -> int:
        """Number of inputs.

        Raises:
            TypeError: The number is not known before they are read.
        """
        from simstudio.batch.inputs import count_inputs

        count = count_inputs(self._path)
        if count is None:
            raise TypeError("The inputs are not counted.")
        return count


class StandardInput:
    """JSON lines from standard input, which is read on a thread: a slow writer holds nothing up that is under way."""

    async def __aiter__(self) -> AsyncIterator[Any]:
        from simstudio.batch.input_files import check_length, check_start
        from simstudio.batch.json_rows import parse

        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[list[bytes] | Exception | None] = asyncio.Queue()
        room = threading.Semaphore(2)

        def hand_over(piece: list[bytes] | Exception | None) -> None:
            room.acquire()
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def work() -> None:
            try:
                for lines in _pieces():
                    hand_over(lines)
                hand_over(None)
            except OSError as error:
                hand_over(error)
            except RuntimeError:  # the loop is closed: nobody wants more
                return

        threading.Thread(target=work, name="simstudio-input", daemon=True).start()
        number = 0
        while (piece := await pieces.get()) is not None:
            room.release()
            if isinstance(piece, Exception):
                raise InvalidInputError(f"Standard input cannot be read: {piece}.") from piece
            for line in piece:
                number += 1
                if number == 1:
                    check_start(line, "Standard input")
                place = f"Standard input, line {number}"
                check_length(line, place)
                if line.strip():
                    yield parse(line, place)


def _pieces() -> Iterator[list[bytes]]:
    """Whole lines, as many as arrive at a time; of one that is too long its beginning, and nothing after it."""
    from simstudio.batch.input_files import MOST_IN_A_LINE

    begun: list[bytes] = []
    size = 0
    for piece in _read():
        first, *others = piece.split(b"\n")
        begun.append(first)
        size += len(first)
        if others:
            *lines, rest = others
            yield [b"".join(begun), *lines]
            begun, size = [rest], len(rest)
        elif size > MOST_IN_A_LINE:
            break
    if size:
        yield [b"".join(begun)]


def _read() -> Iterable[bytes]:
    stream = sys.stdin
    if stream is None:
        return ()
    try:
        number = stream.fileno()
    except (OSError, ValueError, io.UnsupportedOperation):  # not a real one: a program that calls this one
        return iter(lambda: stream.buffer.read(_PIECE), b"")
    # past its buffer, whose lock a thread that waits for more would hold when the interpreter ends
    return iter(lambda: os.read(number, _PIECE), b"")
