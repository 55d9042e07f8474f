"""Audit logs of an organization in v1."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class AuditLog(Model):
    """An action of a member of the organization.

    Attributes:
        workspace_id: Workspace of the resource; None outside workspaces.
        action: Such as ``workflow.deployed``.
        description: Text of the server.
        metadata: JSON data that depends on the action.
        created_at: ISO 8601.
    """

    id: str
    workspace_id: str | None = None
    actor_id: str | None = None
    actor_name: str | None = None
    actor_email: str | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    description: str | None = None
    metadata: Any = None
    created_at: str | None = None
