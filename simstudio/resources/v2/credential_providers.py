"""``client.v2.credentials.providers``: services that can be connected."""

from __future__ import annotations

from simstudio.core.endpoint import Sender, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.credentials import CredentialProvider
from simstudio.resources.parameters import Search, WorkspaceId


class CredentialProviders(APIResource[M]):
    """Services that can be connected."""

    @paged("GET", "/api/v2/credentials/providers", "listCredentialProviders")
    def list(
        self, send: Sender, workspace_id: WorkspaceId, *, search: Search | None = None
    ) -> Pages[CredentialProvider]:
        """List the services that can be connected, all in one page.

        Args:
            search: Part of the name.
        """
        return send.pages(CredentialProvider)
