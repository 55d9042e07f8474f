"""``client.v2.workspaces``: workspaces, and the namespaces of their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.workspaces import Workspace
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.workspace_access import WorkspaceAccessRequests, WorkspacePermissionConfigs
    from simstudio.resources.v2.workspace_fork import WorkspaceForks
    from simstudio.resources.v2.workspace_operations import WorkspaceOperations
    from simstudio.resources.v2.workspace_people import WorkspaceInvites, WorkspaceMembers


class Workspaces(APIResource[M]):
    """Workspaces: their members, access requests and forks."""

    @namespace
    def members(self) -> WorkspaceMembers[M]:
        """People who may use a workspace."""
        from simstudio.resources.v2.workspace_people import WorkspaceMembers

        return WorkspaceMembers(self._context, f"{self._name}.members")

    @namespace
    def invitations(self) -> WorkspaceInvites[M]:
        """Invitations to a workspace."""
        from simstudio.resources.v2.workspace_people import WorkspaceInvites

        return WorkspaceInvites(self._context, f"{self._name}.invitations")

    @namespace
    def access_requests(self) -> WorkspaceAccessRequests[M]:
        """The caller's requests for more access."""
        from simstudio.resources.v2.workspace_access import WorkspaceAccessRequests

        return WorkspaceAccessRequests(self._context, f"{self._name}.access_requests")

    @namespace
    def permission_config(self) -> WorkspacePermissionConfigs[M]:
        """Permissions of the caller in a workspace."""
        from simstudio.resources.v2.workspace_access import WorkspacePermissionConfigs

        return WorkspacePermissionConfigs(self._context, f"{self._name}.permission_config")

    @namespace
    def fork(self) -> WorkspaceForks[M]:
        """Copies of a workspace, which exchange workflows with it."""
        from simstudio.resources.v2.workspace_fork import WorkspaceForks

        return WorkspaceForks(self._context, f"{self._name}.fork")

    @namespace
    def operations(self) -> WorkspaceOperations[M]:
        """Imports, forks, pushes and pulls of a workspace."""
        from simstudio.resources.v2.workspace_operations import WorkspaceOperations

        return WorkspaceOperations(self._context, f"{self._name}.operations")

    @paged("GET", "/api/v2/workspaces", "listWorkspaces")
    def list(
        self,
        send: Sender,
        *,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[Workspace]:
        """List the workspaces that the API key may use; a workspace key only its own.

        Args:
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
            limit: Workspaces per page, 1 to 100; default 50, or 25 on newer servers.

        Example:
            >>> [workspace.name for workspace in client.v2.workspaces.list()]  # doctest: +SKIP
            ['Support', 'Sales']
        """
        return send.pages(Workspace)

    @endpoint("GET", "/api/v2/workspaces/{workspaceId}", "getWorkspace")
    def get(self, send: Sender, workspace_id: str) -> Flow[Workspace]:
        """Retrieve a workspace.

        Raises:
            NotFoundError: No workspace has this id.
            PermissionDeniedError: The API key may not use the workspace.
        """
        return send.one(Workspace)
