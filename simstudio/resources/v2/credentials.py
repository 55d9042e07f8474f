"""``client.v2.credentials``: accounts at other services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import query, secret
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.credentials import Credential
from simstudio.models.v2.deleted import Deleted
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.credential_connections import CredentialConnections
    from simstudio.resources.v2.credential_members import CredentialMembers
    from simstudio.resources.v2.credential_providers import CredentialProviders


class Credentials(APIResource[M]):
    """Accounts at other services that the tools of a workspace use. Changes need a personal key.

    The server never sends secrets back, and no error of this package shows one.
    """

    @namespace
    def connections(self) -> CredentialConnections[M]:
        """Addresses at which people sign in to a service."""
        from simstudio.resources.v2.credential_connections import CredentialConnections

        return CredentialConnections(self._context, f"{self._name}.connections")

    @namespace
    def providers(self) -> CredentialProviders[M]:
        """Services that can be connected."""
        from simstudio.resources.v2.credential_providers import CredentialProviders

        return CredentialProviders(self._context, f"{self._name}.providers")

    @namespace
    def members(self) -> CredentialMembers[M]:
        """People who may use a credential."""
        from simstudio.resources.v2.credential_members import CredentialMembers

        return CredentialMembers(self._context, f"{self._name}.members")

    @paged("GET", "/api/v2/credentials", "listCredentials")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        type: Literal["oauth", "service_account"] | None = None,
        provider_id: str | None = None,
        search: Search | None = None,
        sort_by: Literal["displayName", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[Credential]:
        """List the credentials of a workspace that the caller may use.

        Args:
            provider_id: Only credentials of this service, such as ``google-email``.
            search: Part of the name.
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(Credential)

    @endpoint("POST", "/api/v2/credentials", "createServiceAccountCredential")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        type: Literal["service_account"],
        provider_id: str,
        credentials: Annotated[str, secret],
        display_name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        id: str | Unset = UNSET,
    ) -> Flow[Credential]:
        """Store a service account. The same account again gives the credential that exists.

        Args:
            provider_id: ``provider_id`` of a provider whose ``type`` is ``service_account``.
            credentials: The provider's ``fields`` as the text of a JSON object, up to 65,536 characters.
            display_name: Up to 255 characters; default: from the account.
            id: Your own id, if ``requires_client_generated_credential_id`` of the provider.

        Raises:
            ConflictError: The server does not offer the provider.
            InvalidRequestError: A field is missing, or the provider refuses the account.
            PermissionDeniedError: The key is a workspace key, or the caller may only read.
            ServerError: The provider could not be reached to check the account (503).

        Example:
            >>> account = {"serviceAccountJson": Path("key.json").read_text()}  # doctest: +SKIP
            >>> new = {"type": "service_account", "provider_id": "google-service-account"}
            >>> client.v2.credentials.create("workspace-id", credentials=json.dumps(account), **new)  # doctest: +SKIP
        """
        return send.one(Credential)

    @endpoint("PATCH", "/api/v2/credentials/{credentialId}", "updateCredential")
    def update(
        self,
        send: Sender,
        credential_id: str,
        *,
        workspace_id: Annotated[WorkspaceId, query],
        display_name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        service_account_json: Annotated[str | Unset, secret] = UNSET,
        api_token: Annotated[str | Unset, secret] = UNSET,
        domain: str | Unset = UNSET,
        atlassian_product: Literal["jira", "confluence"] | Unset = UNSET,
        signing_secret: Annotated[str | Unset, secret] = UNSET,
        bot_token: Annotated[str | Unset, secret] = UNSET,
        client_id: str | Unset = UNSET,
        client_secret: Annotated[str | Unset, secret] = UNSET,
        certificate_id: str | Unset = UNSET,
        org_id: str | Unset = UNSET,
        data_center: str | Unset = UNSET,
        auth_method: str | Unset = UNSET,
        private_key: Annotated[str | Unset, secret] = UNSET,
        username: str | Unset = UNSET,
    ) -> Flow[Credential]:
        """Rename a credential, or replace the secrets of a service account. Its id stays, so workflows go on using it.

        The arguments after ``description`` are the fields of the provider (``client.v2.credentials.providers``). New
        secrets are checked with the provider first; if it refuses them, the old ones stay.

        Args:
            description: None clears it.
            atlassian_product: Unknown to servers of August 2026.

        Raises:
            InvalidRequestError: The credential has no such field, or the provider refuses the account.
            NotFoundError: The workspace has no credential with this id.
            PermissionDeniedError: The key is a workspace key, or the caller is no admin of the credential.
            ServerError: The provider could not be reached to check the account (503).
        """
        return send.one(Credential)

    @endpoint("DELETE", "/api/v2/credentials/{credentialId}", "deleteCredential")
    def delete(self, send: Sender, credential_id: str, *, workspace_id: WorkspaceId) -> Flow[Deleted]:
        """Delete a credential, and clear it where workflows, deployments and connectors use it.

        Raises:
            NotFoundError: The workspace has no credential with this id.
            PermissionDeniedError: The key is a workspace key, or the caller is no admin of the credential.
        """
        return send.one(Deleted)
