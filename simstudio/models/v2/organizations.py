"""Organizations, their members, and invitations to them."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class Organization(Model):
    """An organization that the caller belongs to.

    Attributes:
        logo: URL of a picture.
        role: The caller's role: ``owner``, ``admin`` or ``member``.
        created_at: ISO 8601.
    """

    id: str
    name: str
    slug: str
    role: str
    created_at: str
    logo: str | None = None


@model
class OrganizationWorkspace(Model):
    """A workspace of an organization."""

    id: str
    name: str


@model
class OrganizationMember(Model):
    """A member of an organization.

    Attributes:
        role: ``owner``, ``admin`` or ``member``; it says nothing of the member's role in a workspace.
        joined_at: ISO 8601.
    """

    user_id: str
    name: str
    email: str
    role: str
    joined_at: str


@model
class DeletedMember(Model):
    """The response to the removal of a member.

    Attributes:
        deleted: True.
    """

    user_id: str
    deleted: bool


@model
class MemberCreditLimit(Model):
    """The credits that a person may use in a billing period.

    Attributes:
        credit_limit: None for no limit but the organization's.
    """

    credit_limit: float | None = None


@model
class MemberUsageLimit(Model):
    """The credits that a person used in the billing period, and may use.

    Attributes:
        credits_used: Credits of the current billing period.
        billing_interval: ``month`` or ``year``.
        credit_limit: None for no limit but the organization's.
    """

    credits_used: float
    billing_interval: str
    credit_limit: float | None = None


@model
class OrganizationInvitation(Model):
    """An invitation to an organization or to some of its workspaces.

    Attributes:
        role: Role in the organization: ``member`` or ``admin``.
        kind: Place of the invitation: ``organization`` or ``workspace``.
        membership_intent: ``internal`` (a member of the organization) or ``external`` (access to workspaces only).
        status: ``pending``, ``accepted``, ``rejected``, ``cancelled`` or ``expired``.
        created_at: ISO 8601.
        expires_at: ISO 8601.
    """

    id: str
    organization_id: str
    email: str
    role: str
    kind: str
    membership_intent: str
    status: str
    created_at: str
    expires_at: str


@model
class InvitationWorkspace(OrganizationWorkspace):
    """A workspace to which an invitation gives access.

    Attributes:
        permission: ``admin``, ``write`` or ``read``.
        archived_at: ISO 8601; None if the workspace is active.
    """

    permission: str
    archived_at: str | None = None


@model
class RevokedInvitation(Model):
    """The response to the revocation of an invitation.

    Attributes:
        status: ``cancelled``.
    """

    id: str
    status: str
