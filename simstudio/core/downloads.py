"""Downloaded files: bytes, with the name and the media type from the response's headers.

A file is held in memory, or saved while it is received (:func:`receive`).
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import unquote

import attrs

from simstudio.transport.errors import APIConnectionError, InvalidInputError
from simstudio.transport.flow import Blocking, Flow, FromBody, Sleep
from simstudio.transport.message import Headers, Response
from simstudio.transport.retry import Backoff

if TYPE_CHECKING:
    from simstudio.core.disk import NewFile

_EXTENDED = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", re.IGNORECASE)
_PLAIN = re.compile(r'filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_WRITTEN_AT_ONCE = 1024 * 1024


@attrs.frozen(repr=False)
class Download:
    """A downloaded file.

    Attributes:
        name: Base name that the server gives; None if it gives none.
        content_type: Media type; ``application/octet-stream`` if the server gives none.
        headers: Headers of the response, such as ``X-File-Id`` and ``X-Uploaded-At`` (v1).
        path: Path of the saved file (``to=``); None if it is held in memory.
    """

    _content: bytes | None
    name: str | None = None
    content_type: str = "application/octet-stream"
    headers: Headers | None = attrs.field(default=None, eq=False)
    path: Path | None = None

    @classmethod
    def of(cls, response: Response, path: Path | None = None) -> Download:
        """Make a download from a response, whose body was saved if there is a path."""
        headers = response.headers
        kind = headers.get("content-type") or "application/octet-stream"
        return cls(response.content if path is None else None, _parse_name(headers), kind, headers, path)

    @property
    def content(self) -> bytes:
        """The bytes. Those of a saved file are read from it.

        Raises:
            OSError: The saved file cannot be read.
        """
        return (self.path or Path()).read_bytes() if self._content is None else self._content

    def __repr__(self) -> str:
        where = f"path={str(self.path)!r}" if self._content is None else f"content=<{len(self._content)} bytes>"
        return f"Download({where}, name={self.name!r}, content_type={self.content_type!r})"

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the bytes to a file, or into a directory under the name that the server gives.

        The server's name never hides the file, names no device and no other directory, and leads through no link.

        Args:
            path: A file, which is replaced when the new one is complete, or an existing directory.
            overwrite: In a directory: whether to replace a regular file of that name.

        Returns:
            The path of the written file.

        Raises:
            InvalidInputError: The directory holds something of that name; the message names it.
            OSError: The file cannot be written.

        Example:
            >>> client.v1.files.download("file-id", workspace_id="ws").save("reports")  # doctest: +SKIP
        """
        from simstudio.core.disk import output_file, safe_name, write_unless_there  # few programs save files

        target = Path(path)
        if target.is_dir():
            target /= safe_name(self.name or "")
            write_unless_there(target, self.content, overwrite=overwrite)
        else:
            with output_file(target) as file:
                file.write(self.content)
        return target


def receive(send: Callable[[], Flow[Response]], to: str | os.PathLike[str], retries: int) -> Flow[Download]:
    """Save a file while it is received. It appears under its name when it is complete.

    Args:
        send: Makes the flow of a request whose response is streamed. It is sent again if the connection breaks: a file
            is received from its start.
        to: A file that does not exist yet, or an existing directory, which gets a file with the name that the server
            gives.
        retries: Number of times it is sent again.

    Raises:
        InvalidInputError: There is a file, which is not replaced, or a link, which is not followed.
        OSError: The file cannot be written.
        APIConnectionError: The connection broke more often.
    """
    from simstudio.core.disk import NewFile, ensure_free, safe_name  # few programs save files

    if not isinstance(to, (str, os.PathLike)):
        raise InvalidInputError(f"to must be a path, not {type(to).__name__}.")
    target = Path(to)
    into_directory = yield Blocking(target.is_dir)
    if not into_directory:
        yield Blocking(ensure_free, target)
    attempt = 0
    while True:
        attempt += 1
        response = yield from send()
        if into_directory:
            target = Path(to) / safe_name(_parse_name(response.headers) or "")
        file = NewFile(target)
        try:
            yield Blocking(file.open)
            yield from write_body(response, file)
            yield Blocking(file.finish)
            return Download.of(response, target)
        except Exception as error:
            if response.body is not None:
                yield FromBody(response.body, "close")
            if attempt > retries or not isinstance(error, APIConnectionError):
                raise
        finally:
            file.discard()
        yield Sleep(Backoff().delay(attempt, random=random.random()))  # noqa: S311 - jitter


def write_body(response: Response, file: NewFile) -> Flow[None]:
    """Write the body of a streamed response to a file as it arrives, and close it."""
    body = response.body
    pieces = [response.content]  # empty if the body is unread
    try:
        while body is not None and (piece := (yield FromBody(body, "piece"))) is not None:
            pieces.append(piece)
            if sum(map(len, pieces)) >= _WRITTEN_AT_ONCE:
                yield Blocking(file.write, b"".join(pieces))
                pieces = []
        yield Blocking(file.write, b"".join(pieces))
    except Exception:
        if body is not None:
            yield FromBody(body, "close")
        raise
    if body is not None:
        yield FromBody(body, "close")


def _parse_name(headers: Headers) -> str | None:
    """Return the base name in ``X-File-Name`` (percent-encoded) or ``Content-Disposition`` (RFC 5987 first)."""
    from simstudio.core.disk import UNPRINTABLE  # few programs download files

    given = headers.get("x-file-name")
    name = unquote(given) if given else None
    if not name:
        disposition = headers.get("content-disposition", "")
        extended, plain = _EXTENDED.search(disposition), _PLAIN.search(disposition)
        if extended is not None:
            name = unquote(extended[1])
        elif plain is not None:
            name = plain[2] if plain[1] is None else re.sub(r"\\(.)", r"\1", plain[1])
    base = PurePath((name or "").replace("\\", "/")).name
    return base if base.strip() not in ("", ".", "..") and not UNPRINTABLE.search(base) else None
