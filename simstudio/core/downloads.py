"""Files that the API gives: their bytes, and what the answer's headers say of them."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import unquote

import attrs

if TYPE_CHECKING:
    from simstudio.transport.message import Headers, Response

_EXTENDED = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", re.IGNORECASE)
_PLAIN = re.compile(r'filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_HOSTILE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line breaks, and what turns the order of what is read. Joiners and wide spaces are part of real
names."""


@attrs.frozen
class Download:
    """A file as it came.

    Attributes:
        content: Its bytes.
        name: What the server calls it, without any directory; None where it does not say.
        content_type: Its media type, ``application/octet-stream`` where the server does not say.
        headers: All headers of the answer, such as ``X-File-Id`` and ``X-Uploaded-At`` (v1).
    """

    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    name: str | None = None
    content_type: str = "application/octet-stream"
    headers: Headers | None = attrs.field(default=None, repr=False, eq=False)

    @classmethod
    def of(cls, response: Response) -> Download:
        """The file in an answer."""
        headers = response.headers
        kind = headers.get("content-type") or "application/octet-stream"
        return cls(response.content, _name(headers), kind, headers)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the bytes to a file; into a directory under the file's own name.

        Args:
            path: A file, which is replaced, or an existing directory.

        Returns:
            Where it was written.

        Raises:
            OSError: It cannot be written.

        Example:
            >>> client.v1.files.download("file-id", workspace_id="ws").save("reports")  # doctest: +SKIP
        """
        target = Path(path)
        if target.is_dir():
            target /= self.name or "download"
        target.write_bytes(self.content)
        return target


def _name(headers: Headers) -> str | None:
    """The name in ``X-File-Name`` (percent-encoded) or ``Content-Disposition`` (RFC 5987 first); the base name only."""
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
    return base if base.strip() not in ("", ".", "..") and not _HOSTILE.search(base) else None
