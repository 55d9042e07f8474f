"""Audit logs of an organization in v1."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class AuditLog(Model):
    """One thing that someone did.

    Attributes:
        id: Of the entry.
        workspace_id: Where, None outside workspaces.
        actor_id: By whom.
        actor_name: By whom.
        actor_email: By whom.
        action: What was done, such as ``workflow.deployed``.
        resource_type: To what.
        resource_id: Of what it was done to.
        resource_name: What that is called.
        description: The server's sentence about it.
        metadata: Plain JSON data that depends on the action.
        created_at: When, ISO 8601.
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
