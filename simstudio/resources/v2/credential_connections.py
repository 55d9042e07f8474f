"""``client.v2.credentials.connections``: addresses at which people sign in to a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import secret
from simstudio.core.resource import APIResource
from simstudio.models.v2.credentials import CredentialConnection, OAuthClientConfig, OAuthProvider
from simstudio.resources.parameters import WorkspaceId
from simstudio.transport.flow import Flow


class CredentialConnections(APIResource[M]):
    """Addresses at which people sign in to a service. Needs a personal key."""

    @endpoint("POST", "/api/v2/credentials/connections", "createCredentialConnection")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        display_name: str | Unset = UNSET,
        provider_id: OAuthProvider | Unset = UNSET,
        oauth_client_config: Annotated[OAuthClientConfig | Mapping[str, str] | Unset, secret] = UNSET,
        credential_id: str | Unset = UNSET,
    ) -> Flow[CredentialConnection]:
        """Make an address at which the owner of the API key signs in to a service, in a browser.

        Give ``provider_id`` and ``display_name`` for a new credential, or ``credential_id`` alone to sign in again.

        Args:
            provider_id: From ``authorization_options`` of a provider.
            oauth_client_config: Your own OAuth client, for providers that need one; unknown to servers of August 2026.

        Raises:
            ConflictError: The server does not offer the provider.
            InvalidRequestError: The arguments do not go together, or no provider has this id.
            NotFoundError: The workspace has no credential with this id.

        Example:
            >>> new = {"provider_id": "google-email", "display_name": "Support inbox"}
            >>> link = client.v2.credentials.connections.create("workspace-id", **new)  # doctest: +SKIP
            >>> webbrowser.open(link.authorization_url)  # doctest: +SKIP
        """
        return send.one(CredentialConnection)
