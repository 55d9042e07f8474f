"""``client.v2.organizations.invitations``: invitations to an organization and its workspaces."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.organizations import InvitationWorkspace, OrganizationInvitation, RevokedInvitation
from simstudio.resources.parameters import PageLimit, Search
from simstudio.transport.flow import Flow


class OrganizationInvitations(APIResource[M]):
    """Invitations to an organization and its workspaces. Known from Sim's documents only.

    All operations need the personal key of an organization admin.
    """

    _evidence = "documented"

    @paged("GET", "/api/v2/organizations/{organizationId}/invitations", "listOrganizationInvitations")
    def list(
        self,
        send: Sender,
        organization_id: str,
        *,
        search: Search | None = None,
        status: Literal["pending", "accepted", "rejected", "cancelled", "expired"] | None = None,
        sort_by: Literal["email", "createdAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[OrganizationInvitation]:
        """List the invitations to an organization and its workspaces.

        Args:
            search: Part of the address, in any case.
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(OrganizationInvitation)

    @endpoint("POST", "/api/v2/organizations/{organizationId}/invitations", "createOrganizationInvitation")
    def create(
        self, send: Sender, organization_id: str, *, email: str, role: Literal["member", "admin"] | Unset = UNSET
    ) -> Flow[OrganizationInvitation]:
        """Invite a person by e-mail. The invitation gives access to no workspace.

        Args:
            role: Default ``member``.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin, or the organization's
                plan, its free seats or its settings allow no invitation.
            ConflictError: The address has an open invitation; use ``resend``.

        Example:
            >>> invite = client.v2.organizations.invitations.create("org-id", email="a@b.org")  # doctest: +SKIP
            >>> invite.expires_at  # doctest: +SKIP
        """
        return send.one(OrganizationInvitation)

    @endpoint("GET", "/api/v2/organizations/{organizationId}/invitations/{invitationId}", "getOrganizationInvitation")
    def get(self, send: Sender, organization_id: str, invitation_id: str) -> Flow[OrganizationInvitation]:
        """Retrieve one invitation.

        Raises:
            NotFoundError: The organization has no invitation with this id.
        """
        return send.one(OrganizationInvitation)

    @endpoint(
        "DELETE", "/api/v2/organizations/{organizationId}/invitations/{invitationId}", "revokeOrganizationInvitation"
    )
    def revoke(self, send: Sender, organization_id: str, invitation_id: str) -> Flow[RevokedInvitation]:
        """Cancel an open invitation. A person who accepted it stays; ``members.remove`` removes members.

        Raises:
            NotFoundError: The organization has no invitation with this id.
            ConflictError: The invitation is not open.
        """
        return send.one(RevokedInvitation)

    @endpoint(
        "POST",
        "/api/v2/organizations/{organizationId}/invitations/{invitationId}/resend",
        "resendOrganizationInvitation",
    )
    def resend(self, send: Sender, organization_id: str, invitation_id: str) -> Flow[OrganizationInvitation]:
        """Send the e-mail of an open invitation again, with a new link and a new expiry; the old link is void.

        Raises:
            NotFoundError: The organization has no invitation with this id.
            ConflictError: The invitation is not open.
        """
        return send.one(OrganizationInvitation)

    @paged(
        "GET",
        "/api/v2/organizations/{organizationId}/invitations/{invitationId}/workspaces",
        "listOrganizationInvitationWorkspaces",
    )
    def workspaces(
        self,
        send: Sender,
        organization_id: str,
        invitation_id: str,
        *,
        search: Search | None = None,
        sort_by: Literal["name", "id"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[InvitationWorkspace]:
        """List the workspaces to which an invitation gives access, archived ones as well.

        Args:
            search: Part of the workspace's name, in any case.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.

        Raises:
            NotFoundError: The organization has no invitation with this id.
        """
        return send.pages(InvitationWorkspace)
