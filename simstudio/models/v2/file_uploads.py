"""Upload sessions of files."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model
from simstudio.models.v2.files import WorkspaceFile
from simstudio.models.v2.uploads import UploadTransfer


@model
class FileUploadSession(Model):
    """The state of an upload session.

    Attributes:
        status: ``uploading``, ``completing``, ``finalizing``, ``completed``, ``failed``, ``aborting``, ``aborted`` or
            ``expired``.
        name: Requested name; that of ``file`` differs if it was taken.
        content_type: Media type.
        size: Bytes.
        expires_at: ISO 8601. After it the server refuses bytes and completion, whatever the status says.
        error: Reason of the last failed completion.
        file: The new file, in the response of ``uploads.complete`` only.
    """

    id: str
    status: str
    name: str
    content_type: str
    size: int
    expires_at: str
    error: str | None = None
    file: WorkspaceFile | None = None


@model
class FileUpload(Model):
    """A new upload session.

    Attributes:
        upload_token: Secret for all calls of this session; whoever has it controls the session. ``repr`` leaves it out.
    """

    session: FileUploadSession
    upload_token: str = attrs.field(repr=False)
    transfer: UploadTransfer
