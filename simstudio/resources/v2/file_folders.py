"""``client.v2.files.folders``: the folders of files."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.files import DeletedFileFolder, RestoredFileFolder
from simstudio.models.v2.folders import Folder
from simstudio.resources.folder_paths import FolderPath
from simstudio.resources.parameters import Search, WorkspaceId
from simstudio.transport.flow import Flow


class FileFolders(APIResource[M]):
    """The folders of files. Paths are those of :class:`~simstudio.resources.v2.files.Files`."""

    @paged("GET", "/api/v2/files/folders", "listFilesFolders")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        parent_path: FolderPath | None = None,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        scope: Literal["active", "archived"] | None = None,
        recursive: bool | None = None,
        depth: int | None = None,
    ) -> Pages[Folder]:
        """List the folders of a workspace, all in one page.

        Args:
            parent_path: Only folders directly inside this folder.
            search: Part of the name, in any case.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.
            scope: ``archived`` for deleted folders; default ``active``.
            recursive: Include the folders inside those. Servers of August 2026 lack it.
            depth: Levels of folders. Servers of August 2026 lack it.

        Example:
            >>> [folder.path for folder in client.v2.files.folders.list("workspace-id")]  # doctest: +SKIP
            ['/Sales', '/Sales/Leads']
        """
        return send.pages(Folder)

    @endpoint("POST", "/api/v2/files/folders", "createFilesFolder")
    def create(self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath) -> Flow[Folder]:
        """Create a folder in an existing one.

        Raises:
            ConflictError: A folder with this path exists.
            NotFoundError: The parent folder does not exist.

        Example:
            >>> client.v2.files.folders.create("ws", path=["Sales", "New leads"]).path  # doctest: +SKIP
            '/Sales/New%20leads'
        """
        return send.one(Folder)

    @endpoint("PATCH", "/api/v2/files/folders", "relocateFilesFolder")
    def relocate(
        self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath, destination_path: FolderPath
    ) -> Flow[Folder]:
        """Rename or move a folder with its contents.

        Args:
            destination_path: New path, including the folder's name.

        Raises:
            ConflictError: A folder with the new path exists.
            NotFoundError: No folder has this path.
        """
        return send.one(Folder)

    @endpoint("DELETE", "/api/v2/files/folders", "deleteFilesFolder")
    def delete(
        self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath, recursive: bool | None = None
    ) -> Flow[DeletedFileFolder]:
        """Archive a folder.

        Args:
            recursive: Archive the contents as well; default False.

        Raises:
            ConflictError: The folder is not empty, and ``recursive`` is not True.
            NotFoundError: No folder has this path.
        """
        return send.one(DeletedFileFolder)

    @endpoint("POST", "/api/v2/files/folders/restore", "restoreFilesFolder")
    def restore(self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath) -> Flow[RestoredFileFolder]:
        """Bring an archived folder back with its contents; it is renamed if its path is taken.

        Raises:
            NotFoundError: No archived folder has this path.
        """
        return send.one(RestoredFileFolder)
