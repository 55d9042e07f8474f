"""``client.v2.workspaces.operations``: imports, forks, pushes and pulls of a workspace."""

from __future__ import annotations

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.workspace_operations import WorkspaceOperation
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow


class WorkspaceOperations(APIResource[M]):
    """Imports, forks, pushes and pulls of a workspace. Known from Sim's documents only."""

    _evidence = "documented"

    @paged("GET", "/api/v2/workspaces/{workspaceId}/operations", "listWorkspaceOperations")
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        limit: PageLimit | None = None,
        cursor: str | None = None,
        request_id: str | None = None,
    ) -> Pages[WorkspaceOperation]:
        """List the operations of a workspace.

        Args:
            request_id: Only the operation of this request, such as one whose response was lost.
        """
        return send.pages(WorkspaceOperation)

    @endpoint("GET", "/api/v2/workspaces/{workspaceId}/operations/{operationId}", "getWorkspaceOperation")
    def get(self, send: Sender, workspace_id: str, operation_id: str) -> Flow[WorkspaceOperation]:
        """Retrieve the state of an operation.

        Raises:
            NotFoundError: The workspace has no operation with this id.
        """
        return send.one(WorkspaceOperation)
