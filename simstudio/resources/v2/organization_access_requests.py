"""``client.v2.organizations.access_requests``: requests of members for access, and their resolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.access_requests import (
    AccessItem,
    AccessKind,
    AccessRequest,
    AccessRequestPreview,
    AccessRequestSettings,
    AccessRequestStatus,
    AccessState,
    AccessTarget,
)
from simstudio.resources.parameters import PageLimit, Search
from simstudio.transport.flow import Flow


class OrganizationAccessRequests(APIResource[M]):
    """Requests of members for access. Known from Sim's documents only.

    Members make requests, for themselves (``discover``, ``create``, ``mine``, ``cancel``); admins look at them and
    resolve them (``list``, ``preview``, ``resolve``). An organization may have switched them off.
    """

    _evidence = "documented"

    @paged("GET", "/api/v2/organizations/{organizationId}/access-requests", "listOrganizationAccessRequests")
    def list(
        self,
        send: Sender,
        organization_id: str,
        *,
        status: AccessRequestStatus | None = None,
        sort_by: Literal["createdAt", "targetLabel"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
        search: Search | None = None,
    ) -> Pages[AccessRequest]:
        """List the requests of all members.

        Args:
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
            search: Part of the target's label, or of the requester's name or address, in any case.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin.
        """
        return send.pages(AccessRequest)

    @paged("GET", "/api/v2/organizations/{organizationId}/access-requests/mine", "listMyOrganizationAccessRequests")
    def mine(
        self,
        send: Sender,
        organization_id: str,
        *,
        status: AccessRequestStatus | None = None,
        sort_by: Literal["createdAt", "targetLabel"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[AccessRequest]:
        """List the caller's own requests that belong to no workspace, resolved ones as well.

        Args:
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(AccessRequest)

    @paged(
        "GET", "/api/v2/organizations/{organizationId}/access-requests/discovery", "discoverOrganizationAccessRequests"
    )
    def discover(
        self,
        send: Sender,
        organization_id: str,
        *,
        search: Search | None = None,
        target_kind: AccessKind | None = None,
        state: AccessState | None = None,
        sort_by: Literal["label"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[AccessItem]:
        """List what the caller can use, or request to use; empty while requests are switched off.

        Args:
            search: Part of the label, in any case.
            sort_order: Default ``asc``.
        """
        return send.pages(AccessItem)

    @endpoint("POST", "/api/v2/organizations/{organizationId}/access-requests", "createOrganizationAccessRequest")
    def create(
        self,
        send: Sender,
        organization_id: str,
        *,
        target: AccessTarget | Mapping[str, Any],
        reason: str | Unset = UNSET,
    ) -> Flow[AccessRequest]:
        """Request access for the caller, or return the caller's open request for the same target.

        Args:
            target: Target of an item of ``discover`` whose state is ``requestable``.

        Returns:
            The request; ``closed`` if the caller has the access already.

        Example:
            >>> item = next(iter(client.v2.organizations.access_requests.discover("org-id")))  # doctest: +SKIP
            >>> client.v2.organizations.access_requests.create("org-id", target=item.target)  # doctest: +SKIP
        """
        return send.one(AccessRequest)

    @endpoint(
        "POST",
        "/api/v2/organizations/{organizationId}/access-requests/{requestId}/cancel",
        "cancelOrganizationAccessRequest",
    )
    def cancel(self, send: Sender, organization_id: str, request_id: str) -> Flow[AccessRequest]:
        """Cancel an open request of the caller. A request that is not open comes back unchanged.

        Raises:
            NotFoundError: The caller has no request with this id outside of workspaces.
        """
        return send.one(AccessRequest)

    @endpoint(
        "GET",
        "/api/v2/organizations/{organizationId}/access-requests/{requestId}/preview",
        "previewOrganizationAccessRequest",
    )
    def preview(self, send: Sender, organization_id: str, request_id: str) -> Flow[AccessRequestPreview]:
        """Retrieve what would change, and for whom, if a request were granted.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin.
            NotFoundError: The organization has no request with this id.
        """
        return send.one(AccessRequestPreview)

    @endpoint(
        "POST",
        "/api/v2/organizations/{organizationId}/access-requests/{requestId}/resolve",
        "resolveOrganizationAccessRequest",
    )
    def resolve(
        self,
        send: Sender,
        organization_id: str,
        request_id: str,
        *,
        action: Literal["apply", "decline"],
        expected_fingerprint: str | Unset = UNSET,
        new_limit_credits: int | Unset = UNSET,
        reason: str | Unset = UNSET,
    ) -> Flow[AccessRequest]:
        """Grant or decline a request. Granting changes the permission group, and so the access of all its members.

        A request that is not open comes back unchanged.

        Args:
            expected_fingerprint: ``fingerprint`` of ``preview``; required with ``apply``.
            new_limit_credits: Credit limit above the present one; required with ``apply`` for a ``usage_limit``, and
                allowed for nothing else.
            reason: Explanation for the requester; required with ``decline``, and allowed only there.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin.
            NotFoundError: The organization has no request with this id.
            ConflictError: The group or limit changed after ``preview``.
        """
        return send.one(AccessRequest)

    @endpoint(
        "GET", "/api/v2/organizations/{organizationId}/access-requests/settings", "getOrganizationAccessRequestSettings"
    )
    def settings(self, send: Sender, organization_id: str) -> Flow[AccessRequestSettings]:
        """Retrieve whether the organization allows requests.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin.
        """
        return send.one(AccessRequestSettings)

    @endpoint(
        "PATCH",
        "/api/v2/organizations/{organizationId}/access-requests/settings",
        "updateOrganizationAccessRequestSettings",
    )
    def update_settings(
        self, send: Sender, organization_id: str, *, allow_requests: bool
    ) -> Flow[AccessRequestSettings]:
        """Switch requests on or off.

        Args:
            allow_requests: False stops new requests and grants; requests can still be cancelled and declined.

        Raises:
            PermissionDeniedError: The key is not the personal key of an organization admin.
        """
        return send.one(AccessRequestSettings)
