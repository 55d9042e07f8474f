"""Texts in an input that name a file to upload. Few do, because prompts often come from strangers.

A text with the suffix of a media file is replaced by the file if it names one below ``upload_root``, after links are
resolved. A file elsewhere is not uploaded, because a stranger could name any file. If its text begins like a path
(``/``, ``./``, ``../``, ``~``, ``C:``), it is an error, because a workflow can do nothing with it as text. If not
(``in.png``), it may be a prompt: it is sent as text, with a warning. All other texts are sent as text.
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
"""Suffixes of media files, and the media type of each; the tables of the machine are not used."""

_PATH_LIKE = re.compile(r"(?:/|\.{1,2}[/\\]|~|[A-Za-z]:|\\)")
_LONGEST_SHOWN = 200


def may_name_media(text: str) -> bool:
    """Whether a text has the suffix of a media file and is no URL. The disk is not read."""
    return os.path.splitext(text)[1].lower() in MEDIA_TYPES and "://" not in text  # noqa: PTH122


@attrs.frozen
class UploadRule:
    """Whether media files that texts name are uploaded, and from which directory.

    Attributes:
        enabled: Whether they are uploaded.
        root: Directory below which they must be; None for the current directory.
    """

    enabled: bool = True
    root: Path | None = None

    def file_named_by(self, text: str) -> Path | None:
        """Return the file that a text names; None if the text is to be sent as text.

        Raises:
            InvalidInputError: The text begins like a path, and its file is not below the root.
        """
        like_path = _PATH_LIKE.match(text) is not None
        real: Path | None = None
        try:
            real = Path(os.path.realpath(os.path.expanduser(text), strict=True))  # noqa: PTH111
            regular = stat.S_ISREG(real.stat().st_mode)
        except (OSError, ValueError):  # no such file, a name that is too long, a link to itself, a NUL …
            regular = False
        if real is None or not regular:
            if like_path:
                logger.warning(
                    "The input holds a text like a media file's path that names no file: it is sent as text."
                )
            return None
        if self._holds(real):
            return real
        root = "the current directory" if self.root is None else self.root
        if like_path:
            raise InvalidInputError(
                f"The input holds {text[:_LONGEST_SHOWN]!r}, which names a file outside upload_root ({root}). To "
                "upload it all the same pass pathlib.Path(…) or set upload_root=; to send it as text pass "
                "upload_paths=False."
            )
        logger.warning(
            "The input holds the name of a media file outside upload_root (%s): it is sent as text. To upload the file "
            "pass pathlib.Path(…).",
            root,
        )
        return None

    def _holds(self, real: Path) -> bool:
        try:
            root = Path(os.path.realpath(self.root if self.root is not None else Path.cwd(), strict=True))
        except OSError:  # there is no such directory (any more)
            return False
        return real.is_relative_to(root)
