"""``client.v2.organizations``: organizations, and the namespaces of their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.organizations import Organization, OrganizationWorkspace
from simstudio.resources.parameters import PageLimit, Search
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.organization_access_requests import OrganizationAccessRequests
    from simstudio.resources.v2.organization_domains import OrganizationDomains
    from simstudio.resources.v2.organization_invitations import OrganizationInvitations
    from simstudio.resources.v2.organization_members import OrganizationMembers
    from simstudio.resources.v2.organization_permission_groups import PermissionGroups
    from simstudio.resources.v2.organization_sso import OrganizationSso
    from simstudio.resources.v2.organization_usage import OrganizationUsage


class Organizations(APIResource[M]):
    """Organizations of the caller. Workspace keys are refused (:class:`~simstudio.PermissionDeniedError`).

    The operations of this namespace and of those below it are known from Sim's documents only.
    """

    _evidence = "documented"

    @namespace
    def members(self) -> OrganizationMembers[M]:
        """Members, and the credits that each may use."""
        from simstudio.resources.v2.organization_members import OrganizationMembers

        return OrganizationMembers(self._context, f"{self._name}.members")

    @namespace
    def invitations(self) -> OrganizationInvitations[M]:
        """Invitations to the organization and its workspaces."""
        from simstudio.resources.v2.organization_invitations import OrganizationInvitations

        return OrganizationInvitations(self._context, f"{self._name}.invitations")

    @namespace
    def permission_groups(self) -> PermissionGroups[M]:
        """Permission groups: limits of what members may use in the organization's workspaces."""
        from simstudio.resources.v2.organization_permission_groups import PermissionGroups

        return PermissionGroups(self._context, f"{self._name}.permission_groups")

    @namespace
    def access_requests(self) -> OrganizationAccessRequests[M]:
        """Requests of members for what a permission group or a credit limit refuses them."""
        from simstudio.resources.v2.organization_access_requests import OrganizationAccessRequests

        return OrganizationAccessRequests(self._context, f"{self._name}.access_requests")

    @namespace
    def usage(self) -> OrganizationUsage[M]:
        """Usage of credits: over time, by dimension, and as single charges."""
        from simstudio.resources.v2.organization_usage import OrganizationUsage

        return OrganizationUsage(self._context, f"{self._name}.usage")

    @namespace
    def domains(self) -> OrganizationDomains[M]:
        """Domains that the organization claims for single sign-on."""
        from simstudio.resources.v2.organization_domains import OrganizationDomains

        return OrganizationDomains(self._context, f"{self._name}.domains")

    @namespace
    def sso(self) -> OrganizationSso[M]:
        """Single sign-on: identity providers, and whether it is required."""
        from simstudio.resources.v2.organization_sso import OrganizationSso

        return OrganizationSso(self._context, f"{self._name}.sso")

    @paged("GET", "/api/v2/organizations", "listOrganizations")
    def list(
        self,
        send: Sender,
        *,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[Organization]:
        """List the caller's organizations, except those that refuse the API key.

        Args:
            search: Part of the name, in any case.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.

        Example:
            >>> [each.role for each in client.v2.organizations.list()]  # doctest: +SKIP
            ['admin']
        """
        return send.pages(Organization)

    @endpoint("GET", "/api/v2/organizations/{organizationId}", "getOrganization")
    def get(self, send: Sender, organization_id: str) -> Flow[Organization]:
        """Retrieve one organization, with the caller's role in it.

        Raises:
            PermissionDeniedError: The caller is no member, or the key is a workspace key.
        """
        return send.one(Organization)

    @paged("GET", "/api/v2/organizations/{organizationId}/workspaces", "listOrganizationWorkspaces")
    def workspaces(
        self,
        send: Sender,
        organization_id: str,
        *,
        search: Search | None = None,
        sort_by: Literal["name", "id"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[OrganizationWorkspace]:
        """List the active workspaces of an organization.

        Args:
            search: Part of the name, in any case.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin.
        """
        return send.pages(OrganizationWorkspace)
