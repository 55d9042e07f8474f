"""``client.v2.organizations.domains``: domains that an organization claims."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.sso import OrganizationDomain
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow


class OrganizationDomains(APIResource[M]):
    """Domains of an organization's e-mail addresses, for single sign-on. Known from Sim's documents only.

    All operations but ``list`` need the Enterprise plan and the personal key of an organization admin.
    """

    _evidence = "documented"

    @paged("GET", "/api/v2/organizations/{organizationId}/domains", "listOrganizationDomains")
    def list(
        self,
        send: Sender,
        organization_id: str,
        *,
        limit: PageLimit | None = None,
        cursor: str | None = None,
        sort_by: Literal["domain"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Pages[OrganizationDomain]:
        """List the domains that an organization claims; none without the Enterprise plan.

        Args:
            sort_order: Default ``asc``.

        Raises:
            PermissionDeniedError: The caller is no member of the organization, or uses a workspace key.
        """
        return send.pages(OrganizationDomain)

    @endpoint("POST", "/api/v2/organizations/{organizationId}/domains", "addOrganizationDomain")
    def add(self, send: Sender, organization_id: str, *, domain: str) -> Flow[OrganizationDomain]:
        """Claim a domain, or retrieve the claim that exists. Its TXT record proves it: see ``verify``.

        Raises:
            ConflictError: Another organization has proved its claim to this domain.

        Example:
            >>> claim = client.v2.organizations.domains.add("org-id", domain="example.org")  # doctest: +SKIP
            >>> print(claim.challenge_host, "TXT", claim.txt_record_value)  # doctest: +SKIP
        """
        return send.one(OrganizationDomain)

    @endpoint("POST", "/api/v2/organizations/{organizationId}/domains/{domainId}/verify", "verifyOrganizationDomain")
    def verify(self, send: Sender, organization_id: str, domain_id: str) -> Flow[OrganizationDomain]:
        """Let Sim look for the TXT record, so that the identity providers of the domain can be used.

        Raises:
            NotFoundError: The organization has no claim with this id.
            InvalidRequestError: The record was not found; a new one may be visible only after hours.
            ConflictError: Another organization has proved its claim to this domain.
        """
        return send.one(OrganizationDomain)

    @endpoint("DELETE", "/api/v2/organizations/{organizationId}/domains/{domainId}", "removeOrganizationDomain")
    def remove(self, send: Sender, organization_id: str, domain_id: str) -> Flow[Deleted]:
        """Give up a domain. Its identity providers can no longer be used; accounts and memberships stay.

        Raises:
            NotFoundError: The organization has no claim with this id.
        """
        return send.one(Deleted)
