"""``client.v2.organizations.sso``: single sign-on of an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.sso import SsoPolicy
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.organization_sso_providers import SsoProviders


class OrganizationSso(APIResource[M]):
    """Single sign-on of an organization. Known from Sim's documents only."""

    _evidence = "documented"

    @namespace
    def providers(self) -> SsoProviders[M]:
        """Identity providers."""
        from simstudio.resources.v2.organization_sso_providers import SsoProviders

        return SsoProviders(self._context, f"{self._name}.providers")

    @endpoint("GET", "/api/v2/organizations/{organizationId}/sso/policy", "getSsoPolicy")
    def policy(self, send: Sender, organization_id: str) -> Flow[SsoPolicy]:
        """Retrieve whether members must use single sign-on.

        Raises:
            PermissionDeniedError: The caller is no member of the organization, or uses a workspace key.
        """
        return send.one(SsoPolicy)

    @endpoint("PATCH", "/api/v2/organizations/{organizationId}/sso/policy", "updateSsoPolicy")
    def update_policy(self, send: Sender, organization_id: str, *, require_sso: bool) -> Flow[SsoPolicy]:
        """Require single sign-on for future sign-ins, or stop to. Present sessions go on.

        Args:
            require_sso: True needs a provider with a verified domain, and a plan with single sign-on.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin, or the plan lacks single
                sign-on.
        """
        return send.one(SsoPolicy)
