"""``client.v2.workspaces.access_requests`` and ``.permission_config``: what the caller may do in a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.access_requests import AccessItem, AccessRequest, AccessTarget
from simstudio.models.v2.workspaces import WorkspacePermissionConfig
from simstudio.resources.parameters import PageLimit, Search
from simstudio.transport.flow import Flow


class WorkspaceAccessRequests(APIResource[M]):
    """The caller's requests to use what a permission group does not allow.

    Known from Sim's documents only; needs a personal key.
    """

    _evidence = "documented"

    @paged("GET", "/api/v2/workspaces/{workspaceId}/access-requests", "listMyWorkspaceAccessRequests")
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        status: Literal["pending", "fulfilled", "declined", "cancelled", "closed"] | None = None,
        sort_by: Literal["createdAt", "targetLabel"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[AccessRequest]:
        """List the caller's requests in a workspace.

        Args:
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(AccessRequest)

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/access-requests", "createWorkspaceAccessRequest")
    def create(
        self,
        send: Sender,
        workspace_id: str,
        *,
        target: AccessTarget | Mapping[str, Any],
        reason: str | Unset = UNSET,
    ) -> Flow[AccessRequest]:
        """Ask the admins of the organization for access.

        Args:
            target: ``target`` of an item of :meth:`discover`.
            reason: Text for the admins.

        Raises:
            ConflictError: There is a pending request for this target.
            PermissionDeniedError: The organization takes no requests.

        Example:
            >>> slack = AccessTarget("integration", id="slack")  # doctest: +SKIP
            >>> client.v2.workspaces.access_requests.create("workspace-id", target=slack).status  # doctest: +SKIP
            'pending'
        """
        return send.one(AccessRequest)

    @paged("GET", "/api/v2/workspaces/{workspaceId}/access-requests/discovery", "discoverWorkspaceAccessRequests")
    def discover(
        self,
        send: Sender,
        workspace_id: str,
        *,
        search: Search | None = None,
        target_kind: Literal[
            "feature",
            "integration",
            "provider",
            "model",
            "tool",
            "knowledge_connector",
            "file_share_auth",
            "chat_deploy_auth",
            "usage_limit",
        ]
        | None = None,
        state: Literal["allowed", "requestable", "unavailable"] | None = None,
        sort_by: Literal["label"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[AccessItem]:
        """List the features of a workspace that the caller may use, and those that can be requested.

        Args:
            search: Part of the label.
            sort_order: Default ``asc``.
        """
        return send.pages(AccessItem)

    @endpoint(
        "POST", "/api/v2/workspaces/{workspaceId}/access-requests/{requestId}/cancel", "cancelWorkspaceAccessRequest"
    )
    def cancel(self, send: Sender, workspace_id: str, request_id: str) -> Flow[AccessRequest]:
        """Withdraw a request.

        Raises:
            ConflictError: The request is no longer pending.
            NotFoundError: The caller has no request with this id.
        """
        return send.one(AccessRequest)


class WorkspacePermissionConfigs(APIResource[M]):
    """Permissions of the caller in a workspace. Known from Sim's documents only; needs a personal key."""

    _evidence = "documented"

    @endpoint("GET", "/api/v2/workspaces/{workspaceId}/permission-config", "getWorkspacePermissionConfig")
    def get(self, send: Sender, workspace_id: str) -> Flow[WorkspacePermissionConfig]:
        """Retrieve the settings of the permission group that applies to the caller.

        Raises:
            NotFoundError: No workspace has this id, or the API key may not see it.
        """
        return send.one(WorkspacePermissionConfig)
