"""Bodies of v1 that may be large, measured before they are sent.

Sim's proxy layer keeps the first 10 MiB of a body and drops the rest without a word (NOTES 0). On the routes of v1 what
is left then reads as a broken form or broken JSON (recording 273), far below the limits that the documents name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

from simstudio.core.files import MAX_BODY_BYTES, File
from simstudio.core.multipart import Part, encode_multipart, file_part
from simstudio.core.resource import encode_json
from simstudio.errors import InvalidInputError
from simstudio.transport.flow import Blocking, Flow

if TYPE_CHECKING:
    from simstudio.core.endpoint import Sender
    from simstudio.transport.upload import Upload

FileContent = (
    File | os.PathLike[str] | BinaryIO | bytes | tuple[str, bytes | BinaryIO] | tuple[str, bytes | BinaryIO, str]
)
"""A file to upload: a path, a file opened in binary mode (read from its start; its position is restored), a
:class:`simstudio.File`, bytes, or, as httpx takes it, ``(name, content)`` or ``(name, content, media type)``."""

NAMELESS = "file.bin"
"""What a file is called whose name nothing says, as ``simstudio.File`` calls it."""


def form(send: Sender, file: FileContent) -> Flow[dict[str, Any]]:
    """The flow of a form: the call's other body parameters as text, then the file.

    Returns:
        Options for ``send.one``.

    Raises:
        InvalidInputError: The file cannot be read, or the form is longer than Sim takes.
    """
    fields = [(name, value) for name, value in (send.body or {}).items() if name != "file"]
    upload, content_type = yield Blocking(_encoded, fields, file)
    send.body = None  # it is in the form now
    return {"content": upload, "headers": {"Content-Type": content_type}}


def _encoded(fields: list[tuple[str, str]], file: FileContent) -> tuple[Upload, str]:
    if not (isinstance(file, (File, os.PathLike, bytes, bytearray, memoryview, str, tuple)) or hasattr(file, "read")):
        raise InvalidInputError(
            f"file must be a path, a file opened in binary mode, bytes, a simstudio.File or (name, content), "
            f"not {type(file).__name__}."
        )
    parts = [Part(name, text) for name, text in fields]
    upload, content_type = encode_multipart([*parts, file_part("file", file, default_filename=NAMELESS)])
    _check(len(upload), "This upload")
    return upload, content_type


def measured(send: Sender) -> dict[str, Any]:
    """The call's body as JSON that is not longer than Sim takes.

    Returns:
        Options for ``send.one``.

    Raises:
        InvalidInputError: It is longer, or no JSON data.
    """
    content = encode_json(send.body)
    _check(len(content), "This body")
    send.body = None
    return {"content": content, "headers": {"Content-Type": "application/json"}}


def _check(size: int, what: str) -> None:
    if size > MAX_BODY_BYTES:
        raise InvalidInputError(
            f"{what} has {size:,} bytes with everything around it; Sim takes {MAX_BODY_BYTES:,} a request and drops "
            "the rest, so nothing was sent. Send it in smaller parts.",
            "PAYLOAD_TOO_LARGE",
        )
