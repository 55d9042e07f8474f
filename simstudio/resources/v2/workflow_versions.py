"""``client.v2.workflows.versions``: the versions of a workflow; each deployment creates one."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.deployments import DeploymentResult
from simstudio.models.v2.versions import (
    RevertedWorkflow,
    VersionComparison,
    WorkflowVersion,
    WorkflowVersionDetail,
    WorkflowVersionLabels,
)
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow


class WorkflowVersions(APIResource[M]):
    """The versions of a workflow."""

    @paged("GET", "/api/v2/workflows/{workflowId}/versions", "listWorkflowVersionsV2")
    def list(
        self, send: Sender, workflow_id: str, *, limit: PageLimit | None = None, cursor: str | None = None
    ) -> Pages[WorkflowVersion]:
        """List the versions of a workflow.

        Args:
            limit: Versions per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page.

        Raises:
            NotFoundError: No workflow has this id, or the API key may not see it.

        Example:
            >>> [each.version for each in client.v2.workflows.versions.list("workflow-id")]  # doctest: +SKIP
            [3, 2, 1]
        """
        return send.pages(WorkflowVersion)

    @endpoint("GET", "/api/v2/workflows/{workflowId}/versions/{version}", "getWorkflowVersionV2")
    def get(self, send: Sender, workflow_id: str, version: int) -> Flow[WorkflowVersionDetail]:
        """Retrieve a version with its state (blocks and edges).

        Raises:
            NotFoundError: The workflow or version does not exist, or the API key may not see it.

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
        """Change the name or description of a version. Omitted arguments leave their value unchanged.

        Args:
            description: New text; None removes the description.

        Raises:
            NotFoundError: The workflow or version does not exist, or the API key may not see it.
            InvalidRequestError: Neither ``name`` nor ``description`` was given.

        Example:
            >>> client.v2.workflows.versions.update("workflow-id", 3, name="1.4")  # doctest: +SKIP
        """
        return send.one(WorkflowVersionLabels)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/versions/{version}/activate", "activateWorkflowVersion")
    def activate(self, send: Sender, workflow_id: str, version: int) -> Flow[DeploymentResult]:
        """Start to make a version live; ``workflows.wait_until_deployed`` waits for the end. Needs a personal key.

        Returns:
            The live version and the new ``latest_deployment_attempt``.

        Raises:
            NotFoundError: The workflow or version does not exist, or the API key may not see it.
            ConflictError: The version cannot go live, for example because another workflow uses the path of its
                webhook.
            PermissionDeniedError: The key is a workspace key, or its user may not deploy the workflow.

        Example:
            >>> client.v2.workflows.versions.activate("workflow-id", 2)  # doctest: +SKIP
        """
        return send.one(DeploymentResult)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/versions/{version}/revert", "revertWorkflowVersion")
    def revert(self, send: Sender, workflow_id: str, version: int | Literal["active"]) -> Flow[RevertedWorkflow]:
        """Overwrite the draft with a version; the live version stays. Needs a personal key.

        Args:
            version: Version number; ``active`` for the live version.

        Raises:
            NotFoundError: The workflow or version does not exist, or the API key may not see it.
            PermissionDeniedError: The key is a workspace key, or its user may not edit the workflow.
            LockedError: The workflow is locked.

        Example:
            >>> client.v2.workflows.versions.revert("workflow-id", "active").last_saved  # doctest: +SKIP
        """
        return send.one(RevertedWorkflow)

    @endpoint(
        "GET", "/api/v2/workflows/{workflowId}/versions/compare", "compareWorkflowVersions", evidence="documented"
    )
    def compare(self, send: Sender, workflow_id: str, *, base: int, target: int) -> Flow[VersionComparison]:
        """Compare two versions. Older servers do not have this operation and respond with 404.

        Args:
            base: Version number to compare from.
            target: Version number to compare to.

        Raises:
            NotFoundError: The workflow or version does not exist, or the API key may not see it.

        Example:
            >>> client.v2.workflows.versions.compare("workflow-id", base=2, target=3).diff.has_changes  # doctest: +SKIP
            True
        """
        return send.one(VersionComparison)
