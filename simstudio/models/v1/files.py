"""Files of a workspace in v1."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class WorkspaceFile(Model):
    """A file of a workspace.

    Attributes:
        name: A second file of the same name is renamed to ``name (1).txt``.
        size: Bytes.
        type: Media type.
        key: Key of the file in the server's storage.
        uploaded_by: Id of the user.
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
    """The response to the deletion of a file, which is archived.

    Attributes:
        message: Text of the server.
    """

    message: str | None = None
