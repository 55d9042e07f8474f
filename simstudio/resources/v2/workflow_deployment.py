"""``client.v2.workflows.deployment``: the live version of a workflow, and access to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.functions import with_hints
from simstudio.core.modes import M
from simstudio.core.resource import APIResource
from simstudio.models.v2.deployments import PublicApiAccess, WorkflowDeployment
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.deployment_handle import DeploymentHandle


class WorkflowDeployments(APIResource[M]):
    """The live version of a workflow, and who may run it."""

    @endpoint("GET", "/api/v2/workflows/{workflowId}/deployment", "getWorkflowDeployment")
    def get(self, send: Sender, workflow_id: str) -> Flow[WorkflowDeployment]:
        """Retrieve the live version, the latest deployment attempt and the endpoints of its triggers.

        Returns:
            The deployment; ``is_deployed`` is False if no version is live.

        Raises:
            NotFoundError: No workflow has this id, or the API key may not see it.

        Example:
            >>> client.v2.workflows.deployment.get("workflow-id").needs_redeployment  # doctest: +SKIP
            False
        """
        return send.one(WorkflowDeployment)

    @endpoint("PATCH", "/api/v2/workflows/{workflowId}/deployment", "updateWorkflowPublicApi")
    def update(self, send: Sender, workflow_id: str, *, is_public_api: bool) -> Flow[PublicApiAccess]:
        """Set whether a workflow is public. Needs a personal key.

        Args:
            is_public_api: True lets anyone run the workflow without an API key.

        Raises:
            PermissionDeniedError: The key is a workspace key, its user may not do this, or the organization forbids it.
            LockedError: The workflow is locked.

        Example:
            >>> client.v2.workflows.deployment.update("workflow-id", is_public_api=False)  # doctest: +SKIP
        """
        return send.one(PublicApiAccess)

    @with_hints
    def handle(self, workflow_id: str) -> DeploymentHandle[M]:
        """A handle of the latest deployment attempt (deploy, rollback, activate). No request is sent.

        Example:
            >>> client.v2.workflows.rollback("workflow-id")  # doctest: +SKIP
            >>> client.v2.workflows.deployment.handle("workflow-id").wait(timeout=60).deployed_at  # doctest: +SKIP
        """
        from simstudio.resources.v2.deployment_handle import DeploymentHandle  # few programs need it

        return DeploymentHandle(self, workflow_id)
