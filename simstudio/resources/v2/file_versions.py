"""``client.v2.files.versions``: earlier contents of files."""

from __future__ import annotations

from typing import Literal

from simstudio.core.downloads import Download
from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.file_versions import DeletedFileVersion, FileVersion, RevertedFile
from simstudio.models.v2.files import FileText
from simstudio.resources.parameters import PageLimit, SaveTo, WorkspaceId
from simstudio.transport.flow import Flow


class FileVersions(APIResource[M]):
    """Earlier contents of files. Known from Sim's documents only: servers of August 2026 have no versions."""

    _evidence = "documented"

    @paged("GET", "/api/v2/files/{fileId}/versions", "listFileVersions")
    def list(
        self,
        send: Sender,
        file_id: str,
        *,
        workspace_id: WorkspaceId,
        sort_by: Literal["version"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[FileVersion]:
        """List the versions of a file, the newest first.

        Args:
            sort_order: Default ``desc``.
            cursor: ``next_cursor`` of an earlier page with the same order.
        """
        return send.pages(FileVersion)

    @endpoint("GET", "/api/v2/files/{fileId}/versions/{version}", "getFileVersion")
    def get(self, send: Sender, file_id: str, version: int, *, workspace_id: WorkspaceId) -> Flow[FileVersion]:
        """Retrieve a version, without its content.

        Raises:
            NotFoundError: The file has no such version.
        """
        return send.one(FileVersion)

    @endpoint("GET", "/api/v2/files/{fileId}/versions/{version}/content", "downloadFileVersion")
    def download(
        self, send: Sender, file_id: str, version: int, *, workspace_id: WorkspaceId, to: SaveTo = None
    ) -> Flow[Download]:
        """Download a version of a file."""
        return send.download(to)

    @endpoint("GET", "/api/v2/files/{fileId}/versions/{version}/text", "readFileVersionText")
    def read_text(
        self,
        send: Sender,
        file_id: str,
        version: int,
        *,
        workspace_id: WorkspaceId,
        max_bytes: int | None = None,
        offset: int | None = None,
        limit: int | None = None,
    ) -> Flow[FileText]:
        """Read the text of a version.

        Args:
            max_bytes: Refuse versions with more bytes.
            offset: First line.
            limit: Number of lines.
        """
        return send.one(FileText)

    @endpoint("POST", "/api/v2/files/{fileId}/versions/{version}/revert", "revertFileVersion")
    def revert(
        self,
        send: Sender,
        file_id: str,
        version: int,
        *,
        workspace_id: WorkspaceId,
        expected_current_version: int | Unset = UNSET,
        expected_revision: str | Unset = UNSET,
    ) -> Flow[RevertedFile]:
        """Make the content of a version current again, as a new version.

        Args:
            expected_current_version: Refuse if another version is current.
            expected_revision: Refuse if the file has another ``revision``.

        Raises:
            ConflictError: The file has changed.
        """
        return send.one(RevertedFile)

    @endpoint("DELETE", "/api/v2/files/{fileId}/versions/{version}", "deleteFileVersion")
    def delete(
        self, send: Sender, file_id: str, version: int, *, workspace_id: WorkspaceId
    ) -> Flow[DeletedFileVersion]:
        """Delete a version for good.

        Raises:
            ConflictError: The version is the current one.
        """
        return send.one(DeletedFileVersion)
