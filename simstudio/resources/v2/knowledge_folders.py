"""``client.v2.knowledge.folders``: the folders of knowledge bases."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.folders import Folder
from simstudio.models.v2.knowledge import DeletedKnowledgeFolder
from simstudio.resources.folder_paths import FolderPath
from simstudio.resources.parameters import Search, WorkspaceId
from simstudio.transport.flow import Flow


class KnowledgeFolders(APIResource[M]):
    """The folders of knowledge bases. A path is a text such as ``/Sales/New leads``, or a list of names."""

    @paged("GET", "/api/v2/knowledge/folders", "listKnowledgeFolders")
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
            parent_path: Only folders directly inside this folder.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.

        Raises:
            NotFoundError: No folder has the path ``parent_path``, or no workspace this id.
        """
        return send.pages(Folder)

    @endpoint("POST", "/api/v2/knowledge/folders", "createKnowledgeFolder")
    def create(self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath) -> Flow[Folder]:
        """Create a folder; its parent must exist.

        Raises:
            ConflictError: A folder with this path exists.
        """
        return send.one(Folder)

    @endpoint("PATCH", "/api/v2/knowledge/folders", "relocateKnowledgeFolder")
    def relocate(
        self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath, destination_path: FolderPath
    ) -> Flow[Folder]:
        """Rename or move a folder with its contents.

        Args:
            destination_path: New path, including the folder's name.

        Raises:
            NotFoundError: No folder has this path.
            ConflictError: A folder with the new path exists.
        """
        return send.one(Folder)

    @endpoint("DELETE", "/api/v2/knowledge/folders", "deleteKnowledgeFolder")
    def delete(
        self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath, recursive: bool | None = None
    ) -> Flow[DeletedKnowledgeFolder]:
        """Delete a folder.

        Args:
            recursive: Delete folders and knowledge bases in it as well; default False.

        Raises:
            ConflictError: The folder is not empty, and ``recursive`` is not True.
        """
        return send.one(DeletedKnowledgeFolder)
