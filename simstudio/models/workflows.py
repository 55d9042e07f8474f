"""What is known of a workflow itself."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class WorkflowStatus(Model):
    """Whether a workflow can be executed.

    Attributes:
        is_deployed: Whether it is deployed.
        deployed_at: ISO 8601, or None.
        is_published: Sent by v0.4 only; False elsewhere.
        needs_redeployment: Whether it was changed since.
    """

    is_deployed: bool
    deployed_at: str | None = None
    is_published: bool = False
    needs_redeployment: bool = False
