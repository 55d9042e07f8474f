"""``client.v2.workflows.deployment``: what of a workflow is live, and who may reach it (API.md 4.1)."""

from __future__ import annotations

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.resource import APIResource
from simstudio.models.v2.deployments import PublicApiAccess, WorkflowDeployment
from simstudio.transport.flow import Flow


class WorkflowDeployments(APIResource[M]):
    """What of a workflow is live, and who may reach it."""

    @endpoint("GET", "/api/v2/workflows/{workflowId}/deployment", "getWorkflowDeployment")
    def get(self, send: Sender, workflow_id: str) -> Flow[WorkflowDeployment]:
        """Retrieve what of a workflow is live, how far the last attempt is, and where its triggers take deliveries.

        Args:
            workflow_id: Its id.

        Returns:
            The deployment, also of a workflow that has none (``is_deployed``).

        Raises:
            NotFoundError: There is none of that id, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.deployment.get("workflow-id").needs_redeployment  # doctest: +SKIP
            False
        """
        return send.one(WorkflowDeployment)

    @endpoint("PATCH", "/api/v2/workflows/{workflowId}/deployment", "updateWorkflowPublicApi")
    def update(self, send: Sender, workflow_id: str, *, is_public_api: bool) -> Flow[PublicApiAccess]:
        """Say who may run a workflow. Needs a personal key.

        Args:
            workflow_id: Its id.
            is_public_api: True lets anyone run it without a key.

        Returns:
            Who may now.

        Raises:
            PermissionDeniedError: A workspace key, a person who may not, or an organization that forbids it.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.deployment.update("workflow-id", is_public_api=False)  # doctest: +SKIP
        """
        return send.one(PublicApiAccess)
