"""``client.v2.organizations.permission_groups.members``: members of a permission group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.organizations import DeletedMember
from simstudio.models.v2.permission_groups import AddedMembers, PermissionGroupAssignment, PermissionGroupMember
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow


class PermissionGroupMembers(APIResource[M]):
    """Members of a permission group. Known from Sim's documents only.

    All operations need Access Control (Enterprise plan) and the personal key of an organization admin, and answer 404
    (:class:`~simstudio.NotFoundError`) if the organization has no group with this id.
    """

    _evidence = "documented"

    @paged(
        "GET",
        "/api/v2/organizations/{organizationId}/permission-groups/{groupId}/members",
        "listPermissionGroupMembers",
    )
    def list(
        self,
        send: Sender,
        organization_id: str,
        group_id: str,
        *,
        sort_by: Literal["assignedAt", "userId"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[PermissionGroupMember]:
        """List the members that were assigned to a group, not those to whom an empty group applies.

        Args:
            sort_by: Default ``assignedAt``.
            sort_order: Default ``asc``.
        """
        return send.pages(PermissionGroupMember)

    @endpoint(
        "POST", "/api/v2/organizations/{organizationId}/permission-groups/{groupId}/members", "addPermissionGroupMember"
    )
    def add(
        self, send: Sender, organization_id: str, group_id: str, *, user_id: str
    ) -> Flow[PermissionGroupAssignment]:
        """Assign a member of the organization to a group.

        Raises:
            ConflictError: The member belongs to this group, or to another one in the same workspace.
        """
        return send.one(PermissionGroupAssignment)

    @endpoint(
        "POST",
        "/api/v2/organizations/{organizationId}/permission-groups/{groupId}/members/bulk",
        "bulkAddPermissionGroupMembers",
    )
    def bulk_add(
        self,
        send: Sender,
        organization_id: str,
        group_id: str,
        *,
        user_ids: Sequence[str] | Unset = UNSET,
        add_all_organization_members: bool | Unset = UNSET,
    ) -> Flow[AddedMembers]:
        """Assign many members to a group, all or none of them. Give one of the two arguments.

        Args:
            user_ids: At most 1,000; users who are no members of the organization are ignored.
            add_all_organization_members: True assigns everyone.

        Raises:
            ConflictError: A member belongs to another group in the same workspace; no member was assigned.
        """
        return send.one(AddedMembers)

    @endpoint(
        "DELETE",
        "/api/v2/organizations/{organizationId}/permission-groups/{groupId}/members/{userId}",
        "removePermissionGroupMember",
    )
    def remove(self, send: Sender, organization_id: str, group_id: str, user_id: str) -> Flow[DeletedMember]:
        """Remove a member from a group. A group that has no members left applies to everyone in its workspaces.

        Raises:
            ConflictError: The last member was to be removed, and another group applies to everyone there.
        """
        return send.one(DeletedMember)
