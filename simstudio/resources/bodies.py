"""Bodies that may be large; their size is checked before they are sent.

Sim's proxy passes on the first 10 MiB of a body and silently drops the rest, so that a route of v1 sees a malformed
form or malformed JSON. This is far below the limits in Sim's documents (``tests/integration/test_replay_v1_data.py``).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

from simstudio.core.files import MAX_BODY_BYTES, File, UploadedFile
from simstudio.core.resource import encode_json
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.flow import Blocking, Flow

if TYPE_CHECKING:
    from simstudio.core.endpoint import Sender
    from simstudio.transport.upload import Upload

FileContent = (
    File
    | os.PathLike[str]
    | BinaryIO
    | UploadedFile
    | bytes
    | tuple[str, bytes | BinaryIO]
    | tuple[str, bytes | BinaryIO, str]
)
"""A file to upload: a path, a file opened in binary mode (read from its start; its position is restored), a file that a
web framework received, a :class:`simstudio.File`, bytes, or, as in httpx, ``(name, content)`` or ``(name, content,
media type)``."""

DEFAULT_NAME = "file.bin"
"""Name of a file without one; ``simstudio.File`` uses the same."""


def form_body(send: Sender, file: FileContent, *, largest: int = MAX_BODY_BYTES) -> Flow[dict[str, Any]]:
    """Encode the body parameters and the file as a multipart form.

    Args:
        largest: Bytes that the form may have.

    Returns:
        Arguments for ``send.one``.

    Raises:
        InvalidInputError: The file cannot be read, or the form is too large.
    """
    fields = [(name, value) for name, value in (send.body or {}).items() if name != "file"]
    upload, content_type = yield Blocking(_encode_form, fields, file, largest)
    send.body = None  # the form contains it
    return {"content": upload, "headers": {"Content-Type": content_type}}


def _encode_form(fields: list[tuple[str, str]], file: FileContent, largest: int) -> tuple[Upload, str]:
    from simstudio.core.multipart import Part, encode_multipart, file_part  # few programs upload files

    parts = [Part(name, text) for name, text in fields]
    upload, content_type = encode_multipart([*parts, file_part("file", file, default_filename=DEFAULT_NAME)])
    _check_size(len(upload), "This upload", largest)
    return upload, content_type


def json_body(send: Sender) -> dict[str, Any]:
    """Encode the body as JSON.

    Returns:
        Arguments for ``send.one``.

    Raises:
        InvalidInputError: The body exceeds 10 MiB or is not JSON data.
    """
    content = encode_json(send.body)
    _check_size(len(content), "This body")
    send.body = None
    return {"content": content, "headers": {"Content-Type": "application/json"}}


def _check_size(size: int, what: str, largest: int = MAX_BODY_BYTES) -> None:
    if size > largest:
        raise InvalidInputError(
            f"{what} has {size:,} bytes with everything around it; Sim takes {largest:,} a request and drops "
            "the rest, so nothing was sent. Send it in smaller parts.",
            "PAYLOAD_TOO_LARGE",
        )
