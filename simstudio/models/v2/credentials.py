"""Credentials: accounts at other services that workflows use."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

import attrs

from simstudio.core.model import Model, model

OAuthProvider: TypeAlias = Literal[
    "quickbooks", "github-repositories", "google-email", "google-drive", "google-docs", "google-sheets",
    "google-forms", "google-calendar", "google-contacts", "google-ads", "google-bigquery", "google-tasks",
    "google-vault", "google-groups", "google-chat", "google-meet", "vertex-ai", "microsoft-ad", "microsoft-dataverse",
    "microsoft-excel", "microsoft-planner", "microsoft-teams", "microsoft-word", "outlook", "onedrive", "sharepoint",
    "x", "tiktok", "confluence", "jira", "airtable", "bitbucket", "notion", "clickup", "linear", "manageengine-sdp",
    "monday", "box", "dropbox", "shopify", "slack", "reddit", "wealthbox", "webflow", "trello", "asana", "attio",
    "calcom", "docusign", "pipedrive", "hubspot", "linkedin", "instagram", "salesforce", "salesforce-sandbox",
    "zoho-desk", "zoom", "wordpress", "spotify",
]  # fmt: skip
"""The services that a person signs in to in a browser."""


class OAuthClientConfig(TypedDict):
    """Your own OAuth client at a provider."""

    clientId: str
    clientSecret: str
    environment: Literal["sandbox", "production"]
    webhookVerifierToken: str


@model
class Credential(Model):
    """An account at another service. The server never sends its secrets.

    Attributes:
        type: ``oauth`` or ``service_account``.
        has_service_account_key: Whether the key of a service account is stored.
        role: The caller's role: ``admin`` or ``member``.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        provider_id: The service, such as ``google-email``.
        account_id: None of a service account.
    """

    id: str
    type: str
    display_name: str
    has_service_account_key: bool
    role: str
    created_at: str
    updated_at: str
    description: str | None = None
    provider_id: str | None = None
    account_id: str | None = None


@model
class CredentialConnection(Model):
    """An address at which a person signs in to a service.

    Attributes:
        authorization_url: Whoever opens it connects an account; the repr of the model leaves it out.
        expires_at: ISO 8601, 15 minutes after the call.
    """

    authorization_url: str = attrs.field(repr=False)
    expires_at: str


@model
class AuthorizationOption(Model):
    """One way to sign in to a service.

    Attributes:
        provider_id: For ``client.v2.credentials.connections.create``.
    """

    provider_id: str
    label: str


@model
class CredentialFieldOption(Model):
    """One of the values that a field accepts."""

    value: str
    label: str


@model
class CredentialField(Model):
    """A value that a service account needs.

    Attributes:
        id: Key in ``credentials`` of ``client.v2.credentials.create``.
        secret: Whether the server never sends the value back.
        multiline: Whether the value may have several lines.
        required_for_auth_methods: Methods of authentication that need the value.
        options: None if the field accepts any text.
    """

    id: str
    label: str
    placeholder: str
    required: bool
    secret: bool
    multiline: bool
    required_for_auth_methods: list[str] | None = None
    options: list[CredentialFieldOption] | None = None
    hint: str | None = None


@model
class CredentialProvider(Model):
    """A service to which credentials belong, and how they are made.

    Attributes:
        type: ``oauth`` (a person signs in) or ``service_account`` (values are given).
        available: Whether the caller can connect it on this server and in this workspace.
        supports_reconnect: Whether a person can sign in again; only of ``oauth``.
        authorization_options: Ways to sign in; only of ``oauth``.
        fields: Values that a service account needs; None on older servers of ``oauth``.
        provider_id: For ``client.v2.credentials.create``; only of ``service_account``.
        docs_url: Documentation; only of ``service_account``.
        requires_client_generated_credential_id: Whether ``create`` needs an ``id``; only of ``service_account``.
    """

    type: str
    service_id: str
    name: str
    description: str
    provider_family: str
    available: bool
    supports_reconnect: bool | None = None
    authorization_options: list[AuthorizationOption] | None = None
    fields: list[CredentialField] | None = None
    provider_id: str | None = None
    docs_url: str | None = None
    help_text: str | None = None
    requires_client_generated_credential_id: bool | None = None


@model
class CredentialMember(Model):
    """A person who may use a credential.

    Attributes:
        role: ``admin`` or ``member``.
    """

    user_id: str
    role: str


@model
class UpsertedCredentialMember(CredentialMember):
    """A person who may use a credential from now on.

    Attributes:
        created: Whether the person could not use it before.
    """

    created: bool = attrs.field(kw_only=True)


@model
class RemovedCredentialMember(Model):
    """A person who may no longer use a credential.

    Attributes:
        revoked: True.
    """

    user_id: str
    revoked: bool
