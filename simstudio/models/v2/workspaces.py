"""Workspaces, and the people who may use them."""

from __future__ import annotations

from simstudio.core.model import Model, model
from simstudio.models.v2.permission_groups import PermissionGroupConfig


@model
class Workspace(Model):
    """A workspace.

    Attributes:
        color: CSS color.
        member_count: Number of people who may use it.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        logo_url: None if it has no logo.
    """

    id: str
    name: str
    color: str
    member_count: int
    created_at: str
    updated_at: str
    logo_url: str | None = None


@model
class WorkspaceMember(Model):
    """A person who may use a workspace.

    Attributes:
        role: ``admin``, ``write`` or ``read``.
        is_external: Whether the person is no member of the workspace's organization.
        joined_at: ISO 8601.
        image: URL of the picture.
        user_id: None on servers of August 2026.
    """

    email: str
    name: str
    role: str
    is_external: bool
    joined_at: str
    image: str | None = None
    user_id: str | None = None


@model
class FailedInvitation(Model):
    """A person who could not be invited.

    Attributes:
        error: Text of the server.
    """

    email: str
    error: str


@model
class WorkspaceInvitation(Model):
    """An invitation to workspaces.

    Attributes:
        permission: ``admin``, ``write`` or ``read``.
        membership_intent: ``internal`` (a member of the organization) or ``external``.
        instant_add: Whether the person was added without an invitation.
        outcome: ``added``, ``updated`` or ``unchanged``, of a person who was added.
    """

    id: str
    email: str
    workspace_ids: list[str]
    permission: str
    membership_intent: str
    instant_add: bool | None = None
    outcome: str | None = None


@model
class WorkspaceInvitations(Model):
    """The outcome of an invitation of several people.

    Attributes:
        success: Whether all were invited or added.
        successful: Addresses that were invited.
        added: Addresses of people who were added without an invitation.
    """

    success: bool
    successful: list[str]
    added: list[str]
    failed: list[FailedInvitation]
    invitations: list[WorkspaceInvitation]


@model
class WorkspacePermissionConfig(Model):
    """Permissions of the caller in a workspace.

    Attributes:
        entitled: Whether the organization's plan has permission groups.
        is_org_admin: Whether the caller is an admin of the organization.
        permission_group_id: None if no group applies to the caller.
        config: None if no group applies to the caller.
        organization_id: None if the workspace belongs to no organization.
    """

    entitled: bool
    is_org_admin: bool
    permission_group_id: str | None = None
    group_name: str | None = None
    config: PermissionGroupConfig | None = None
    organization_id: str | None = None
