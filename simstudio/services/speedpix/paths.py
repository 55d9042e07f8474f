"""Which texts of an input are paths of files to upload. Few, because prompts often come from strangers.

A text is taken for a path when it begins like one (``/``, ``./``, ``../``, ``~``, ``C:``) and ends like a media file.
It is uploaded when it names a file below ``upload_root``, links resolved. One that names a file elsewhere is an error:
sent as text it would only puzzle the workflow, and uploaded it would hand out whatever a stranger can name. Anything
else is text.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from pathlib import Path

import attrs

from simstudio.transport.errors import InvalidInputError

logger = logging.getLogger("simstudio.services.speedpix")

MEDIA_TYPES = {
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".avi": "video/x-msvideo",
    ".m4v": "video/x-m4v",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".webm": "video/webm",
}
"""The endings that make a text a media file's path, and the type each is sent as, whatever the machine's own table."""

_PATH_LIKE = re.compile(r"(?:/|\.{1,2}[/\\]|~|[A-Za-z]:|\\)")
_LONGEST_SHOWN = 200


def looks_like_media_path(text: str) -> bool:
    """Whether a text reads like the path of a media file. Nothing is looked up."""
    return _PATH_LIKE.match(text) is not None and os.path.splitext(text)[1].lower() in MEDIA_TYPES  # noqa: PTH122


@attrs.frozen
class UploadRule:
    """Whether texts that look like a media file's path are uploaded, and from where.

    Attributes:
        enabled: Whether at all.
        root: Only from below it; None is the current directory.
    """

    enabled: bool = True
    root: Path | None = None

    def file_named_by(self, text: str) -> Path | None:
        """The file that a text names, None where it names none: then it is text.

        Raises:
            InvalidInputError: It names one that is not below the root.
        """
        real: Path | None = None
        try:
            real = Path(os.path.realpath(os.path.expanduser(text), strict=True))  # noqa: PTH111
            regular = stat.S_ISREG(real.stat().st_mode)
        except (OSError, ValueError):  # nothing there, a name too long, a link to itself, a zero in it …
            regular = False
        if real is None or not regular:
            logger.warning("The input holds a text like a media file's path that names no file: it is sent as text.")
            return None
        if not self._holds(real):
            raise InvalidInputError(
                f"The input holds {text[:_LONGEST_SHOWN]!r}, which names a file outside upload_root "
                f"({'the current directory' if self.root is None else self.root}). To upload it all the same pass "
                "pathlib.Path(…) or set upload_root=; to send it as text pass upload_paths=False."
            )
        return real

    def _holds(self, real: Path) -> bool:
        try:
            root = Path(os.path.realpath(self.root if self.root is not None else Path.cwd(), strict=True))
        except OSError:  # there is no such directory (any more)
            return False
        return real.is_relative_to(root)
