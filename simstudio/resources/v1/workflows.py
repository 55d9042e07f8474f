"""``client.v1.workflows``: workflows of a workspace, and their deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, length
from simstudio.models.v1.workflows import Deployment, ImportedWorkflow, Workflow, WorkflowDetails, WorkflowExport
from simstudio.transport.flow import Flow

_ID = {"workflow_id": "id"}


class Workflows(APIResource[M]):
    """Workflows, as v1 has them (recordings 149 to 165, NOTES 9).

    Deploying, exporting and importing came after v0.6.43, and older servers answer 404. They are not recorded: what
    they take and give is what Sim's published contracts say, and the part of it that v1 shares with v2.
    """

    @paged(
        "GET",
        "/api/v1/workflows",
        "listWorkflows",
        only_true=("deployed_only",),
        limits={"limit": between(1, 100)},
    )
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        folder_id: str | None = None,
        deployed_only: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[Workflow]:
        """List the workflows of a workspace. A page's ``extra["limits"]`` says what may still be run.

        Args:
            workspace_id: Which workspace.
            folder_id: Only in this folder.
            deployed_only: Only those that can be run by others.
            limit: Workflows a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters. One that the server cannot
                read means the first page (recording 156).

        Returns:
            The workflows, over all pages.

        Raises:
            InvalidInputError: An argument is out of its limits; nothing was sent.
            PermissionDeniedError: There is no such workspace, or the key may not see it.
            SimStudioError: Any other failure.

        Example:
            >>> for workflow in client.v1.workflows.list("workspace-id", deployed_only=True):  # doctest: +SKIP
            ...     print(workflow.id, workflow.name)
        """
        return send.pages(Workflow)

    @endpoint("GET", "/api/v1/workflows/{id}", "getWorkflow", names=_ID)
    def get(self, send: Sender, workflow_id: str) -> Flow[WorkflowDetails]:
        """Retrieve one workflow.

        ``client.with_raw_response`` shows the ``limits`` beside it.

        Args:
            workflow_id: Its id.

        Returns:
            The workflow, with its inputs and variables.

        Raises:
            NotFoundError: There is none of that id.
            PermissionDeniedError: The key may not see it.
            SimStudioError: Any other failure.

        Example:
            >>> [field.name for field in client.v1.workflows.get("workflow-id").inputs]  # doctest: +SKIP
            ['files', 'message']
        """
        return send.one(WorkflowDetails)

    @endpoint(
        "POST",
        "/api/v1/workflows/{id}/deploy",
        "deployWorkflowV1",
        names=_ID,
        limits={"name": length(1, 100), "description": length(None, 2000)},
    )
    def deploy(
        self,
        send: Sender,
        workflow_id: str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
    ) -> Flow[Deployment]:
        """Deploy what is drawn now, as a new version. Each call makes one, so it is never sent again by itself.

        The shape is that of v2 and not recorded.

        Args:
            workflow_id: Its id.
            name: What the version is called, 1 to 100 characters.
            description: What the version says of itself, at most 2,000 characters.

        Returns:
            What became of it.

        Raises:
            NotFoundError: There is no such workflow, or the server has no such route.
            PermissionDeniedError: The key may not deploy it.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.workflows.deploy("workflow-id", name="1.4").version  # doctest: +SKIP
            7
        """
        return send.one(Deployment)

    @endpoint("DELETE", "/api/v1/workflows/{id}/deploy", "undeployWorkflowV1", names=_ID)
    def undeploy(self, send: Sender, workflow_id: str) -> Flow[Deployment]:
        """Take a workflow offline. The shape is that of v2 and not recorded.

        Args:
            workflow_id: Its id.

        Returns:
            What became of it.

        Raises:
            NotFoundError: There is no such workflow, or the server has no such route.
            PermissionDeniedError: The key may not undeploy it.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.workflows.undeploy("workflow-id").is_deployed  # doctest: +SKIP
            False
        """
        return send.one(Deployment)

    @endpoint(
        "POST",
        "/api/v1/workflows/{id}/rollback",
        "rollbackWorkflowV1",
        names=_ID,
        limits={"version": between(1)},
    )
    def rollback(self, send: Sender, workflow_id: str, *, version: int | Unset = UNSET) -> Flow[Deployment]:
        """Bring an earlier version back online. The shape is that of v2 and not recorded.

        Args:
            workflow_id: Its id.
            version: Which version, 1 or more; the one before the present where it is not given.

        Returns:
            What became of it.

        Raises:
            NotFoundError: There is no such workflow or version, or the server has no such route.
            PermissionDeniedError: The key may not deploy it.
            SimStudioError: Any other failure.

        Example:
            >>> client.v1.workflows.rollback("workflow-id", version=6).version  # doctest: +SKIP
            6
        """
        return send.one(Deployment)

    @endpoint("GET", "/api/v1/workflows/{id}/export", "exportWorkflowV1", names=_ID)
    def export(self, send: Sender, workflow_id: str) -> Flow[WorkflowExport]:
        """Retrieve a workflow in a form that :meth:`import_` takes. The shape is that of v2 and not recorded.

        Args:
            workflow_id: Its id.

        Returns:
            The workflow; ``to_dict()`` of it is what a file should hold.

        Raises:
            NotFoundError: There is no such workflow, or the server has no such route.
            PermissionDeniedError: The key may not see it.
            SimStudioError: Any other failure.

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
        """Make a workflow of an exported one; never sent again where it may have been made.

        The shape is that of v2 and not recorded, but for ``folder_id``: v1 names folders by id.

        Args:
            workspace_id: Where to.
            workflow: What :meth:`export` gave, a workflow's bare state, or either as JSON text.
            folder_id: Into which folder; the top where it is not given.
            name: What to call it, instead of its own name.
            description: What it says of itself, instead of its own words.

        Returns:
            The new workflow.

        Raises:
            InvalidRequestError: The server cannot make a workflow of it.
            NotFoundError: The server has no such route.
            PermissionDeniedError: The key may not write there.
            SimStudioError: Any other failure.

        Example:
            >>> text = Path("workflow.json").read_text()  # doctest: +SKIP
            >>> client.v1.workflows.import_(workspace_id="workspace-id", workflow=text).id  # doctest: +SKIP
        """
        return send.one(ImportedWorkflow)
