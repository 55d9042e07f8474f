"""Request bodies that are not held in memory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from simstudio.transport.errors import InvalidInputError

PIECE = 256 * 1024


class Upload:
    """A body of bytes and files, one after another. Each attempt reads it from its start; async code in a thread.

    Args:
        *parts: Bytes, paths, or files opened in binary mode (read from their start; their position is restored).

    Attributes:
        size: Size in bytes.

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
        """Iterate over the pieces. A file that has grown since the upload was made is read to its former size.

        Raises:
            InvalidInputError: A file has become shorter, or can no longer be read.
        """
        for part, size in zip(self.parts, self._sizes, strict=True):
            if isinstance(part, bytes):
                yield part
            elif isinstance(part, os.PathLike):
                with _open(part) as file:
                    yield from _read_pieces(file, size)
            else:
                position = part.tell()
                try:
                    part.seek(0)
                    yield from _read_pieces(part, size)
                finally:
                    part.seek(position)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the pieces, which are read in a thread."""
        import asyncio

        pieces = iter(self)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece


class Section(Upload):
    """A section of a file as a body. Several sections of one file may be sent at a time.

    Args:
        read: Returns bytes of the file from a position and a number of bytes; called on any thread.
        start: Position of the section in the file.
        size: Size of the section in bytes.
    """

    def __init__(self, read: Callable[[int, int], bytes], start: int, size: int) -> None:
        self.read = read
        self.start = start
        self.size = size

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over the pieces.

        Raises:
            InvalidInputError: The file has become shorter, or can no longer be read.
        """
        position, end = self.start, self.start + self.size
        while position < end:
            piece = self.read(position, min(PIECE, end - position))
            if not piece:
                raise InvalidInputError(
                    f"The file became shorter while it was sent: {end - position} bytes are missing."
                )
            position += len(piece)
            yield piece


def _open(path: os.PathLike[str]) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InvalidInputError(f"A file to be sent can no longer be read: {error}.") from error


def _read_pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
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
