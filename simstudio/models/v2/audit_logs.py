"""Audit logs of an organization."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class AuditLog(Model):
    """An action of a member of the organization.

    Attributes:
        action: Such as ``workflow.deployed``.
        created_at: ISO 8601.
        workspace_id: Workspace of the resource; None outside workspaces.
        description: Text of the server.
        metadata: JSON data that depends on the action.
    """

    id: str
    action: str
    resource_type: str
    created_at: str
    workspace_id: str | None = None
    actor_name: str | None = None
    actor_email: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    description: str | None = None
    metadata: Any = None
