"""``client.v2.organizations.members``: members of an organization, and their credit limits."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.organizations import DeletedMember, MemberCreditLimit, MemberUsageLimit, OrganizationMember
from simstudio.resources.parameters import PageLimit, Search
from simstudio.transport.flow import Flow


class OrganizationMembers(APIResource[M]):
    """Members of an organization. Known from Sim's documents only."""

    _evidence = "documented"

    @paged("GET", "/api/v2/organizations/{organizationId}/members", "listOrganizationMembers")
    def list(
        self,
        send: Sender,
        organization_id: str,
        *,
        search: Search | None = None,
        sort_by: Literal["name", "email", "joinedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[OrganizationMember]:
        """List the members of an organization.

        Args:
            search: Part of the name or address, in any case.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.

        Raises:
            PermissionDeniedError: The caller is no member, may not see the other members, or uses a workspace key.
        """
        return send.pages(OrganizationMember)

    @endpoint("PATCH", "/api/v2/organizations/{organizationId}/members/{userId}", "updateOrganizationMember")
    def update(
        self, send: Sender, organization_id: str, user_id: str, *, role: Literal["member", "admin"]
    ) -> Flow[OrganizationMember]:
        """Change the role of a member.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin, the member is the owner,
                or an identity provider manages the membership.
            NotFoundError: No member has this user id.
        """
        return send.one(OrganizationMember)

    @endpoint("DELETE", "/api/v2/organizations/{organizationId}/members/{userId}", "removeOrganizationMember")
    def remove(self, send: Sender, organization_id: str, user_id: str) -> Flow[DeletedMember]:
        """Remove a member from the organization and its workspaces, and end the member's sessions.

        Admins can remove anyone but the owner, a member only themselves. What the member owned gets other owners.

        Raises:
            PermissionDeniedError: The caller is no admin and not this member, or uses a workspace key.
            NotFoundError: No member has this user id.
        """
        return send.one(DeletedMember)

    @endpoint(
        "GET", "/api/v2/organizations/{organizationId}/members/{userId}/usage-limit", "getOrganizationMemberUsageLimit"
    )
    def usage_limit(self, send: Sender, organization_id: str, user_id: str) -> Flow[MemberUsageLimit]:
        """Retrieve the credits that a person used in this billing period, and may use; on sim.ai only.

        Args:
            user_id: A member, or another person with access to one of the organization's workspaces.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin.
        """
        return send.one(MemberUsageLimit)

    @endpoint(
        "PATCH",
        "/api/v2/organizations/{organizationId}/members/{userId}/usage-limit",
        "updateOrganizationMemberUsageLimit",
    )
    def update_usage_limit(
        self, send: Sender, organization_id: str, user_id: str, *, credit_limit: int | None
    ) -> Flow[MemberCreditLimit]:
        """Set or remove a person's credit limit; on sim.ai only.

        Args:
            user_id: A member, or another person with access to one of the organization's workspaces.
            credit_limit: Credits, not dollars, in a billing period; 0 allows nothing that costs credits, None removes
                the limit. The organization's own limit stays.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin.
        """
        return send.one(MemberCreditLimit)
