"""The deployment status of a workflow."""

from __future__ import annotations

from simstudio.core.model import Model, model


@model
class WorkflowStatus(Model):
    """The deployment status of a workflow.

    Attributes:
        deployed_at: ISO 8601; None if the workflow is not deployed.
        is_published: Sent by v0.4 only; False on other servers.
        needs_redeployment: Whether the draft differs from the deployed version.
    """

    is_deployed: bool
    deployed_at: str | None = None
    is_published: bool = False
    needs_redeployment: bool = False
