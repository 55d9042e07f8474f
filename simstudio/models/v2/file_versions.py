"""Earlier contents of files."""

from __future__ import annotations

from simstudio.core.model import Model, model
from simstudio.models.v2.files import WorkspaceFile


@model
class VersionAuthor(Model):
    """A user who has changed a file."""

    id: str
    email: str | None = None


@model
class FileVersion(Model):
    """A version of a file.

    Attributes:
        version: Number, from 1.
        size: Bytes.
        content_type: Media type.
        source: Origin of the content: ``upload``, ``workflow``, ``user``, ``api``, ``copilot``, ``collab``, ``revert``
            or ``unknown``.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        restored_from_version: Version whose content this is again; None for other versions.
        superseded_at: ISO 8601; None for the current version.
    """

    file_id: str
    version: int
    is_current: bool
    size: int
    content_type: str
    source: str
    authors: list[VersionAuthor]
    created_at: str
    updated_at: str
    restored_from_version: int | None = None
    superseded_at: str | None = None


@model
class DeletedFileVersion(Model):
    """The response to the deletion of a version.

    Attributes:
        deleted: True.
    """

    file_id: str
    version: int
    deleted: bool


@model
class RevertedFile(Model):
    """A file that has the content of an earlier version again.

    Attributes:
        reverted: False if the file had this content already.
        version: The new current version.
        revision: Revision of the content; None where the server gives none.
    """

    reverted: bool
    file: WorkspaceFile
    version: FileVersion
    revision: str | None = None
