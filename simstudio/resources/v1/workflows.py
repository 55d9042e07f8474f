"""``client.v1.workflows``: workflows of a workspace, and their deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, length, only_true, wire
from simstudio.core.resource import APIResource
from simstudio.models.v1.workflows import Deployment, ImportedWorkflow, Workflow, WorkflowDetails, WorkflowExport
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow

WorkflowId: TypeAlias = Annotated[str, wire("id")]


class Workflows(APIResource[M]):
    """Workflows of a workspace, and their deployment.

    Servers up to v0.6.43 only list and retrieve workflows, and respond to the other operations with 404. Those follow
    Sim's published contracts, which v1 shares with v2; no cassette shows them.
    """

    @paged("GET", "/api/v1/workflows", "listWorkflows")
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        folder_id: str | None = None,
        deployed_only: Annotated[bool | None, only_true] = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[Workflow]:
        """List the workflows of a workspace. ``extra["limits"]`` of a page has the rate limits.

        Args:
            deployed_only: Only deployed workflows.
            limit: Workflows per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page with the same filters. The server treats an unreadable cursor as
                none.

        Raises:
            PermissionDeniedError: No workspace has this id, or the API key may not see it.

        Example:
            >>> for workflow in client.v1.workflows.list("workspace-id", deployed_only=True):  # doctest: +SKIP
            ...     print(workflow.id, workflow.name)
        """
        return send.pages(Workflow)

    @endpoint("GET", "/api/v1/workflows/{id}", "getWorkflow")
    def get(self, send: Sender, workflow_id: WorkflowId) -> Flow[WorkflowDetails]:
        """Retrieve one workflow with its input fields and variables.

        Raises:
            NotFoundError: No workflow has this id.
            PermissionDeniedError: The API key may not see the workflow.

        Example:
            >>> [field.name for field in client.v1.workflows.get("workflow-id").inputs]  # doctest: +SKIP
            ['files', 'message']
        """
        return send.one(WorkflowDetails)

    @endpoint("POST", "/api/v1/workflows/{id}/deploy", "deployWorkflowV1")
    def deploy(
        self,
        send: Sender,
        workflow_id: WorkflowId,
        *,
        name: Annotated[str | Unset, length(1, 100)] = UNSET,
        description: Annotated[str | Unset, length(None, 2000)] = UNSET,
    ) -> Flow[Deployment]:
        """Deploy the draft as a new version. Never retried, as each call creates a version.

        Args:
            name: Label of the version, 1 to 100 characters.
            description: At most 2,000 characters.

        Raises:
            NotFoundError: No workflow has this id, or the server does not have this operation.
            PermissionDeniedError: The API key may not deploy the workflow.

        Example:
            >>> client.v1.workflows.deploy("workflow-id", name="1.4").version  # doctest: +SKIP
            7
        """
        return send.one(Deployment)

    @endpoint("DELETE", "/api/v1/workflows/{id}/deploy", "undeployWorkflowV1")
    def undeploy(self, send: Sender, workflow_id: WorkflowId) -> Flow[Deployment]:
        """Undeploy a workflow.

        Raises:
            NotFoundError: No workflow has this id, or the server does not have this operation.
            PermissionDeniedError: The API key may not deploy the workflow.
        """
        return send.one(Deployment)

    @endpoint("POST", "/api/v1/workflows/{id}/rollback", "rollbackWorkflowV1")
    def rollback(
        self,
        send: Sender,
        workflow_id: WorkflowId,
        *,
        version: Annotated[int | Unset, between(1)] = UNSET,
    ) -> Flow[Deployment]:
        """Make an earlier version live.

        Args:
            version: Version number, 1 or more; default: the version before the live one.

        Raises:
            NotFoundError: The workflow or version does not exist, or the server does not have this operation.
            PermissionDeniedError: The API key may not deploy the workflow.

        Example:
            >>> client.v1.workflows.rollback("workflow-id", version=6).version  # doctest: +SKIP
            6
        """
        return send.one(Deployment)

    @endpoint("GET", "/api/v1/workflows/{id}/export", "exportWorkflowV1")
    def export(self, send: Sender, workflow_id: WorkflowId) -> Flow[WorkflowExport]:
        """Export a workflow for :meth:`import_`; ``to_dict()`` of the result gives it as JSON data.

        Raises:
            NotFoundError: No workflow has this id, or the server does not have this operation.
            PermissionDeniedError: The API key may not see the workflow.

        Example:
            >>> exported = client.v1.workflows.export("workflow-id")  # doctest: +SKIP
            >>> client.v1.workflows.import_(workspace_id="another-id", workflow=exported)  # doctest: +SKIP
        """
        return send.one(WorkflowExport)

    @endpoint("POST", "/api/v1/workflows/import", "importWorkflowV1")
    def import_(
        self,
        send: Sender,
        *,
        workspace_id: str,
        workflow: str | Mapping[str, Any],
        folder_id: str | Unset = UNSET,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
    ) -> Flow[ImportedWorkflow]:
        """Create a workflow from an export. Not retried once the workflow may have been created.

        Args:
            workflow: An export, a workflow's state, or the JSON text of either.
            folder_id: Target folder; default: the root.
            name: Name of the new workflow; default: the exported name.
            description: Description of the new workflow; default: the exported one.

        Raises:
            InvalidRequestError: ``workflow`` is malformed.
            NotFoundError: The server does not have this operation.
            PermissionDeniedError: The API key may not write to the workspace.

        Example:
            >>> text = Path("workflow.json").read_text()  # doctest: +SKIP
            >>> client.v1.workflows.import_(workspace_id="workspace-id", workflow=text).id  # doctest: +SKIP
        """
        return send.one(ImportedWorkflow)
