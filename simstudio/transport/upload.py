"""Request bodies that are not held in memory.

An :class:`Upload` knows its size and can be read from its start as often as a request is sent again. The sync wire
iterates over it; the async wire reads it in a thread, piece by piece.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from simstudio.transport.errors import InvalidInputError

PIECE = 256 * 1024


class Upload:
    """A body made of bytes and files, one after another.

    Args:
        *parts: Bytes, paths, or files opened in binary mode (read from their start; their position is restored).

    Attributes:
        size: Bytes of the whole.

    Raises:
        OSError: A file cannot be read.

    Example:
        >>> b"".join(Upload(b"head", b"tail"))
        b'headtail'
    """

    def __init__(self, *parts: bytes | os.PathLike[str] | BinaryIO) -> None:
        self.parts = parts
        self._sizes = [_size(part) for part in parts]
        self.size = sum(self._sizes)

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[bytes]:
        """The pieces, from the start: as many bytes as were counted, though a file has grown since.

        Raises:
            InvalidInputError: A file has become shorter, or can no longer be read.
        """
        for part, size in zip(self.parts, self._sizes, strict=True):
            if isinstance(part, bytes):
                yield part
            elif isinstance(part, os.PathLike):
                with _opened(part) as file:
                    yield from _pieces(file, size)
            else:
                position = part.tell()
                try:
                    part.seek(0)
                    yield from _pieces(part, size)
                finally:
                    part.seek(position)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, from the start, read in a thread."""
        import asyncio

        pieces = iter(self)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece


def _opened(path: os.PathLike[str]) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InvalidInputError(f"A file to be sent can no longer be read: {error}.") from error


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left and (piece := file.read(min(PIECE, left))):
        left -= len(piece)
        yield piece
    if left:
        name = getattr(file, "name", "A file")
        raise InvalidInputError(f"{name} became shorter while it was sent: {left} of its {size} bytes are missing.")


def _size(part: bytes | os.PathLike[str] | BinaryIO) -> int:
    if isinstance(part, bytes):
        return len(part)
    if isinstance(part, os.PathLike):
        return Path(part).stat().st_size
    position = part.tell()
    try:
        return part.seek(0, os.SEEK_END)
    finally:
        part.seek(position)
