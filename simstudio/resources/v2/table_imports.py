"""``client.v2.tables.imports``: imports of CSV files into tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import query
from simstudio.core.resource import APIResource
from simstudio.models.v2.table_params import ExistingTable, NewTable, UploadSource, WorkspaceFileSource
from simstudio.models.v2.table_transfers import ImportSource, ImportTarget, TableImport, TableImportSession
from simstudio.models.v2.uploads import UploadPartUrls
from simstudio.resources.parameters import PartNumbers, UploadToken, WorkspaceId
from simstudio.resources.v2.table_handles import ImportHandle
from simstudio.transport.endpoint import segment
from simstudio.transport.flow import Flow

_IMPORT = "/api/v2/tables/imports/{importId}"


class TableImports(APIResource[M]):
    """Imports of CSV files: create one, send the bytes as its ``transfer`` says, complete it, and read its state.

    ``client.v2.tables.import_csv`` does all of it.
    """

    @endpoint("POST", "/api/v2/tables/imports", "createTableImport")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        source: UploadSource | WorkspaceFileSource | ImportSource,
        target: NewTable | ExistingTable | ImportTarget,
        mapping: Mapping[str, str | None] | Unset = UNSET,
        create_columns: Sequence[str] | Unset = UNSET,
        timezone: str | Unset = UNSET,
    ) -> Flow[TableImportSession]:
        """Create an import. One of a file of the workspace starts at once.

        Args:
            source: A ``.csv`` or ``.tsv`` file in UTF-8.
            target: The name of a new table is checked only when the upload is completed.
            mapping: Column of the table by column of the file; None leaves a column of the file out.
            create_columns: Columns of the file for which the table gets new columns.
            timezone: Time zone of moments without one, such as ``Europe/Berlin``.

        Raises:
            InvalidRequestError: The file is no CSV file, or too large.
            NotFoundError: The table, file or folder does not exist.
            ServerError: The server stores files on its own disk and lacks the folders ``uploads/.multipart`` and
                ``uploads/.staging``; its operator has to create them.

        Example:
            >>> source = {"type": "upload", "name": "in.csv", "contentType": "text/csv", "size": 21}  # doctest: +SKIP
            >>> target = {"type": "new", "name": "stock"}  # doctest: +SKIP
            >>> client.v2.tables.imports.create("ws", source=source, target=target).transfer  # doctest: +SKIP
        """
        return send.one(TableImportSession)

    @endpoint("GET", _IMPORT, "getTableImport")
    def get(
        self, send: Sender, import_id: str, *, workspace_id: WorkspaceId, upload_token: UploadToken | None = None
    ) -> Flow[TableImport]:
        """Retrieve the state of an import.

        Args:
            upload_token: Required while the status is ``uploading``.

        Raises:
            NotFoundError: No import has this id, or it needs its upload token.
        """
        return send.one(TableImport)

    def handle(self, import_id: str, *, workspace_id: str) -> ImportHandle[M]:
        """A handle of an import whose upload is completed. No request is sent.

        Example:
            >>> client.v2.tables.imports.handle("import-id", workspace_id="ws").wait().table_id  # doctest: +SKIP
        """
        import_ = segment(import_id, "import_id")
        return ImportHandle(self, import_id, f"/api/v2/tables/imports/{import_}", workspace_id)

    @endpoint("DELETE", _IMPORT, "cancelTableImport")
    def cancel(
        self, send: Sender, import_id: str, *, workspace_id: WorkspaceId, upload_token: UploadToken | None = None
    ) -> Flow[TableImport]:
        """Cancel an import; rows that it has written stay, and so does a new table.

        Args:
            upload_token: Required while the status is ``uploading``.

        Raises:
            ConflictError: The import has ended.
            NotFoundError: No import has this id, or it needs its upload token.
        """
        return send.one(TableImport)

    @endpoint("POST", _IMPORT + "/parts", "createTableImportPartUrls", resend="read")
    def create_part_urls(
        self,
        send: Sender,
        import_id: str,
        *,
        workspace_id: Annotated[WorkspaceId, query],
        upload_token: UploadToken,
        part_numbers: PartNumbers,
    ) -> Flow[UploadPartUrls]:
        """Retrieve the addresses for parts of the file, if the transfer is ``multipart``.

        Args:
            part_numbers: 1 to 100 different numbers, from 1.

        Raises:
            ConflictError: The import is not uploading, or its transfer is not ``multipart``.
            NotFoundError: No import has this id.
        """
        return send.one(UploadPartUrls)

    @endpoint("POST", _IMPORT + "/complete", "completeTableImportUpload", resend="read")
    def complete(
        self, send: Sender, import_id: str, *, workspace_id: Annotated[WorkspaceId, query], upload_token: UploadToken
    ) -> Flow[TableImport]:
        """Start the import once all bytes are sent; a second call returns its state.

        Raises:
            ConflictError: Bytes are missing, or a table has the name of the new table; the import can be completed
                later.
            NotFoundError: No import has this id.
            LockedError: The table's rows cannot be changed.
        """
        return send.one(TableImport)
