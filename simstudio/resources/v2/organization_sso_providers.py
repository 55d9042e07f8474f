"""``client.v2.organizations.sso.providers``: the identity providers of an organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import items, length, secret
from simstudio.core.resource import APIResource
from simstudio.models.v2.sso import DeletedSsoProvider, PrimarySsoProvider, SavedSsoProvider, SsoMapping, SsoProvider
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow


class SsoProviders(APIResource[M]):
    """Identity providers of an organization. Known from Sim's documents only.

    All operations need the personal key of an organization admin.
    """

    _evidence = "documented"

    @paged("GET", "/api/v2/organizations/{organizationId}/sso/providers", "listSsoProviders")
    def list(
        self,
        send: Sender,
        organization_id: str,
        *,
        limit: PageLimit | None = None,
        cursor: str | None = None,
        sort_by: Literal["providerId", "domain"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Pages[SsoProvider]:
        """List the identity providers of an organization, without their secrets.

        Args:
            sort_by: Default ``providerId``.
            sort_order: Default ``asc``.
        """
        return send.pages(SsoProvider)

    @endpoint("POST", "/api/v2/organizations/{organizationId}/sso/providers", "saveSsoProvider")
    def save(
        self,
        send: Sender,
        organization_id: str,
        *,
        provider_type: Literal["oidc", "saml"],
        provider_id: Annotated[str, length(None, 255)],
        domain: Annotated[str, length(None, 255)],
        issuer: Annotated[str, length(None, 2048)],
        mapping: SsoMapping | Mapping[str, str] | Unset = UNSET,
        jit_provisioning_enabled: bool | Unset = UNSET,
        client_id: Annotated[str | Unset, length(None, 1024)] = UNSET,
        client_secret: Annotated[str | Unset, length(None, 8192), secret] = UNSET,
        scopes: Annotated[Sequence[str] | Unset, items(None, 50)] = UNSET,
        pkce: bool | Unset = UNSET,
        skip_user_info_endpoint: bool | Unset = UNSET,
        authorization_endpoint: str | Unset = UNSET,
        token_endpoint: str | Unset = UNSET,
        user_info_endpoint: str | Unset = UNSET,
        jwks_endpoint: str | Unset = UNSET,
        entry_point: str | Unset = UNSET,
        cert: Annotated[str | Unset, length(None, 65_536), secret] = UNSET,
        callback_url: str | Unset = UNSET,
        audience: str | Unset = UNSET,
        want_assertions_signed: bool | Unset = UNSET,
        signature_algorithm: str | Unset = UNSET,
        digest_algorithm: str | Unset = UNSET,
        identifier_format: str | Unset = UNSET,
        idp_metadata: Annotated[str | Unset, length(None, 102_400), secret] = UNSET,
    ) -> Flow[SavedSsoProvider]:
        """Create an identity provider, or replace the configuration of the one with this id.

        OIDC takes the arguments from ``client_id`` to ``jwks_endpoint``, SAML those after them. A SAML setting that is
        left out keeps its value, but ``identifier_format`` and ``idp_metadata`` are removed. The client secret and
        the certificates appear in no error.

        Args:
            provider_id: Id of your choice, unique on the server.
            domain: Verified domain of the organization.
            issuer: URL of the provider.
            mapping: Claims that hold a user's data; default ``sub``, ``email``, ``name`` and ``picture``.
            jit_provisioning_enabled: Let users who sign in become members; default True.
            client_id: Required for OIDC.
            client_secret: Required for OIDC; the placeholder in ``oidc_config`` keeps the present secret.
            scopes: Default ``openid``, ``profile`` and ``email``.
            pkce: Default True.
            skip_user_info_endpoint: Read the claims from the ID token only; default False.
            authorization_endpoint: URL; this one and the next three default to what the issuer publishes.
            entry_point: URL of the provider's sign-in page; required for SAML.
            cert: Certificate with which the provider signs; required for SAML.
            callback_url: Default: an address of Sim.
            identifier_format: NameID format.
            idp_metadata: The provider's metadata, XML.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin, the plan lacks single
                sign-on, or the domain is not verified.
            ConflictError: The id is taken, or accounts are linked to an identity that would change.
        """
        return send.one(SavedSsoProvider)

    @endpoint("GET", "/api/v2/organizations/{organizationId}/sso/providers/{providerId}", "getSsoProvider")
    def get(self, send: Sender, organization_id: str, provider_id: str) -> Flow[SsoProvider]:
        """Retrieve one identity provider, without its secrets.

        Raises:
            NotFoundError: The organization has no provider with this id.
        """
        return send.one(SsoProvider)

    @endpoint("DELETE", "/api/v2/organizations/{organizationId}/sso/providers/{providerId}", "deleteSsoProvider")
    def delete(self, send: Sender, organization_id: str, provider_id: str) -> Flow[DeletedSsoProvider]:
        """Delete an identity provider. Accounts, memberships and sessions stay.

        Users of the domain sign in with another verified provider, if there is one.

        Raises:
            NotFoundError: The organization has no provider with this id.
        """
        return send.one(DeletedSsoProvider)

    @endpoint(
        "POST", "/api/v2/organizations/{organizationId}/sso/providers/{providerId}/primary", "setPrimarySsoProvider"
    )
    def set_primary(self, send: Sender, organization_id: str, provider_id: str) -> Flow[PrimarySsoProvider]:
        """Let the users of a domain sign in with this provider, whose domain must be verified.

        Raises:
            NotFoundError: The organization has no provider with this id.
        """
        return send.one(PrimarySsoProvider)
