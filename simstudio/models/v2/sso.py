"""Single sign-on of an organization: domains, identity providers, and the policy that requires it."""

from __future__ import annotations

from typing import Any, TypedDict

import attrs

from simstudio.core.model import Model, model


class SsoMapping(TypedDict, total=False):
    """The claims of an identity provider that hold a user's id, address, name and picture."""

    id: str
    email: str
    name: str
    image: str


@model
class SsoProvider(Model):
    """An identity provider. ``repr`` leaves out its configuration.

    Attributes:
        id: Id of the record; operations take ``provider_id``.
        provider_type: ``oidc`` or ``saml``.
        domain: Domain of the users' e-mail addresses.
        domain_key: Domain in normal form.
        issuer: URL of the provider.
        jit_provisioning_enabled: Whether a user who signs in becomes a member of the organization.
        domain_verified: Whether the organization's claim to the domain is verified.
        is_primary: Whether users of the domain sign in with this provider.
        oidc_config: JSON object, or its text, without the client secret; None for SAML.
        saml_config: JSON object, or its text, without private keys; None for OIDC.
    """

    id: str
    provider_id: str
    provider_type: str
    domain: str
    domain_key: str
    issuer: str
    jit_provisioning_enabled: bool
    domain_verified: bool
    is_primary: bool
    oidc_config: dict[str, Any] | str | None = attrs.field(default=None, repr=False)
    saml_config: dict[str, Any] | str | None = attrs.field(default=None, repr=False)


@model
class SavedSsoProvider(Model):
    """The response to the configuration of an identity provider.

    Attributes:
        provider_type: ``oidc`` or ``saml``.
        created: Whether the provider is new.
    """

    provider_id: str
    provider_type: str
    created: bool


@model
class DeletedSsoProvider(Model):
    """The response to the deletion of an identity provider.

    Attributes:
        deleted: True.
    """

    provider_id: str
    deleted: bool


@model
class PrimarySsoProvider(Model):
    """The identity provider with which the users of a domain sign in."""

    provider_id: str
    domain: str


@model
class SsoPolicy(Model):
    """Whether the members of an organization must use single sign-on.

    Attributes:
        require_sso: Setting of the organization.
        has_verified_provider: Whether there is a provider with a verified domain.
        is_enforced: Whether sign-ins without single sign-on are refused at present.
    """

    require_sso: bool
    has_verified_provider: bool
    is_enforced: bool


@model
class OrganizationDomain(Model):
    """A domain that an organization claims.

    Attributes:
        status: ``pending`` or ``verified``.
        challenge_host: DNS name of the TXT record that proves the claim.
        verified_at: ISO 8601; None while the claim is pending.
        txt_record_value: Value of the TXT record; only an admin gets it, and only while the claim is pending.
    """

    id: str
    domain: str
    status: str
    challenge_host: str
    verified_at: str | None = None
    txt_record_value: str | None = None
