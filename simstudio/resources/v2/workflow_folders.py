"""``client.v2.workflows.folders``: the folders that workflows lie in (API.md 4.1)."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import length
from simstudio.models.v2.folders import DeletedWorkflowFolder, WorkflowFolder
from simstudio.transport.flow import Flow


class WorkflowFolders(APIResource[M]):
    """The folders that workflows lie in.

    A path is percent-encoded by segment (only ``A-Z a-z 0-9 - _ . ~`` stand for themselves, hexadecimals in capitals),
    of at most 64 segments and 4,096 bytes; the root is ``/`` (API.md 1.5).
    """

    @paged(
        "GET",
        "/api/v2/workflows/folders",
        "listWorkflowsFolders",
        limits={"workspace_id": length(1, 128), "search": length(1, 200)},
    )
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        parent_path: str | None = None,
        search: str | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Pages[WorkflowFolder]:
        """List folders. All come at once, on one page.

        Args:
            workspace_id: Whose.
            parent_path: Only in this folder.
            search: Only those that match; 1 to 200 characters.
            sort_by: By what they are ordered; ``name`` where it is not given.
            sort_order: ``asc`` where it is not given.

        Returns:
            The folders.

        Raises:
            NotFoundError: No such workspace or folder, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> [folder.path for folder in client.v2.workflows.folders.list("workspace-id")]  # doctest: +SKIP
            ['/Sales', '/Sales/Leads']
        """
        return send.pages(WorkflowFolder)

    @endpoint("POST", "/api/v2/workflows/folders", "createWorkflowsFolder", limits={"workspace_id": length(1, 128)})
    def create(self, send: Sender, workspace_id: str, *, path: str) -> Flow[WorkflowFolder]:
        """Make a folder.

        Args:
            workspace_id: Where.
            path: Its path.

        Returns:
            The folder.

        Raises:
            ConflictError: It is there already.
            LockedError: The folder that it would lie in is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.folders.create("workspace-id", path="/Sales/New%20leads").name  # doctest: +SKIP
            'New leads'
        """
        return send.one(WorkflowFolder)

    @endpoint("PATCH", "/api/v2/workflows/folders", "relocateWorkflowsFolder", limits={"workspace_id": length(1, 128)})
    def relocate(self, send: Sender, workspace_id: str, *, path: str, destination_path: str) -> Flow[WorkflowFolder]:
        """Rename or move a folder with all that is in it.

        Args:
            workspace_id: Where.
            path: Its path.
            destination_path: Its new path, name included.

        Returns:
            The folder.

        Raises:
            NotFoundError: No such folder.
            ConflictError: Another folder is there.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.folders.relocate("ws", path="/Old", destination_path="/New").path  # doctest: +SKIP
            '/New'
        """
        return send.one(WorkflowFolder)

    @endpoint("DELETE", "/api/v2/workflows/folders", "deleteWorkflowsFolder", limits={"workspace_id": length(1, 128)})
    def delete(
        self, send: Sender, workspace_id: str, *, path: str, recursive: bool | None = None
    ) -> Flow[DeletedWorkflowFolder]:
        """Delete a folder.

        Args:
            workspace_id: Where.
            path: Its path.
            recursive: With all that is in it; False where it is not given.

        Returns:
            How much went.

        Raises:
            NotFoundError: No such folder.
            ConflictError: It is not empty, and ``recursive`` is not True.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.folders.delete("workspace-id", path="/Old").deleted_items.folders  # doctest: +SKIP
            1
        """
        return send.one(DeletedWorkflowFolder)
