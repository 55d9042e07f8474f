"""``client.v2.workspaces.members`` and ``.invitations``: the people who may use a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.workspaces import WorkspaceInvitations, WorkspaceMember
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow


class WorkspaceMembers(APIResource[M]):
    """The people who may use a workspace."""

    @paged("GET", "/api/v2/workspaces/{workspaceId}/members", "listWorkspaceMembers")
    def list(
        self, send: Sender, workspace_id: str, *, limit: PageLimit | None = None, cursor: str | None = None
    ) -> Pages[WorkspaceMember]:
        """List the people who may use a workspace by address, with the admins of its organization.

        Raises:
            NotFoundError: No workspace has this id.
            PermissionDeniedError: The API key may not use the workspace.
        """
        return send.pages(WorkspaceMember)


class WorkspaceInvites(APIResource[M]):
    """Invitations to a workspace. Known from Sim's documents only; needs a personal key."""

    _evidence = "documented"

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/invitations", "createWorkspaceInvitations")
    def create(
        self,
        send: Sender,
        workspace_id: str,
        *,
        emails: Sequence[str],
        permission: Literal["admin", "write", "read"] | Unset = UNSET,
        membership: Literal["member", "admin", "external"] | Unset = UNSET,
    ) -> Flow[WorkspaceInvitations]:
        """Invite people to a workspace. Members of its organization may be added at once.

        Args:
            permission: Role in the workspace; default ``read``.
            membership: Role in the organization; default ``member``.

        Returns:
            The outcome for each address; some may have failed.

        Raises:
            PermissionDeniedError: The key is a workspace key, or the caller may not invite people.
        """
        return send.one(WorkspaceInvitations)
