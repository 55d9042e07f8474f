"""Files to send: name, content and media type. Their content is not held in memory."""

from __future__ import annotations

import base64
import io
import mimetypes
import os
import stat
import tempfile
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import attrs

from simstudio.core import files
from simstudio.services.speedpix.paths import MEDIA_TYPES
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.message import Headers
from simstudio.transport.upload import PIECE, Upload

LARGEST_BASE64 = 1024 * 1024
"""Largest file, in bytes, that may be sent within the input."""

_SPOOLED = 1024 * 1024


@attrs.define(eq=False)
class Attachment:
    """A file to send.

    Attributes:
        content: Bytes, a path, or a file opened in binary mode.
        content_type: Media type.
        opened: Copy of a file that can be read only once, made by :meth:`upload`.
    """

    content: Any
    name: str
    content_type: str
    opened: BinaryIO | None = None

    @property
    def key(self) -> object:
        """Identity of the file, so that it is sent once."""
        return str(self.content) if isinstance(self.content, Path) else id(self.content)

    def upload(self) -> Upload:
        """Return the content as a request body; blocks.

        Raises:
            InvalidInputError: The file cannot be read.
        """
        content = self.content
        try:
            if isinstance(content, Path) and not stat.S_ISREG(content.stat().st_mode):
                raise InvalidInputError(f"{str(content)!r} is no file.")
            if isinstance(content, (bytes, Path)):
                return Upload(content)
            if not files.is_seekable(content):
                content = self._copy()
            return Upload(content)
        except (OSError, ValueError) as error:
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(f"The file {self.name!r} cannot be read: {error}.") from error

    def data_url(self) -> str:
        """Return the content as a ``data:`` URL; blocks.

        Raises:
            InvalidInputError: The file is too large, or cannot be read.
        """
        upload = self.upload()
        if upload.size > LARGEST_BASE64:
            raise InvalidInputError(
                f"The file {self.name!r} has {upload.size:,} bytes; base64 takes files up to {LARGEST_BASE64:,}. "
                'Use file_encoding_strategy="url".'
            )
        try:
            data = b"".join(upload)
        except OSError as error:
            raise InvalidInputError(f"The file {self.name!r} cannot be read: {error}.") from error
        return f"data:{self.content_type};base64,{base64.b64encode(data).decode('ascii')}"

    def close(self) -> None:
        """Close the copy."""
        if self.opened is not None:
            self.opened.close()
            self.opened = None

    def _copy(self) -> BinaryIO:
        if self.opened is not None:
            return self.opened
        copy: Any = tempfile.SpooledTemporaryFile(max_size=_SPOOLED)  # noqa: SIM115 - closed by close()
        self.opened = copy
        while piece := self.content.read(PIECE):
            copy.write(files.as_bytes(piece))
        opened: BinaryIO = copy
        return opened


def attach(value: object, *, name: str | None = None, content_type: str | None = None) -> Attachment | None:
    """Make a file to send of a value; None if the value is no file. A ``str`` is none.

    Args:
        value: A path object, a file opened in binary mode, a file that a web framework received, a
            :class:`simstudio.File`, or, with a name, bytes.
        name: File name; by default the name of the value.
        content_type: Media type; by default the type of the value, else guessed from the name.

    Raises:
        InvalidInputError: The value is bytes without a name, or a text file; or the name or type cannot be sent.
    """
    if isinstance(value, files.File):
        name, content_type = name or value.name, content_type or value.mime
        value = value.content
    elif isinstance(value, (bytes, bytearray, memoryview)) and name is None:
        raise InvalidInputError(
            'Raw bytes have no name: pass simstudio.File(content, name="picture.png"), a pathlib.Path, or an open file.'
        )
    if isinstance(value, io.TextIOBase):
        raise InvalidInputError('A file is opened in text mode. Open it in binary mode: open(path, "rb").')
    source = files.file_source(value)
    if not source.readable:
        return None
    content = source.content
    if isinstance(content, (bytearray, memoryview)):
        content = bytes(content)
    elif isinstance(content, os.PathLike):
        content = Path(os.fsdecode(content))
    return _attachment(content, name or _base_name(source.name), content_type or source.mime)


def _attachment(content: Any, name: str, content_type: str | None) -> Attachment:
    for what, given in (("filename", name), ("content_type", content_type)):
        if given is not None and not isinstance(given, str):
            raise InvalidInputError(f"{what} must be a str, not {type(given).__name__}.")
    content_type = content_type or guess_type(name)
    Headers({"Content-Type": content_type})  # refuses what cannot be sent
    return Attachment(content, name, content_type)


def guess_type(name: str) -> str:
    """Guess the media type of a file from its name.

    Example:
        >>> guess_type("a.webp")
        'image/webp'
    """
    known = MEDIA_TYPES.get(PurePath(name).suffix.lower())
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _base_name(name: str | None) -> str:
    return PurePath((name or "").replace("\\", "/")).name or "file"
