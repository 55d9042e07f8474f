"""``client.v2.workflows.folders``: the folders of workflows."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.folders import DeletedWorkflowFolder, WorkflowFolder
from simstudio.resources.folder_paths import FolderPath
from simstudio.resources.parameters import Search, WorkspaceId
from simstudio.transport.flow import Flow


class WorkflowFolders(APIResource[M]):
    """The folders of workflows.

    A path is a text such as ``/Sales/New leads``, percent-encoded as Sim shows it or not, or a list of names such as
    ``["Sales", "New leads"]``. It has at most 64 names and, encoded, 4,096 bytes; the root is ``/``.
    """

    @paged("GET", "/api/v2/workflows/folders", "listWorkflowsFolders")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        parent_path: FolderPath | None = None,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Pages[WorkflowFolder]:
        """List the folders of a workspace, all in one page.

        Args:
            parent_path: Only folders inside this folder.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.

        Raises:
            NotFoundError: No workspace has this id, no folder has this path, or the API key may not see it.

        Example:
            >>> [folder.path for folder in client.v2.workflows.folders.list("workspace-id")]  # doctest: +SKIP
            ['/Sales', '/Sales/Leads']
        """
        return send.pages(WorkflowFolder)

    @endpoint("POST", "/api/v2/workflows/folders", "createWorkflowsFolder")
    def create(self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath) -> Flow[WorkflowFolder]:
        """Create a folder.

        Raises:
            ConflictError: A folder with this path exists.
            LockedError: The parent folder is locked.

        Example:
            >>> client.v2.workflows.folders.create("workspace-id", path="/Sales/New leads").name  # doctest: +SKIP
            'New leads'
        """
        return send.one(WorkflowFolder)

    @endpoint("PATCH", "/api/v2/workflows/folders", "relocateWorkflowsFolder")
    def relocate(
        self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath, destination_path: FolderPath
    ) -> Flow[WorkflowFolder]:
        """Rename or move a folder with its contents.

        Args:
            destination_path: New path, including the folder's name.

        Raises:
            NotFoundError: No folder has this path.
            ConflictError: A folder with the new path exists.
            LockedError: The folder is locked.

        Example:
            >>> client.v2.workflows.folders.relocate("ws", path="/Old", destination_path="/New").path  # doctest: +SKIP
            '/New'
        """
        return send.one(WorkflowFolder)

    @endpoint("DELETE", "/api/v2/workflows/folders", "deleteWorkflowsFolder")
    def delete(
        self, send: Sender, workspace_id: WorkspaceId, *, path: FolderPath, recursive: bool | None = None
    ) -> Flow[DeletedWorkflowFolder]:
        """Delete a folder.

        Args:
            recursive: Delete the contents as well; default False.

        Returns:
            Numbers of deleted folders and workflows.

        Raises:
            NotFoundError: No folder has this path.
            ConflictError: The folder is not empty, and ``recursive`` is not True.
            LockedError: The folder is locked.

        Example:
            >>> client.v2.workflows.folders.delete("workspace-id", path="/Old").deleted_items.folders  # doctest: +SKIP
            1
        """
        return send.one(DeletedWorkflowFolder)
