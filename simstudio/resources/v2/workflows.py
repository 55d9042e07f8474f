"""``client.v2.workflows``: workflows, and the namespaces of what belongs to one (API.md 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.namespace import namespace
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.routes import between, items, length
from simstudio.models.v2.operations import AppliedOperations
from simstudio.models.v2.workflow_params import BlockEnabled, WorkflowOperation
from simstudio.models.v2.workflows import CreatedWorkflow, DeletedWorkflow, MovedWorkflows, Workflow, WorkflowDetail
from simstudio.resources.v2.workflow_exchange import WorkflowExchange
from simstudio.resources.v2.workflow_publishing import WorkflowPublishing
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.resources.v2.workflow_chat import WorkflowChat
    from simstudio.resources.v2.workflow_deployment import WorkflowDeployments
    from simstudio.resources.v2.workflow_folders import WorkflowFolders
    from simstudio.resources.v2.workflow_state import WorkflowStates
    from simstudio.resources.v2.workflow_variables import WorkflowVariables
    from simstudio.resources.v2.workflow_versions import WorkflowVersions


class Workflows(WorkflowPublishing[M], WorkflowExchange[M]):
    """Workflows of a workspace: their definition; for running them see ``client.workflows`` and ``client.v2.runs``."""

    @namespace
    def deployment(self) -> WorkflowDeployments[M]:
        """What of a workflow is live, and who may reach it."""
        from simstudio.resources.v2.workflow_deployment import WorkflowDeployments

        return WorkflowDeployments(self._context, f"{self._name}.deployment")

    @namespace
    def versions(self) -> WorkflowVersions[M]:
        """The versions of a workflow."""
        from simstudio.resources.v2.workflow_versions import WorkflowVersions

        return WorkflowVersions(self._context, f"{self._name}.versions")

    @namespace
    def state(self) -> WorkflowStates[M]:
        """The draft of a workflow."""
        from simstudio.resources.v2.workflow_state import WorkflowStates

        return WorkflowStates(self._context, f"{self._name}.state")

    @namespace
    def variables(self) -> WorkflowVariables[M]:
        """The variables of a workflow."""
        from simstudio.resources.v2.workflow_variables import WorkflowVariables

        return WorkflowVariables(self._context, f"{self._name}.variables")

    @namespace
    def folders(self) -> WorkflowFolders[M]:
        """The folders that workflows lie in."""
        from simstudio.resources.v2.workflow_folders import WorkflowFolders

        return WorkflowFolders(self._context, f"{self._name}.folders")

    @namespace
    def chat(self) -> WorkflowChat[M]:
        """The chat that a workflow is published as."""
        from simstudio.resources.v2.workflow_chat import WorkflowChat

        return WorkflowChat(self._context, f"{self._name}.chat")

    @paged(
        "GET",
        "/api/v2/workflows",
        "listWorkflows",
        limits={"workspace_id": length(1, 128), "limit": between(1, 100), "search": length(1, 200)},
    )
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        scope: Literal["active", "archived"] | None = None,
        folder_path: str | None = None,
        deployed_only: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        search: str | None = None,
        sort_by: Literal["position", "name", "createdAt", "updatedAt", "runCount"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Pages[Workflow]:
        """List the workflows of a workspace.

        Args:
            workspace_id: Whose.
            scope: Those in use or those archived; ``active`` where it is not given. With ``archived`` and a folder
                there are none: folders are sought among those in use.
            folder_path: Only in this folder, percent-encoded by segment; ``/`` is the root.
            deployed_only: Only those with a live version.
            limit: Workflows a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters and order.
            search: Only those that match; 1 to 200 characters.
            sort_by: By what they are ordered; ``position`` where it is not given.
            sort_order: ``asc`` where it is not given.

        Returns:
            The workflows, over all pages.

        Raises:
            NotFoundError: No such workspace or folder, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> for workflow in client.v2.workflows.list("workspace-id", deployed_only=True):  # doctest: +SKIP
            ...     print(workflow.name, workflow.deployed_at)
        """
        return send.pages(Workflow)

    @endpoint("GET", "/api/v2/workflows/{workflowId}", "getWorkflow")
    def get(self, send: Sender, workflow_id: str) -> Flow[WorkflowDetail]:
        """Retrieve one workflow, with its variables and the fields of its input.

        Args:
            workflow_id: Its id.

        Returns:
            The workflow.

        Raises:
            NotFoundError: There is none of that id, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> [field.name for field in client.v2.workflows.get("workflow-id").inputs]  # doctest: +SKIP
            ['question']
        """
        return send.one(WorkflowDetail)

    @endpoint("POST", "/api/v2/workflows", "createWorkflowV2", limits={"workspace_id": length(1, 128)})
    def create(
        self,
        send: Sender,
        workspace_id: str,
        *,
        name: str,
        description: str | Unset | None = UNSET,
        folder_path: str | Unset = UNSET,
    ) -> Flow[CreatedWorkflow]:
        """Make a workflow.

        Args:
            workspace_id: Where.
            name: What it is called.
            description: What is said of it.
            folder_path: The folder it lies in, percent-encoded by segment; the root where it is not given.

        Returns:
            The workflow, with the blocks it begins with.

        Raises:
            ConflictError: The name is taken.
            LockedError: The folder is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.create("workspace-id", name="Triage").id  # doctest: +SKIP
        """
        return send.one(CreatedWorkflow)

    @endpoint("PATCH", "/api/v2/workflows/{workflowId}", "updateWorkflowV2")
    def update(
        self,
        send: Sender,
        workflow_id: str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        folder_path: str | Unset = UNSET,
    ) -> Flow[Workflow]:
        """Rename, describe or move a workflow. What is not given stays.

        Args:
            workflow_id: Its id.
            name: What it is called from now on.
            description: What is said of it; None takes it away.
            folder_path: Where it goes, percent-encoded by segment; ``/`` is the root.

        Returns:
            The workflow.

        Raises:
            ConflictError: The name is taken there, or the workflow cannot be changed now.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.update("workflow-id", description=None)  # doctest: +SKIP
        """
        return send.one(Workflow)

    @endpoint("DELETE", "/api/v2/workflows/{workflowId}", "deleteWorkflowV2")
    def delete(self, send: Sender, workflow_id: str) -> Flow[DeletedWorkflow]:
        """Archive a workflow with its schedules, webhooks and chats; :meth:`restore` brings it back.

        Args:
            workflow_id: Its id.

        Returns:
            That it was done.

        Raises:
            NotFoundError: There is none of that id, or none that the key may see.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.delete("workflow-id").archived  # doctest: +SKIP
            True
        """
        return send.one(DeletedWorkflow)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/restore", "restoreWorkflow")
    def restore(self, send: Sender, workflow_id: str) -> Flow[Workflow]:
        """Bring back an archived workflow.

        Args:
            workflow_id: Its id.

        Returns:
            The workflow.

        Raises:
            ConflictError: It is not archived.
            NotFoundError: There is none of that id, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.restore("workflow-id").name  # doctest: +SKIP
        """
        return send.one(Workflow)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/duplicate", "duplicateWorkflow")
    def duplicate(
        self, send: Sender, workflow_id: str, *, name: str | Unset = UNSET, folder_path: str | Unset = UNSET
    ) -> Flow[Workflow]:
        """Copy a workflow within its workspace.

        Args:
            workflow_id: What to copy.
            name: What the copy is called; a taken name is made unique.
            folder_path: The folder the copy lies in, percent-encoded by segment.

        Returns:
            The copy.

        Raises:
            NotFoundError: There is none of that id, or none that the key may see.
            LockedError: The folder is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.duplicate("workflow-id", name="Triage, next").id  # doctest: +SKIP
        """
        return send.one(Workflow)

    @endpoint(
        "POST",
        "/api/v2/workflows/move",
        "moveWorkflows",
        limits={"workspace_id": length(1, 128), "workflow_ids": items(1, 100)},
    )
    def move(
        self, send: Sender, workspace_id: str, *, workflow_ids: Sequence[str], folder_path: str
    ) -> Flow[MovedWorkflows]:
        """Move workflows to a folder, each on its own: what could not be moved is in ``failed``, and nothing is raised.

        Args:
            workspace_id: Where they are.
            workflow_ids: 1 to 100 ids.
            folder_path: Where they go, percent-encoded by segment; ``/`` is the root.

        Returns:
            Which were moved and which were not.

        Raises:
            NotFoundError: No such workspace or folder, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.move("workspace-id", workflow_ids=["a"], folder_path="/X").failed  # doctest: +SKIP
            []
        """
        return send.one(MovedWorkflows)

    @endpoint(
        "POST",
        "/api/v2/workflows/{workflowId}/operations",
        "applyWorkflowOperations",
        query=("dry_run",),
        limits={"operations": items(1, 200)},
    )
    def apply_operations(
        self,
        send: Sender,
        workflow_id: str,
        *,
        operations: Sequence[WorkflowOperation],
        atomic: bool | Unset = UNSET,
        layout: Literal["targeted", "none"] | Unset = UNSET,
        set_block_enabled: Sequence[BlockEnabled | Mapping[str, Any]] | Unset = UNSET,
        dry_run: bool | None = None,
    ) -> Flow[AppliedOperations]:
        """Change the draft of a workflow, block by block; deploy to publish. Needs a personal key.

        What can be done is, in one write; the rest is in ``skipped``. ``deferred`` is no failure, and ``lint`` advice.

        Args:
            workflow_id: Its id.
            operations: 1 to 200 of :data:`~simstudio.models.v2.workflow_params.WorkflowOperation`. A ``block_id`` that
                is no UUID is a label for a new block, whose id comes back in ``minted_block_ids``.
            atomic: Write nothing unless all can be carried out; False where it is not given.
            layout: Where new blocks are drawn: near their neighbours (``targeted``, where it is not given), or as they
                come (``none``).
            set_block_enabled: Blocks to switch on or off.
            dry_run: Write nothing; ids of new blocks are then in ``preview_block_ids``.

        Returns:
            What became of them.

        Raises:
            ConflictError: ``atomic``, and not all could be carried out: ``error.details`` has ``skipped``.
            PermissionDeniedError: A workspace key.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> change = {"operation_type": "delete", "block_id": "block-id"}
            >>> client.v2.workflows.apply_operations("workflow-id", operations=[change]).applied  # doctest: +SKIP
            1
        """
        return send.one(AppliedOperations)
