"""Files that are sent in sections, several at a time, whatever callers give as a file."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from simstudio.core.files import as_bytes, is_seekable
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.upload import Section


class SectionedFile:
    """A file whose sections can be read at a time, on several threads.

    Args:
        content: Bytes, a path, or a file opened in binary mode: read from its start, and its position is restored. What
            cannot be rewound is first copied to a temporary file.

    Attributes:
        size: Size in bytes.

    Raises:
        InvalidInputError: The file cannot be read, is opened in text mode, or is no regular file.

    Example:
        >>> b"".join(SectionedFile(b"abcdef").section(2, 3))
        b'cde'
    """

    def __init__(self, content: bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO) -> None:
        self._content: Any = content
        self._lock = Lock()
        self._stopped = False
        try:
            self.size = self._measure()
        except (OSError, ValueError) as error:  # a closed file raises ValueError
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(f"The file cannot be read: {error}.") from error

    def section(self, start: int, size: int) -> Section:
        """Return a section as a request body."""
        return Section(self.read, start, size)

    def stop(self) -> None:
        """Refuse further reads, which ends the requests that send sections."""
        self._stopped = True

    def read(self, position: int, size: int) -> bytes:
        """Return up to ``size`` bytes from a position.

        Raises:
            InvalidInputError: The file can no longer be read.
        """
        if self._stopped:
            raise InvalidInputError("The file is not sent any further.")
        content = self._content
        if isinstance(content, (bytes, bytearray, memoryview)):
            return bytes(content[position : position + size])
        try:
            if isinstance(content, os.PathLike):
                with Path(content).open("rb") as file:
                    file.seek(position)
                    return file.read(size)
            with self._lock:
                before = content.tell()
                try:
                    content.seek(position)
                    return as_bytes(content.read(size))
                finally:
                    content.seek(before)
        except (OSError, ValueError) as error:
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(f"A file to be sent can no longer be read: {error}.") from error

    def _measure(self) -> int:
        content = self._content
        if isinstance(content, (bytes, bytearray, memoryview)):
            self._content = memoryview(content).cast("B")
            return len(self._content)
        if isinstance(content, os.PathLike):
            path = Path(content)
            if not path.is_file():
                path.stat()  # raises if nothing is there
                raise InvalidInputError(f"{os.fspath(content)!r} is no regular file.")
            return path.stat().st_size
        if not is_seekable(content):
            as_bytes(content.read(0))
            self._content = content = _copy(content)
            weakref.finalize(self, content.close)
        before = content.tell()
        try:
            as_bytes(content.read(0))
            return int(content.seek(0, os.SEEK_END))
        finally:
            content.seek(before)


def _copy(content: BinaryIO) -> BinaryIO:
    copied = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    shutil.copyfileobj(content, copied)
    return copied
