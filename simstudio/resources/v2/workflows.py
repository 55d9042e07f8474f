"""``client.v2.workflows``: workflows, and the namespaces of their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.parameters import items, query
from simstudio.core.resource import namespace
from simstudio.models.v2.operations import AppliedOperations
from simstudio.models.v2.workflow_params import BlockEnabled, WorkflowOperation
from simstudio.models.v2.workflows import CreatedWorkflow, DeletedWorkflow, MovedWorkflows, Workflow, WorkflowDetail
from simstudio.resources.folder_paths import FolderPath
from simstudio.resources.parameters import PageLimit, Search, WorkspaceId
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
    """Definition of workflows. ``client.workflows`` and ``client.v2.runs`` run them."""

    @namespace
    def deployment(self) -> WorkflowDeployments[M]:
        """The live version of a workflow, and who may run it."""
        from simstudio.resources.v2.workflow_deployment import WorkflowDeployments

        return WorkflowDeployments(self._context, f"{self._name}.deployment")

    @namespace
    def versions(self) -> WorkflowVersions[M]:
        """Versions of a workflow."""
        from simstudio.resources.v2.workflow_versions import WorkflowVersions

        return WorkflowVersions(self._context, f"{self._name}.versions")

    @namespace
    def state(self) -> WorkflowStates[M]:
        """Draft of a workflow."""
        from simstudio.resources.v2.workflow_state import WorkflowStates

        return WorkflowStates(self._context, f"{self._name}.state")

    @namespace
    def variables(self) -> WorkflowVariables[M]:
        """Variables of a workflow."""
        from simstudio.resources.v2.workflow_variables import WorkflowVariables

        return WorkflowVariables(self._context, f"{self._name}.variables")

    @namespace
    def folders(self) -> WorkflowFolders[M]:
        """Folders of workflows."""
        from simstudio.resources.v2.workflow_folders import WorkflowFolders

        return WorkflowFolders(self._context, f"{self._name}.folders")

    @namespace
    def chat(self) -> WorkflowChat[M]:
        """Chat of a workflow."""
        from simstudio.resources.v2.workflow_chat import WorkflowChat

        return WorkflowChat(self._context, f"{self._name}.chat")

    @paged("GET", "/api/v2/workflows", "listWorkflows")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        scope: Literal["active", "archived"] | None = None,
        folder_path: FolderPath | None = None,
        deployed_only: bool | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
        search: Search | None = None,
        sort_by: Literal["position", "name", "createdAt", "updatedAt", "runCount"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
    ) -> Pages[Workflow]:
        """List the workflows of a workspace.

        Args:
            scope: Default ``active``. ``archived`` with ``folder_path`` finds nothing, as the path is resolved among
                active folders.
            folder_path: Only workflows in this folder; ``/`` is the root.
            deployed_only: Only workflows with a live version.
            limit: Workflows per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page with the same filters and order.
            sort_by: Default ``position``.
            sort_order: Default ``asc``.

        Raises:
            NotFoundError: The workspace or folder does not exist, or the API key may not see it.

        Example:
            >>> for workflow in client.v2.workflows.list("workspace-id", deployed_only=True):  # doctest: +SKIP
            ...     print(workflow.name, workflow.deployed_at)
        """
        return send.pages(Workflow)

    @endpoint("GET", "/api/v2/workflows/{workflowId}", "getWorkflow")
    def get(self, send: Sender, workflow_id: str) -> Flow[WorkflowDetail]:
        """Retrieve one workflow with its variables and input fields.

        Raises:
            NotFoundError: No workflow has this id, or the API key may not see it.

        Example:
            >>> [field.name for field in client.v2.workflows.get("workflow-id").inputs]  # doctest: +SKIP
            ['question']
        """
        return send.one(WorkflowDetail)

    @endpoint("POST", "/api/v2/workflows", "createWorkflowV2")
    def create(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        name: str,
        description: str | Unset | None = UNSET,
        folder_path: FolderPath | Unset = UNSET,
    ) -> Flow[CreatedWorkflow]:
        """Create a workflow.

        Args:
            folder_path: Folder; default: the root.

        Returns:
            The workflow with its initial blocks.

        Raises:
            ConflictError: The name is taken.
            LockedError: The folder is locked.

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
        folder_path: FolderPath | Unset = UNSET,
    ) -> Flow[Workflow]:
        """Rename, describe or move a workflow. Omitted arguments leave their value unchanged.

        Args:
            description: New text; None removes the description.
            folder_path: Target folder; ``/`` is the root.

        Raises:
            ConflictError: The name is taken in the folder, or the workflow cannot be changed at present.
            LockedError: The workflow is locked.

        Example:
            >>> client.v2.workflows.update("workflow-id", description=None)  # doctest: +SKIP
        """
        return send.one(Workflow)

    @endpoint("DELETE", "/api/v2/workflows/{workflowId}", "deleteWorkflowV2")
    def delete(self, send: Sender, workflow_id: str) -> Flow[DeletedWorkflow]:
        """Archive a workflow with its schedules, webhooks and chats; :meth:`restore` reverses it.

        Raises:
            NotFoundError: No workflow has this id, or the API key may not see it.
            LockedError: The workflow is locked.
        """
        return send.one(DeletedWorkflow)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/restore", "restoreWorkflow")
    def restore(self, send: Sender, workflow_id: str) -> Flow[Workflow]:
        """Restore an archived workflow.

        Raises:
            ConflictError: The workflow is not archived.
            NotFoundError: No workflow has this id, or the API key may not see it.
        """
        return send.one(Workflow)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/duplicate", "duplicateWorkflow")
    def duplicate(
        self, send: Sender, workflow_id: str, *, name: str | Unset = UNSET, folder_path: FolderPath | Unset = UNSET
    ) -> Flow[Workflow]:
        """Copy a workflow within its workspace.

        Args:
            name: Name of the copy; if it is taken, Sim makes it unique.
            folder_path: Folder of the copy.

        Raises:
            NotFoundError: No workflow has this id, or the API key may not see it.
            LockedError: The folder is locked.

        Example:
            >>> client.v2.workflows.duplicate("workflow-id", name="Triage, next").id  # doctest: +SKIP
        """
        return send.one(Workflow)

    @endpoint("POST", "/api/v2/workflows/move", "moveWorkflows")
    def move(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        workflow_ids: Annotated[Sequence[str], items(1, 100)],
        folder_path: FolderPath,
    ) -> Flow[MovedWorkflows]:
        """Move workflows to a folder, each on its own; those that cannot be moved are in ``failed``, without an error.

        Args:
            workflow_ids: 1 to 100 workflow ids.
            folder_path: Target folder; ``/`` is the root.

        Raises:
            NotFoundError: The workspace or folder does not exist, or the API key may not see it.

        Example:
            >>> client.v2.workflows.move("workspace-id", workflow_ids=["a"], folder_path="/X").failed  # doctest: +SKIP
            []
        """
        return send.one(MovedWorkflows)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/operations", "applyWorkflowOperations")
    def apply_operations(
        self,
        send: Sender,
        workflow_id: str,
        *,
        operations: Annotated[Sequence[WorkflowOperation], items(1, 200)],
        atomic: bool | Unset = UNSET,
        layout: Literal["targeted", "none"] | Unset = UNSET,
        set_block_enabled: Sequence[BlockEnabled | Mapping[str, Any]] | Unset = UNSET,
        dry_run: Annotated[bool | None, query] = None,
    ) -> Flow[AppliedOperations]:
        """Change blocks of a draft. Deploy to publish the changes. Needs a personal key.

        Possible operations are written together; the others are in ``skipped``. ``deferred`` does not mean failure, and
        ``lint`` is advice.

        Args:
            operations: 1 to 200 of :data:`~simstudio.models.v2.workflow_params.WorkflowOperation`. A ``block_id`` that
                is not a UUID is a label for a new block, whose id is returned in ``minted_block_ids``.
            atomic: Write nothing if an operation is impossible; default False.
            layout: Position of new blocks: near their neighbours (``targeted``, the default) or unchanged (``none``).
            set_block_enabled: Blocks to enable or disable.
            dry_run: Write nothing; the ids of new blocks are in ``preview_block_ids``.

        Raises:
            ConflictError: An operation is impossible, with ``atomic``: ``error.details`` has ``skipped``.
            PermissionDeniedError: The key is a workspace key.
            LockedError: The workflow is locked.

        Example:
            >>> change = {"operation_type": "delete", "block_id": "block-id"}
            >>> client.v2.workflows.apply_operations("workflow-id", operations=[change]).applied  # doctest: +SKIP
            1
        """
        return send.one(AppliedOperations)
