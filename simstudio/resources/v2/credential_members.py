"""``client.v2.credentials.members``: the people who may use a credential."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.credentials import CredentialMember, RemovedCredentialMember, UpsertedCredentialMember
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow


class CredentialMembers(APIResource[M]):
    """The people who may use a credential. Needs a personal key.

    Known from Sim's documents only; servers of August 2026 have none of these operations.
    """

    _evidence = "documented"

    @paged("GET", "/api/v2/credentials/{credentialId}/members", "listCredentialMembers")
    def list(
        self, send: Sender, credential_id: str, *, limit: PageLimit | None = None, cursor: str | None = None
    ) -> Pages[CredentialMember]:
        """List the people who may use a credential.

        Raises:
            NotFoundError: No credential has this id, or the API key may not see it.
        """
        return send.pages(CredentialMember)

    @endpoint("POST", "/api/v2/credentials/{credentialId}/members", "upsertCredentialMember")
    def upsert(
        self, send: Sender, credential_id: str, *, user_id: str, role: Literal["admin", "member"]
    ) -> Flow[UpsertedCredentialMember]:
        """Allow a person to use a credential, or change the person's role.

        Raises:
            NotFoundError: No credential or no person has this id.
            PermissionDeniedError: The key is a workspace key, or the caller is no admin of the credential.
        """
        return send.one(UpsertedCredentialMember)

    @endpoint("DELETE", "/api/v2/credentials/{credentialId}/members/{userId}", "removeCredentialMember")
    def remove(self, send: Sender, credential_id: str, user_id: str) -> Flow[RemovedCredentialMember]:
        """Take a credential from a person.

        Raises:
            ConflictError: The credential would be without an admin.
            NotFoundError: No credential has this id, or the person is no member of it.
        """
        return send.one(RemovedCredentialMember)
