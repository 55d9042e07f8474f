"""``client.v2.tables.folders``: the folders of tables."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.folders import Folder
from simstudio.models.v2.tables import DeletedTableFolder, RestoredTableFolder
from simstudio.resources.folder_paths import FolderPath
from simstudio.resources.parameters import Search, WorkspaceId
from simstudio.transport.flow import Flow

_FOLDERS = "/api/v2/tables/folders"


class TableFolders(APIResource[M]):
    """The folders of tables. A path is a text such as ``/Sales/New leads``, or a list of names."""

    @paged("GET", _FOLDERS, "listTablesFolders")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        parent_path: FolderPath | None = None,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Pages[Folder]:
        """List the folders of a workspace, all in one page.

        Args:
            parent_path: Only folders inside this folder.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.

        Raises:
            NotFoundError: The workspace or the parent folder does not exist.
        """
        return send.pages(Folder)

    @endpoint("POST", _FOLDERS, "createTablesFolder")
    def create(self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath) -> Flow[Folder]:
        """Create a folder.

        Raises:
            ConflictError: A folder has this path.
            NotFoundError: The parent folder does not exist; it is not created.

        Example:
            >>> client.v2.tables.folders.create("workspace-id", path="/Sales/New leads").name  # doctest: +SKIP
            'New leads'
        """
        return send.one(Folder)

    @endpoint("PATCH", _FOLDERS, "relocateTablesFolder")
    def relocate(
        self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath, destination_path: FolderPath
    ) -> Flow[Folder]:
        """Rename or move a folder with its contents.

        Args:
            destination_path: New path, including the folder's name.

        Raises:
            NotFoundError: No folder has this path.
            ConflictError: A folder has the new path.
        """
        return send.one(Folder)

    @endpoint("DELETE", _FOLDERS, "deleteTablesFolder")
    def delete(
        self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath, recursive: bool | None = None
    ) -> Flow[DeletedTableFolder]:
        """Delete a folder.

        Args:
            recursive: Archive the tables in it and delete its folders as well; default False.

        Raises:
            NotFoundError: No folder has this path.
            ConflictError: The folder is not empty, and ``recursive`` is not True.
        """
        return send.one(DeletedTableFolder)

    @endpoint("POST", _FOLDERS + "/restore", "restoreTablesFolder")
    def restore(self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath) -> Flow[RestoredTableFolder]:
        """Restore a deleted folder with its contents.

        Args:
            path: Path that the folder had.

        Raises:
            NotFoundError: No deleted folder had this path.
        """
        return send.one(RestoredTableFolder)
