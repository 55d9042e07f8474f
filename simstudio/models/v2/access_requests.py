"""Requests of members for access that a permission group, or their credit limit, does not give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simstudio.core.model import Model, model

if TYPE_CHECKING:
    from typing import TypeAlias

AccessKind: TypeAlias = Literal[
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
"""The kinds of targets of a request."""

AccessState: TypeAlias = Literal["allowed", "requestable", "unavailable"]
"""Whether somebody has an access, may request it, or can do neither."""

AccessRequestStatus: TypeAlias = Literal["pending", "fulfilled", "declined", "cancelled", "closed"]
"""The states of a request; ``closed`` means that the access was there already."""


@model
class AccessTarget(Model):
    """The target of an access request. Construct one to request access: ``AccessTarget("integration", id="slack")``.

    Attributes:
        kind: ``feature``, ``integration``, ``provider``, ``model``, ``tool``, ``knowledge_connector``,
            ``file_share_auth``, ``chat_deploy_auth`` or ``usage_limit``.
        config_key: Setting of the permission group, such as ``hideTablesTab``; only of a feature.
        id: Id of the integration, provider, model, tool or connector; the method of authentication; ``member`` for the
            caller's own ``usage_limit``. None for a feature.
    """

    kind: str
    config_key: str | None = None
    id: str | None = None


@model
class AccessItem(Model):
    """An item that the caller can or cannot access.

    Attributes:
        state: ``allowed``, ``requestable`` or ``unavailable``.
        reason: Reason for which the access is unavailable.
        pending_request_id: The caller's open request.
    """

    target: AccessTarget
    label: str
    state: str
    reason: str | None = None
    pending_request_id: str | None = None


@model
class AccessRequester(Model):
    """The member who made a request."""

    id: str
    email: str
    name: str | None = None


@model
class AccessRequest(Model):
    """A member's request for access.

    Attributes:
        target_label: Name of the target in Sim's editor.
        reason: Text of the requester.
        status: ``pending``, ``fulfilled``, ``declined``, ``cancelled`` or ``closed``.
        created_at: ISO 8601.
        workspace_id: None if the request belongs to the organization as a whole.
        decision_reason: Text of the admin.
        decided_at: ISO 8601; None while the request is pending.
        group_name: Permission group that refuses the access.
    """

    id: str
    organization_id: str
    target: AccessTarget
    target_label: str
    reason: str
    status: str
    created_at: str
    requester: AccessRequester
    workspace_id: str | None = None
    decision_reason: str | None = None
    decided_at: str | None = None
    group_name: str | None = None


@model
class AccessChange(Model):
    """A setting of a permission group that changes if a request is granted.

    Attributes:
        config_key: Key of ``PermissionGroupConfig``.
        before: Present value.
        after: Value if the request is granted.
    """

    config_key: str
    label: str
    before: bool | list[str] | None = None
    after: bool | list[str] | None = None


@model
class AccessImpact(Model):
    """The members whom a change of a permission group concerns.

    Attributes:
        truncated: Whether ``workspace_names`` is cut short.
    """

    member_count: int
    workspace_count: int
    workspace_names: list[str]
    truncated: bool


@model
class AccessGroup(Model):
    """The permission group that changes if a request is granted."""

    id: str
    name: str


@model
class AccessRequestPreview(Model):
    """The changes if a request were granted.

    Attributes:
        fingerprint: State of the group or limit that was looked at; ``resolve`` needs it to grant the request.
        can_apply: Whether the request can be granted.
        resolution_kind: ``permission`` or ``usage_limit``.
        unavailable_reason: Reason for which the request cannot be granted.
        group: None for a ``usage_limit``.
        current_limit_credits: Member's present credit limit, for a ``usage_limit``.
        new_limit_credits: Member's credit limit if the request is granted, for a ``usage_limit``.
    """

    request: AccessRequest
    changes: list[AccessChange]
    impact: AccessImpact
    fingerprint: str
    can_apply: bool
    resolution_kind: str
    unavailable_reason: str | None = None
    group: AccessGroup | None = None
    current_limit_credits: float | None = None
    new_limit_credits: float | None = None


@model
class AccessRequestSettings(Model):
    """The settings of an organization for access requests.

    Attributes:
        allow_requests: Whether members may make requests and admins may grant them.
    """

    allow_requests: bool
