"""Uploaded files."""

from __future__ import annotations

from simstudio.core.model import model
from simstudio.services.vectorvein.models.base import Record


@model
class FileUploadResult(Record):
    """A file that was uploaded.

    Attributes:
        oss_path: Path in VectorVein's storage; the ``oss_key`` of an attachment.
        file_size: Size in bytes.
    """

    oss_path: str
    original_filename: str | None = None
    file_size: int | None = None
    content_type: str | None = None
