"""Downloaded files: bytes, with the name and the media type from the response's headers."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath
from urllib.parse import unquote

import attrs

from simstudio.transport.message import Headers, Response

_EXTENDED = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", re.IGNORECASE)
_PLAIN = re.compile(r'filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line breaks and bidirectional overrides. Joiners and wide spaces occur in real names."""


@attrs.frozen
class Download:
    """A downloaded file.

    Attributes:
        name: Base name that the server gives; None if it gives none.
        content_type: Media type; ``application/octet-stream`` if the server gives none.
        headers: Headers of the response, such as ``X-File-Id`` and ``X-Uploaded-At`` (v1).
    """

    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    name: str | None = None
    content_type: str = "application/octet-stream"
    headers: Headers | None = attrs.field(default=None, repr=False, eq=False)

    @classmethod
    def of(cls, response: Response) -> Download:
        """Make a download from a response."""
        headers = response.headers
        kind = headers.get("content-type") or "application/octet-stream"
        return cls(response.content, _parse_name(headers), kind, headers)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the bytes to a file, or into a directory under the name that the server gives.

        The server's name never hides the file, names no device and no other directory, and leads through no link.

        Args:
            path: A file, which is replaced, or an existing directory.
            overwrite: In a directory: whether to replace a regular file of that name.

        Returns:
            The path of the written file.

        Raises:
            InvalidInputError: The directory holds something of that name; the message names it.
            OSError: The file cannot be written.

        Example:
            >>> client.v1.files.download("file-id", workspace_id="ws").save("reports")  # doctest: +SKIP
        """
        from simstudio.core.disk import safe_name, write_unless_there  # few programs save files

        target = Path(path)
        if target.is_dir():
            target /= safe_name(self.name or "")
            write_unless_there(target, self.content, overwrite=overwrite)
        else:
            target.write_bytes(self.content)
        return target


def _parse_name(headers: Headers) -> str | None:
    """Return the base name in ``X-File-Name`` (percent-encoded) or ``Content-Disposition`` (RFC 5987 first)."""
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
    return base if base.strip() not in ("", ".", "..") and not _FORBIDDEN.search(base) else None
