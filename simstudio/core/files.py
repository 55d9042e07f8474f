"""Files inside a JSON body: ``{"type": "file", "data": "data:<mime>;base64,…", "name", "mime"}``.

An input may hold them at any depth: a :class:`pathlib.Path` (any ``os.PathLike``), a file opened in binary mode, a file
that a web framework received (:class:`UploadedFile`), or a :class:`File`. A ``str`` is never read as a path: inputs
often come from elsewhere, and a text that happens to name ``/etc/passwd`` must stay a text. Raw ``bytes`` are refused,
because a file needs a name.
"""

from __future__ import annotations

import base64
import inspect
import io
import mimetypes
import os
import re
import unicodedata
from pathlib import PurePath
from typing import Any, BinaryIO, NamedTuple, Protocol, Union

from simstudio.transport.errors import InvalidInputError

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Largest file inside a JSON body, in bytes (10 MiB). No service accepts more in one request."""

_UNSENDABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that a file name may not hold: control characters, lone surrogates, line and paragraph separators.
Spaces of all widths are allowed: macOS puts U+202F into the names of screenshots."""

_MEDIA_TYPE = r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+"


class UploadedFile(Protocol):
    """A file that a web framework received in a form.

    Examples are ``UploadFile`` of Starlette, FastAPI and Litestar, ``FileStorage`` of Werkzeug, Flask and Quart, and
    ``FileField`` of aiohttp. The content is read from ``file`` or ``stream``, whichever it has.
    """

    @property
    def filename(self) -> str | None:
        """File name that the sender gave."""
        ...

    @property
    def content_type(self) -> str | None:
        """Media type that the sender gave."""
        ...


Content = Union[bytes, bytearray, memoryview, "os.PathLike[str]", BinaryIO, UploadedFile]


class File:
    """A file for an input or an upload.

    Args:
        content: Bytes, a path, a file opened in binary mode (read from its start; its position is restored), or a file
            that a web framework received.
        name: File name, of which the base name is sent; by default the name of the path or of the open file.
        mime: Media type; by default the one that the web framework received, or guessed from the name.

    Raises:
        InvalidInputError: The content is none of these (a ``str`` is not read as a path), or the name or the media type
            cannot be sent.

    Example:
        >>> File(b"hi", name="greeting.txt").to_dict()["data"]
        'data:text/plain;base64,aGk='
    """

    __slots__ = ("content", "mime", "name")

    def __init__(self, content: Content, *, name: str | None = None, mime: str | None = None) -> None:
        if isinstance(content, str):
            raise InvalidInputError(
                "A file's content is bytes, a pathlib.Path or a file opened in binary mode, not a str: "
                "write File(pathlib.Path(…)) for a path, or File(text.encode(), name=…) for a text."
            )
        source = file_source(content)
        if not source.readable:
            raise InvalidInputError(f"A file's content is bytes, a path or an open file, not {type(content).__name__}.")
        if mime and not (isinstance(mime, str) and mime.isprintable() and not any(letter in mime for letter in ',;" ')):
            raise InvalidInputError(f"mime must be a media type such as text/plain, not {mime!r}.")
        mime = mime or source.mime
        self.content = source.content
        self.name = _base_name(name if name is not None else source.name, mime)
        self.mime = mime or mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def read(self) -> bytes:
        """Return the bytes.

        Raises:
            InvalidInputError: The file cannot be read, or has more than 10 MiB.
        """
        content: Any = self.content
        try:
            if isinstance(content, (bytes, bytearray, memoryview)):
                data = bytes(content)
            elif isinstance(content, os.PathLike):
                if os.stat(content).st_size > MAX_BODY_BYTES:  # noqa: PTH116 - any os.PathLike
                    raise _too_large(os.stat(content).st_size, self.name)  # noqa: PTH116
                with open(content, "rb") as file:  # noqa: PTH123
                    data = file.read()
            else:
                data = _read_open(content)
        except (OSError, ValueError) as error:
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(f"The file {self.name!r} cannot be read: {error}.") from error
        except TypeError as error:  # its read() takes no size
            problem = f"The file {self.name!r} cannot be read ({error}): pass its content, File(value.read(), name=…)."
            raise InvalidInputError(problem) from error
        if len(data) > MAX_BODY_BYTES:
            raise _too_large(len(data), self.name)
        return data

    def to_dict(self) -> dict[str, str]:
        """Return the file as JSON data, with its bytes as a base64 ``data:`` URL."""
        data = base64.b64encode(self.read()).decode("ascii")
        return {"type": "file", "data": f"data:{self.mime};base64,{data}", "name": self.name, "mime": self.mime}

    def __repr__(self) -> str:
        return f"File(name={self.name!r}, mime={self.mime!r})"


class FileSource(NamedTuple):
    """The source of a caller's file: its content, name, size and media type.

    Attributes:
        content: Bytes, a path or an open file; any other value as it was given.
        name: Path or file name; None if it has none.
        mime: Media type that a web framework received with the file; None for other files.
    """

    content: Any
    name: str | None
    mime: str | None

    @property
    def readable(self) -> bool:
        """Whether the content is bytes, a path or an open file."""
        content = self.content
        kinds = (bytes, bytearray, memoryview, os.PathLike)
        return isinstance(content, kinds) or callable(getattr(content, "read", None))


def file_source(value: Any) -> FileSource:
    """Find what a file is read from.

    Raises:
        InvalidInputError: Its ``read()`` is a coroutine function, as that of a file of aiofiles.
    """
    if isinstance(value, (io.IOBase, bytes, bytearray, memoryview, os.PathLike)):
        return FileSource(value, _name_of(value), None)
    content, name = value, _name_of(value)
    if hasattr(value, "filename"):  # then `name` is the name of the form's field
        inner = (getattr(value, where, None) for where in ("file", "stream"))
        content = next((file for file in inner if callable(getattr(file, "read", None))), value)
        name = value.filename if isinstance(value.filename, str) else None
    if inspect.iscoroutinefunction(getattr(content, "read", None)):
        raise InvalidInputError(
            f"A {type(value).__name__} can only be read with await. Pass its .file, if it has one, or its bytes: "
            'simstudio.File(await upload.read(), name="report.pdf").'
        )
    return FileSource(content, name, _media_type(getattr(value, "content_type", None)))


def _media_type(declared: object) -> str | None:
    """The media type of a header without its parameters; None if there is none that can be sent."""
    kind = declared.partition(";")[0].strip() if isinstance(declared, str) else ""
    return kind if re.fullmatch(_MEDIA_TYPE, kind) else None


def as_bytes(piece: object) -> bytes:
    """Return what an open file's ``read()`` gave.

    Raises:
        InvalidInputError: The source gave something else than bytes.
    """
    if isinstance(piece, (bytes, bytearray, memoryview)):
        return bytes(piece)
    kind = "text" if isinstance(piece, str) else type(piece).__name__
    raise InvalidInputError(f'An open file gave {kind} instead of bytes. Open it in binary mode: open(path, "rb").')


def as_file(value: Any) -> File | None:
    """Return an input value as a file; None if it is none.

    Raises:
        InvalidInputError: The value is raw bytes, or a file opened in text mode.
    """
    if isinstance(value, File):
        return value
    if isinstance(value, os.PathLike):
        return File(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise InvalidInputError(
            'The input holds raw bytes. Say what they are: simstudio.File(content, name="report.pdf"), '
            "or decode them to a str."
        )
    if isinstance(value, io.TextIOBase):
        raise InvalidInputError('The input holds a file opened in text mode. Open it in binary mode: open(path, "rb").')
    return File(value) if file_source(value).readable else None


def _too_large(size: int, name: str) -> InvalidInputError:
    return InvalidInputError(
        f"{name} has {size:,} bytes; a request takes {MAX_BODY_BYTES:,} (about 7.5 MB of files, as base64 adds a "
        'third). Send {"type": "url", "data": "https://…", "name": …} instead.',
        "PAYLOAD_TOO_LARGE",
    )


def is_seekable(file: Any) -> bool:
    """Whether an open file can be read again from its start."""
    if hasattr(file, "seekable"):
        return bool(file.seekable())
    return hasattr(file, "seek") and hasattr(file, "tell")  # tempfile.SpooledTemporaryFile before Python 3.11


def _read_open(file: Any) -> bytes:
    position = file.tell() if is_seekable(file) else None
    try:
        if position is not None:
            file.seek(0)
        data = bytearray()
        # An unbuffered file may return fewer bytes than asked for before its end.
        while len(data) <= MAX_BODY_BYTES:
            piece = as_bytes(file.read(MAX_BODY_BYTES + 1 - len(data)))
            if not piece:
                break
            data += piece
    finally:
        if position is not None:
            file.seek(position)
    return bytes(data)


def _name_of(content: Any) -> str | None:
    name = os.fspath(content) if isinstance(content, os.PathLike) else getattr(content, "name", None)
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    return name if isinstance(name, str) else None


def _base_name(name: str | None, mime: str | None) -> str:
    if name is not None and not isinstance(name, str):
        raise InvalidInputError(f"A file's name must be a str, not {type(name).__name__}.")
    base = PurePath((name or "").replace("\\", "/")).name
    if base in ("", ".."):
        base = f"file{(mimetypes.guess_extension(mime) if mime else None) or '.bin'}"
    if any(unicodedata.category(letter) in _UNSENDABLE for letter in base):
        raise InvalidInputError(f"A file's name cannot hold control characters: {base!r}.")
    return base
