"""``client.v2.tables.exports``: exports of tables to files."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import APIResource
from simstudio.models.v2.table_transfers import TableExport, TableExportDownload
from simstudio.resources.parameters import WorkspaceId
from simstudio.resources.v2.table_handles import ExportHandle
from simstudio.transport.endpoint import segment
from simstudio.transport.flow import Flow

_EXPORT = "/api/v2/tables/{tableId}/exports/{exportId}"


class TableExports(APIResource[M]):
    """Exports of tables to CSV or JSON files."""

    @endpoint("POST", "/api/v2/tables/{tableId}/exports", "createTableExport")
    def create(
        self,
        send: Sender,
        table_id: str,
        *,
        workspace_id: WorkspaceId,
        format: Literal["csv", "json"] | Unset = UNSET,
    ) -> Flow[TableExport]:
        """Start an export. One of at most 10,000 rows is completed when the call returns.

        Args:
            format: Default ``csv``.

        Raises:
            NotFoundError: No table has this id.
        """
        return send.one(TableExport)

    @endpoint("GET", _EXPORT, "getTableExport")
    def get(self, send: Sender, table_id: str, export_id: str, *, workspace_id: WorkspaceId) -> Flow[TableExport]:
        """Retrieve the state of an export.

        Raises:
            NotFoundError: The table or export does not exist.
        """
        return send.one(TableExport)

    def handle(self, table_id: str, export_id: str, *, workspace_id: str) -> ExportHandle[M]:
        """A handle of an export. No request is sent.

        Example:
            >>> client.v2.tables.exports.handle("tbl_1", "export-id", workspace_id="ws").wait()  # doctest: +SKIP
        """
        table = segment(table_id, "table_id")
        export = segment(export_id, "export_id")
        return ExportHandle(self, export_id, f"/api/v2/tables/{table}/exports/{export}", workspace_id)

    @endpoint("DELETE", _EXPORT, "cancelTableExport")
    def cancel(self, send: Sender, table_id: str, export_id: str, *, workspace_id: WorkspaceId) -> Flow[TableExport]:
        """Cancel an export.

        Raises:
            ConflictError: The export has ended.
            NotFoundError: The table or export does not exist.
        """
        return send.one(TableExport)

    @endpoint("GET", _EXPORT + "/download", "downloadTableExport")
    def download(
        self, send: Sender, table_id: str, export_id: str, *, workspace_id: WorkspaceId
    ) -> Flow[TableExportDownload]:
        """Retrieve the address of an export's file.

        A server with object storage (S3, Azure, Google) names an address that anyone can fetch for an hour, without the
        API key. A server that stores files on its own disk names ``/api/files/serve/…``, which only a signed-in browser
        can fetch; ``client.v2.tables.export_csv`` writes the file from the rows there.

        Raises:
            ConflictError: The export is not completed.
            NotFoundError: The table or export does not exist.
        """
        return send.one(TableExportDownload)
