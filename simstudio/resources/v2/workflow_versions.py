"""``client.v2.workflows.versions``: each deployment mints one (API.md 4.1)."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between
from simstudio.models.v2.deployments import DeploymentResult
from simstudio.models.v2.versions import (
    RevertedWorkflow,
    VersionComparison,
    WorkflowVersion,
    WorkflowVersionDetail,
    WorkflowVersionLabels,
)
from simstudio.transport.flow import Flow


class WorkflowVersions(APIResource[M]):
    """The versions of a workflow."""

    @paged(
        "GET",
        "/api/v2/workflows/{workflowId}/versions",
        "listWorkflowVersionsV2",
        limits={"limit": between(1, 100)},
    )
    def list(
        self, send: Sender, workflow_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Pages[WorkflowVersion]:
        """List the versions of a workflow.

        Args:
            workflow_id: Its id.
            limit: Versions a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page.

        Returns:
            The versions, over all pages.

        Raises:
            NotFoundError: There is no such workflow, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> [each.version for each in client.v2.workflows.versions.list("workflow-id")]  # doctest: +SKIP
            [3, 2, 1]
        """
        return send.pages(WorkflowVersion)

    @endpoint("GET", "/api/v2/workflows/{workflowId}/versions/{version}", "getWorkflowVersionV2")
    def get(self, send: Sender, workflow_id: str, version: int) -> Flow[WorkflowVersionDetail]:
        """Retrieve a version with its graph.

        Args:
            workflow_id: Its workflow.
            version: Its number.

        Returns:
            The version.

        Raises:
            NotFoundError: There is no such workflow or version, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> list(client.v2.workflows.versions.get("workflow-id", 3).state)  # doctest: +SKIP
            ['blocks', 'edges', 'loops', 'parallels']
        """
        return send.one(WorkflowVersionDetail)

    @endpoint("PATCH", "/api/v2/workflows/{workflowId}/versions/{version}", "updateWorkflowVersionV2")
    def update(
        self,
        send: Sender,
        workflow_id: str,
        version: int,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
    ) -> Flow[WorkflowVersionLabels]:
        """Change what a version is called. Give at least one; what is not given stays.

        Args:
            workflow_id: Its workflow.
            version: Its number.
            name: Its label.
            description: What is said of it; None takes it away.

        Returns:
            What it is called now.

        Raises:
            NotFoundError: There is no such workflow or version, or none that the key may see.
            InvalidRequestError: Nothing was given.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.versions.update("workflow-id", 3, name="1.4")  # doctest: +SKIP
        """
        return send.one(WorkflowVersionLabels)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/versions/{version}/activate", "activateWorkflowVersion")
    def activate(self, send: Sender, workflow_id: str, version: int) -> Flow[DeploymentResult]:
        """Begin to bring a version live; ``workflows.wait_until_deployed`` waits for it. Needs a personal key.

        Args:
            workflow_id: Its workflow.
            version: Its number.

        Returns:
            What of the workflow is live, how far the attempt is (``latest_deployment_attempt``), and the number.

        Raises:
            NotFoundError: There is no such workflow or version, or none that the key may see.
            ConflictError: It cannot be brought live now, such as where another workflow has the path of a webhook.
            PermissionDeniedError: A workspace key, or a person who may not.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.versions.activate("workflow-id", 2)  # doctest: +SKIP
        """
        return send.one(DeploymentResult)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/versions/{version}/revert", "revertWorkflowVersion")
    def revert(self, send: Sender, workflow_id: str, version: int | Literal["active"]) -> Flow[RevertedWorkflow]:
        """Overwrite the draft with a version. What is live stays. Needs a personal key.

        Args:
            workflow_id: Its workflow.
            version: Its number, or ``active`` for the live one.

        Returns:
            When the draft was saved.

        Raises:
            NotFoundError: There is no such workflow or version, or none that the key may see.
            PermissionDeniedError: A workspace key, or a person who may not.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.versions.revert("workflow-id", "active").last_saved  # doctest: +SKIP
        """
        return send.one(RevertedWorkflow)

    @endpoint("GET", "/api/v2/workflows/{workflowId}/versions/compare", "compareWorkflowVersions")
    def compare(self, send: Sender, workflow_id: str, *, base: int, target: int) -> Flow[VersionComparison]:
        """Compare two versions. Newer servers only; older ones answer 404.

        Args:
            workflow_id: Their workflow.
            base: The number of the one.
            target: The number of the other.

        Returns:
            What the target changed.

        Raises:
            NotFoundError: There is no such workflow or version, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.versions.compare("workflow-id", base=2, target=3).diff.has_changes  # doctest: +SKIP
            True
        """
        return send.one(VersionComparison)
