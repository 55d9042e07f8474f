"""Imports into tables, and exports of tables."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model
from simstudio.models.v2.uploads import UploadTransfer


@model
class ImportSource(Model):
    """The file that an import reads.

    Attributes:
        type: ``upload`` or ``workspace_file``.
        name: Name of an uploaded file.
        content_type: Media type of an uploaded file.
        size: Bytes of an uploaded file.
        file_id: Id of a file of the workspace.
    """

    type: str
    name: str | None = None
    content_type: str | None = None
    size: int | None = None
    file_id: str | None = None


@model
class ImportTarget(Model):
    """The table that an import fills.

    Attributes:
        type: ``new`` or ``existing``.
        name: Name of a new table.
        folder_path: Folder of a new table.
        table_id: Id of an existing table.
        mode: For an existing table: ``append`` or ``replace``.
    """

    type: str
    name: str | None = None
    folder_path: str | None = None
    table_id: str | None = None
    mode: str | None = None


@model
class RejectedSample(Model):
    """A row or cell that an import could not store.

    Attributes:
        line: Line of the file; None if it is unknown.
    """

    code: str
    message: str
    line: int | None = None


@model
class TableImport(Model):
    """An import of a file into a table.

    Attributes:
        status: ``uploading``, ``processing``, ``completed``, ``failed``, ``canceled`` or ``expired``.
        rows_processed: May be lower than the number of rows written, if the import was canceled.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        table_id: None until a new table exists. A failed or canceled import leaves its new table behind.
        rows_rejected: Rows that were left out; None from servers before September 2026, as the next two.
        cells_rejected: Cells that were stored empty.
        rejected_samples: A sample of the rows and cells that were rejected.
        error: Reason of a failure.
        completed_at: ISO 8601.
    """

    id: str
    workspace_id: str
    status: str
    source: ImportSource
    target: ImportTarget
    rows_processed: int
    created_at: str
    updated_at: str
    table_id: str | None = None
    rows_rejected: int | None = None
    cells_rejected: int | None = None
    rejected_samples: list[RejectedSample] | None = None
    error: str | None = None
    completed_at: str | None = None

    @property
    def done(self) -> bool:
        """Whether the import has ended."""
        return self.status in ("completed", "failed", "canceled", "expired")


@model
class TableImportSession(Model):
    """An import that was created, and where its bytes go.

    Attributes:
        upload_token: Secret for all calls of this session; ``repr`` leaves it out. None for a file of the workspace.
        transfer: None for a file of the workspace.
    """

    session: TableImport
    upload_token: str | None = attrs.field(default=None, repr=False)
    transfer: UploadTransfer | None = None


@model
class TableExport(Model):
    """An export of a table to a file.

    Attributes:
        format: ``csv`` or ``json``.
        status: ``queued``, ``processing``, ``completed``, ``failed`` or ``canceled``.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        error: Reason of a failure.
        completed_at: ISO 8601.
    """

    id: str
    table_id: str
    workspace_id: str
    format: str
    status: str
    rows_processed: int
    created_at: str
    updated_at: str
    error: str | None = None
    completed_at: str | None = None

    @property
    def done(self) -> bool:
        """Whether the export has ended."""
        return self.status in ("completed", "failed", "canceled")


@model
class TableExportDownload(Model):
    """The address of the file of an export.

    Attributes:
        url: Address for one GET without the API key, and a secret: ``repr`` leaves it out. On a server that stores
            files on its own disk only a signed-in browser can fetch it.
        expires_at: ISO 8601.
    """

    url: str = attrs.field(repr=False)
    file_name: str
    expires_at: str
