"""Files of a workspace in v1."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class WorkspaceFile(Model):
    """A file of a workspace.

    Attributes:
        id: Of the file.
        name: File name. Sim stores a second file with the same name as ``name (1).txt``.
        size: Bytes.
        type: Its media type.
        key: Where it is stored.
        uploaded_by: The user's id.
        uploaded_at: ISO 8601.
    """

    id: str
    name: str | None = None
    size: int | None = None
    type: str | None = None
    key: str | None = None
    uploaded_by: str | None = None
    uploaded_at: str | None = None


@model
class DeletedFile(Model):
    """The answer to a file's deletion.

    Attributes:
        message: The server's sentence: files are archived.
    """

    message: str | None = None
