"""Uploaded files."""

from __future__ import annotations

from simstudio.core.model import model
from simstudio.services.vectorvein.models.base import Record


@model
class FileUploadResult(Record):
    """A file that was uploaded.

    Attributes:
        oss_path: Where it lies; the ``oss_key`` of an attachment.
        original_filename: What it was called.
        file_size: Bytes.
        content_type: Its media type.
    """

    oss_path: str
    original_filename: str | None = None
    file_size: int | None = None
    content_type: str | None = None
