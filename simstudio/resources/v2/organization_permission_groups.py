"""``client.v2.organizations.permission_groups``: what members may use in an organization's workspaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource, namespace
from simstudio.models.v2.deleted import Deleted
from simstudio.models.v2.permission_groups import PermissionGroup, PermissionGroupSettings
from simstudio.resources.parameters import PageLimit, Search
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.organization_permission_group_members import PermissionGroupMembers


class PermissionGroups(APIResource[M]):
    """Permission groups of an organization. Known from Sim's documents only.

    All operations need Access Control (Enterprise plan) and the personal key of an organization admin. Two groups
    conflict if both apply to all members, or to the same member, in the same workspace.
    """

    _evidence = "documented"

    @namespace
    def members(self) -> PermissionGroupMembers[M]:
        """Members of a group."""
        from simstudio.resources.v2.organization_permission_group_members import PermissionGroupMembers

        return PermissionGroupMembers(self._context, f"{self._name}.members")

    @paged("GET", "/api/v2/organizations/{organizationId}/permission-groups", "listPermissionGroups")
    def list(
        self,
        send: Sender,
        organization_id: str,
        *,
        search: Search | None = None,
        sort_by: Literal["name", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[PermissionGroup]:
        """List the permission groups of an organization.

        Args:
            search: Part of the name, in any case.
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
        """
        return send.pages(PermissionGroup)

    @endpoint("POST", "/api/v2/organizations/{organizationId}/permission-groups", "createPermissionGroup")
    def create(
        self,
        send: Sender,
        organization_id: str,
        *,
        name: str,
        description: str | Unset = UNSET,
        config: PermissionGroupSettings | Mapping[str, Any] | Unset = UNSET,
        is_default: bool | Unset = UNSET,
        workspace_ids: Sequence[str] | Unset = UNSET,
    ) -> Flow[PermissionGroup]:
        """Create a permission group. Until it has members it applies to everyone in its workspaces.

        Args:
            config: Settings that differ from the default, which allows everything.
            is_default: Apply to all members in all workspaces, in place of the present default group, which then
                applies nowhere; default False.
            workspace_ids: Workspaces in which the group applies; required unless ``is_default``.

        Raises:
            ConflictError: The name is taken, or the group conflicts with another.

        Example:
            >>> client.v2.organizations.permission_groups.create(  # doctest: +SKIP
            ...     "org-id", name="Guests", config={"hideTablesTab": True}, workspace_ids=["workspace-id"]
            ... )
        """
        return send.one(PermissionGroup)

    @endpoint("GET", "/api/v2/organizations/{organizationId}/permission-groups/{groupId}", "getPermissionGroup")
    def get(self, send: Sender, organization_id: str, group_id: str) -> Flow[PermissionGroup]:
        """Retrieve one permission group.

        Raises:
            NotFoundError: The organization has no group with this id.
        """
        return send.one(PermissionGroup)

    @endpoint("PATCH", "/api/v2/organizations/{organizationId}/permission-groups/{groupId}", "updatePermissionGroup")
    def update(
        self,
        send: Sender,
        organization_id: str,
        group_id: str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        config: PermissionGroupSettings | Mapping[str, Any] | Unset = UNSET,
        is_default: bool | Unset = UNSET,
        workspace_ids: Sequence[str] | Unset = UNSET,
    ) -> Flow[PermissionGroup]:
        """Change a permission group. Parameters that are left out stay unchanged.

        Args:
            description: None removes it.
            config: Settings to change; the others stay. A list replaces the present list.
            is_default: True takes the place of the present default group, which then applies nowhere. False without
                ``workspace_ids`` leaves the group without effect.

        Raises:
            NotFoundError: The organization has no group with this id.
            ConflictError: The name is taken, or the group conflicts with another.
        """
        return send.one(PermissionGroup)

    @endpoint("DELETE", "/api/v2/organizations/{organizationId}/permission-groups/{groupId}", "deletePermissionGroup")
    def delete(self, send: Sender, organization_id: str, group_id: str) -> Flow[Deleted]:
        """Delete a permission group for good. Other groups continue to apply to its members.

        Raises:
            NotFoundError: The organization has no group with this id.
        """
        return send.one(Deleted)
