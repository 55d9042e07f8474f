"""``client.v2.secrets``: secrets of a workspace and of the caller."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import secret
from simstudio.core.resource import APIResource
from simstudio.models.v2.secrets import DeletedSecret, Secret
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
from simstudio.transport.flow import Flow

Scope: TypeAlias = Literal["workspace", "personal"]


class Secrets(APIResource[M]):
    """Secrets that workflows use: those of a workspace, and the caller's own in all workspaces.

    Needs a personal key. The server never sends a value back, and no error of this package shows one.
    """

    @paged("GET", "/api/v2/secrets", "listSecrets")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        scope: Scope | None = None,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[Secret]:
        """List the secrets of a workspace and the caller's own. A name that both scopes have is listed twice.

        Args:
            scope: Only secrets of the workspace, or only the caller's own.
            search: Part of the name.
            sort_by: Default ``name``.
            sort_order: Default ``asc``.
        """
        return send.pages(Secret)

    @endpoint("PUT", "/api/v2/secrets/{name}", "setSecret")
    def set(
        self,
        send: Sender,
        name: str,
        *,
        workspace_id: WorkspaceId,
        scope: Scope,
        value: Annotated[str | Unset, secret] = UNSET,
        description: str | Unset | None = UNSET,
        unredacted: bool | Unset = UNSET,
    ) -> Flow[Secret]:
        """Create a secret, or change the one that has this name in this scope.

        Args:
            name: 1 to 255 letters, digits and underscores.
            value: 1 to 65,536 characters. Servers of August 2026 require it, also for a new description.
            description: Purpose of the secret; None clears it. Not for personal secrets.
            unredacted: Whether the value can be read. Not for personal secrets, and unknown to servers of August 2026.

        Raises:
            PermissionDeniedError: The key is a workspace key, or the caller may only read.

        Example:
            >>> call = {"workspace_id": "workspace-id", "scope": "workspace"}
            >>> client.v2.secrets.set("CRM_TOKEN", value=os.environ["CRM_TOKEN"], **call)  # doctest: +SKIP
        """
        return send.one(Secret)

    @endpoint("DELETE", "/api/v2/secrets/{name}", "deleteSecret")
    def delete(self, send: Sender, name: str, *, workspace_id: WorkspaceId, scope: Scope) -> Flow[DeletedSecret]:
        """Delete a secret. A personal one is gone in all workspaces.

        Raises:
            NotFoundError: No secret has this name in this scope.
            PermissionDeniedError: The key is a workspace key, or the caller is no admin of the secret.
        """
        return send.one(DeletedSecret)
