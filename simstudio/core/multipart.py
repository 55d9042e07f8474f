"""``multipart/form-data`` bodies (RFC 7578) that are not held in memory.

A body is an :class:`~simstudio.transport.upload.Upload`: its length is known before it is sent, and each attempt reads
it from its start. Encoding reads the sizes of files, so a flow does it in a
:class:`~simstudio.transport.flow.Blocking` step::

    parts = [Part("title", "Report"), file_part("files", Path("report.pdf"))]
    body, content_type = yield Blocking(encode_multipart, parts)
"""

from __future__ import annotations

import mimetypes
import os
import re
import secrets
import stat
from collections.abc import Iterable
from typing import Any, BinaryIO, Union, cast

import attrs

from simstudio.core.files import File, as_bytes, file_source, is_seekable
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.upload import Upload

Content = Union[str, bytes, bytearray, memoryview, "os.PathLike[str]", BinaryIO]
"""A text (``str``), or a file: bytes, a path, or a file opened in binary mode."""

DEFAULT_FILENAME = "upload"
"""Name of a file that has none."""

_BOUNDARY = re.compile(r"[0-9A-Za-z'+_\-.]{1,70}")
_MIME = re.compile(r"[!-~]+/[!-~]+(?:;[ !-~]*)?")
# HTML's form submission percent-encodes these.
_UNQUOTABLE = re.compile(r'["\x00-\x1f\x7f]')


@attrs.frozen
class Part:
    """One part of a form.

    Attributes:
        name: Field name.
        content: A text (``str``), or bytes, a path, or a file opened in binary mode (read from its start; its position
            is restored).
        filename: File name, of which the base name is sent. Text and bytes become a file part only with it.
        mime: Media type; by default guessed from the file name, and left out of text parts.
    """

    name: str
    content: Content
    filename: str | None = None
    mime: str | None = None


def file_part(name: str, file: object, *, default_filename: str = DEFAULT_FILENAME) -> Part:
    """Make a file part from any form in which callers give a file.

    Args:
        name: Field name.
        file: A file opened in binary mode, a path (``pathlib.Path``), bytes, a :class:`simstudio.File`, a file that a
            web framework received, or, as in httpx, a tuple ``(filename, content)`` or ``(filename, content, media
            type)``.
        default_filename: File name for a file that has none.

    Raises:
        InvalidInputError: The file is none of these. A plain ``str`` is refused, because it may be meant as a path or
            as the content: write ``Path(…)``, or ``(filename, text.encode())``.

    Example:
        >>> file_part("files", ("a.txt", b"hi")).filename
        'a.txt'
    """
    filename: object = None
    mime: object = None
    content: object = file
    if isinstance(file, File):
        content, filename, mime = file.content, file.name, file.mime
    elif isinstance(file, tuple):
        if len(file) not in (2, 3):
            raise InvalidInputError(
                f"A file as a tuple is (name, content) or (name, content, media type), not {len(file)} elements."
            )
        filename, content, mime = (*file, None)[:3]
        # A text beside a file name cannot be meant as a path. httpx accepts it as the content.
        if isinstance(content, str) and filename is not None:
            content = content.encode()
    if isinstance(content, str):
        raise InvalidInputError(
            "A file is given as a str, which may be meant as its path or as its content. Write pathlib.Path(…) for a "
            "path, or (filename, text.encode()) for a content."
        )
    for value, what in ((filename, "name"), (mime, "media type")):
        if value is not None and not isinstance(value, str):
            raise InvalidInputError(f"A file's {what} must be a str, not {type(value).__name__}.")
    source = file_source(content)
    if not source.readable:
        raise InvalidInputError(
            "A file must be a path, a file opened in binary mode, bytes, a simstudio.File or (filename, content), "
            f"not {type(content).__name__}."
        )
    chosen = cast("str | None", filename) or (source.name and _base_name(source.name)) or default_filename
    return Part(name, source.content, chosen, cast("str | None", mime) or source.mime)


def encode_multipart(parts: Iterable[Part], *, boundary: str | None = None) -> tuple[Upload, str]:
    r"""Encode a form as a request body.

    Args:
        parts: Parts in the order in which they are sent.
        boundary: Separator of the parts, 1 to 70 characters; random by default.

    Returns:
        The body, and its ``Content-Type`` with the boundary.

    Raises:
        InvalidInputError: A part cannot be sent: its file cannot be read, is opened in text mode or is no regular file,
            or its media type is malformed.

    Example:
        >>> body, content_type = encode_multipart([Part("a", "1")], boundary="b")
        >>> b"".join(body)
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
    """
    boundary = secrets.token_hex(16) if boundary is None else boundary
    if not _BOUNDARY.fullmatch(boundary):
        raise InvalidInputError(f"{boundary!r} cannot be the boundary of a form.")
    pieces: list[bytes | os.PathLike[str] | BinaryIO] = []
    for part in parts:
        pieces += [f"--{boundary}\r\n".encode(), _head(part), _body(part), b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    try:
        return Upload(*_join_bytes(pieces)), f"multipart/form-data; boundary={boundary}"
    except (OSError, ValueError) as error:  # a closed file raises ValueError
        raise InvalidInputError(f"A file of the form cannot be read: {error}.") from error


def read_once(parts: Iterable[Part]) -> list[Part]:
    """Return parts that can be encoded several times: a file that cannot be rewound is read.

    Raises:
        InvalidInputError: A file cannot be read, or is opened in text mode.
    """
    return [
        attrs.evolve(part, content=_check_file(part.content)) if hasattr(part.content, "read") else part
        for part in parts
    ]


def _head(part: Part) -> bytes:
    if not isinstance(part.name, str) or not part.name:
        raise InvalidInputError(f"A part's name must be a non-empty str, not {part.name!r}.")
    filename, mime = part.filename, part.mime
    if filename is None and not isinstance(part.content, (str, bytes, bytearray, memoryview)):
        filename = _name_of(part.content) or DEFAULT_FILENAME
    if filename is None:
        lines = [f'Content-Disposition: form-data; name="{_quote(part.name)}"']
    else:
        base = _base_name(filename)
        mime = mime or mimetypes.guess_type(base)[0] or "application/octet-stream"
        lines = [f'Content-Disposition: form-data; name="{_quote(part.name)}"; filename="{_quote(base)}"']
    if mime:
        if not _MIME.fullmatch(mime):
            raise InvalidInputError(f"mime must be a media type such as text/plain, not {mime!r}.")
        lines.append(f"Content-Type: {mime}")
    try:
        return "\r\n".join([*lines, "\r\n"]).encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"The name of a part or its file cannot be encoded: {error}.") from error


def _body(part: Part) -> bytes | os.PathLike[str] | BinaryIO:
    content: Any = part.content
    if isinstance(content, str):
        try:
            return content.encode()
        except UnicodeEncodeError as error:
            raise InvalidInputError(f"The part {part.name!r} holds a text that cannot be encoded: {error}.") from error
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if isinstance(content, os.PathLike):
        return _check_path(content)
    if callable(getattr(content, "read", None)):
        return _check_file(content)
    raise InvalidInputError(
        f"The part {part.name!r} is of type {type(content).__name__}: give a str, bytes, a path or an open binary file."
    )


def _check_path(path: os.PathLike[str]) -> os.PathLike[str]:
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - any os.PathLike
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"The file {os.fspath(path)!r} cannot be read: {error}.") from error
    if not regular:
        raise InvalidInputError(f"{os.fspath(path)!r} is no regular file, so its length cannot be known.")
    return path


def _check_file(file: Any) -> bytes | BinaryIO:
    """Return an open file; or its bytes if it cannot be rewound, because it may have to be sent twice."""
    try:
        seekable = is_seekable(file)
        content = file.read(0) if seekable else file.read()
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"A file of the form cannot be read: {error}.") from error
    read = as_bytes(content)
    return cast("BinaryIO", file) if seekable else read


def _join_bytes(
    pieces: Iterable[bytes | os.PathLike[str] | BinaryIO],
) -> Iterable[bytes | os.PathLike[str] | BinaryIO]:
    """Join neighbouring pieces of bytes, so that a small form is one piece."""
    before = bytearray()
    for piece in pieces:
        if isinstance(piece, bytes):
            before += piece
            continue
        yield bytes(before)
        before = bytearray()
        yield piece
    yield bytes(before)


def _name_of(content: object) -> str | None:
    name = os.fspath(content) if isinstance(content, os.PathLike) else getattr(content, "name", None)
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    return _base_name(name) if isinstance(name, str) and name else None


def _base_name(name: str) -> str:
    base = re.split(r"[/\\]", name)[-1]
    return DEFAULT_FILENAME if base in ("", ".", "..") else base


def _quote(text: str) -> str:
    return _UNQUOTABLE.sub(lambda found: f"%{ord(found[0]):02X}", text)
