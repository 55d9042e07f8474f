"""``client.v2.workspaces.fork``: copies of a workspace, which exchange workflows with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from simstudio.core.endpoint import Sender, endpoint, paged
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.workspace_forks import (
    CopiedResources,
    DroppedReference,
    ForkAvailability,
    ForkChild,
    ForkDependentValue,
    ForkedResources,
    ForkLineage,
    ForkMapping,
    ForkMappingEntry,
    ForkPreview,
    ForkResource,
    RolledBackSync,
    SyncPreview,
    TriggerMapping,
    UnlinkedFork,
    UpdatedForks,
)
from simstudio.models.v2.workspace_operations import WorkspaceOperation
from simstudio.resources.parameters import PageLimit
from simstudio.transport.flow import Flow


class WorkspaceForks(APIResource[M]):
    """Copies of a workspace. A fork sends its workflows to the workspace (push), or gets those of it (pull).

    Known from Sim's documents only; servers of August 2026 have none of these operations. Needs the personal key of an
    admin. ``request_id`` is an id of your own, under which the server forks, pushes or pulls at most once: such
    requests are retried, and ``client.v2.workspaces.operations.list`` finds the operation of one.
    """

    _evidence = "documented"

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/fork", "forkWorkspace", resend="claimed")
    def create(
        self,
        send: Sender,
        workspace_id: str,
        *,
        request_id: str,
        preview_fingerprint: str,
        name: str | Unset = UNSET,
        copy: ForkedResources | Mapping[str, Any] | Unset = UNSET,
    ) -> Flow[WorkspaceOperation]:
        """Fork a workspace. Resources are copied in the background.

        Args:
            preview_fingerprint: From :meth:`preview` with the same ``name`` and ``copy``.
            name: Name of the new workspace.
            copy: Ids of the resources that the fork gets, by type.

        Raises:
            ConflictError: The workspace has changed since the preview, or ``request_id`` belongs to another request.

        Example:
            >>> preview = client.v2.workspaces.fork.preview("workspace-id", name="Test")  # doctest: +SKIP
            >>> once = {"request_id": "test-1", "preview_fingerprint": preview.preview_fingerprint}  # doctest: +SKIP
            >>> client.v2.workspaces.fork.create("workspace-id", name="Test", **once).status  # doctest: +SKIP
            'processing'
        """
        return send.one(WorkspaceOperation)

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/fork/preview", "previewWorkspaceFork")
    def preview(
        self,
        send: Sender,
        workspace_id: str,
        *,
        name: str | Unset = UNSET,
        copy: ForkedResources | Mapping[str, Any] | Unset = UNSET,
    ) -> Flow[ForkPreview]:
        """Show what a fork would hold, without making it. The arguments are those of :meth:`create`."""
        return send.one(ForkPreview)

    @endpoint("GET", "/api/v2/workspaces/{workspaceId}/fork/availability", "getWorkspaceForkAvailability")
    def availability(self, send: Sender, workspace_id: str) -> Flow[ForkAvailability]:
        """Tell whether the caller can fork a workspace."""
        return send.one(ForkAvailability)

    @endpoint("GET", "/api/v2/workspaces/{workspaceId}/fork/lineage", "getWorkspaceForkLineage")
    def lineage(self, send: Sender, workspace_id: str) -> Flow[ForkLineage]:
        """Retrieve the workspace of which a workspace is a fork."""
        return send.one(ForkLineage)

    @paged("GET", "/api/v2/workspaces/{workspaceId}/fork/children", "listWorkspaceForkChildren")
    def children(
        self,
        send: Sender,
        workspace_id: str,
        *,
        limit: PageLimit | None = None,
        cursor: str | None = None,
        sort_by: Literal["createdAt"] | None = None,
        sort_order: Literal["desc"] | None = None,
    ) -> Pages[ForkChild]:
        """List the forks of a workspace, newest first."""
        return send.pages(ForkChild)

    @paged("GET", "/api/v2/workspaces/{workspaceId}/fork/resources", "listWorkspaceForkResources")
    def resources(
        self,
        send: Sender,
        workspace_id: str,
        *,
        kind: Literal["files", "tables", "knowledgeBases", "customTools", "skills", "mcpServers", "workflowMcpServers"],
        limit: PageLimit | None = None,
        cursor: str | None = None,
        sort_by: Literal["id"] | None = None,
        sort_order: Literal["asc"] | None = None,
    ) -> Pages[ForkResource]:
        """List the resources of one type that a fork can get."""
        return send.pages(ForkResource)

    @paged("GET", "/api/v2/workspaces/{workspaceId}/fork/mappings", "getWorkspaceForkMappings")
    def mappings(
        self,
        send: Sender,
        workspace_id: str,
        *,
        other_workspace_id: str,
        direction: Literal["push", "pull"],
        limit: PageLimit | None = None,
        cursor: str | None = None,
        sort_by: Literal["id"] | None = None,
        sort_order: Literal["asc"] | None = None,
    ) -> Pages[ForkMappingEntry]:
        """List the resources that a push or a pull replaces by others.

        Args:
            other_workspace_id: The workspace to push to or to pull from.
        """
        return send.pages(ForkMappingEntry)

    @endpoint("PUT", "/api/v2/workspaces/{workspaceId}/fork/mappings", "updateWorkspaceForkMappings")
    def update_mappings(
        self,
        send: Sender,
        workspace_id: str,
        *,
        other_workspace_id: str,
        direction: Literal["push", "pull"],
        mappings: Sequence[ForkMapping | Mapping[str, Any]],
    ) -> Flow[UpdatedForks]:
        """Set counterparts of resources for all pushes or pulls to come. Others stay.

        Args:
            other_workspace_id: The workspace to push to or to pull from.
            mappings: Resources of the source with their counterparts; None for none.
        """
        return send.one(UpdatedForks)

    @endpoint("PUT", "/api/v2/workspaces/{workspaceId}/fork/exclusions", "updateWorkspaceForkExclusions")
    def update_exclusions(
        self, send: Sender, workspace_id: str, *, workflow_ids: Sequence[str], fork_sync_excluded: bool
    ) -> Flow[UpdatedForks]:
        """Leave workflows out of all pushes and pulls, or include them again.

        Args:
            fork_sync_excluded: Whether the workflows are left out.
        """
        return send.one(UpdatedForks)

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/fork/push", "pushWorkspace", resend="claimed")
    def push(
        self,
        send: Sender,
        workspace_id: str,
        *,
        other_workspace_id: str,
        request_id: str,
        preview_fingerprint: str,
        confirm: Literal[True],
        mappings: Sequence[ForkMapping | Mapping[str, Any]] | Unset = UNSET,
        dependent_values: Sequence[ForkDependentValue | Mapping[str, str]] | Unset = UNSET,
        copy_resources: CopiedResources | Mapping[str, Any] | Unset = UNSET,
        drop_references: Sequence[DroppedReference | Mapping[str, str]] | Unset = UNSET,
        trigger_mappings: Sequence[TriggerMapping | Mapping[str, Any]] | Unset = UNSET,
    ) -> Flow[WorkspaceOperation]:
        """Send the workflows of a workspace to the one of which it is a fork, or to a fork.

        Args:
            other_workspace_id: The workspace to push to.
            preview_fingerprint: From :meth:`preview_push` with the same arguments.
            confirm: True: workflows of the other workspace are replaced, and archived if they are gone here.
            mappings: Counterparts of resources for this push, as in :meth:`update_mappings`.
            dependent_values: Settings that depend on mappings, such as the channel of a credential.
            copy_resources: Ids of resources that are copied, by type.
            drop_references: Resources whose references are cleared.
            trigger_mappings: URL paths that triggers take over.

        Raises:
            ConflictError: The workspace has changed since the preview, or ``request_id`` belongs to another request.
            InvalidRequestError: A mapping or a required setting is missing.
        """
        return send.one(WorkspaceOperation)

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/fork/push/preview", "previewWorkspacePush")
    def preview_push(
        self,
        send: Sender,
        workspace_id: str,
        *,
        other_workspace_id: str,
        mappings: Sequence[ForkMapping | Mapping[str, Any]] | Unset = UNSET,
        dependent_values: Sequence[ForkDependentValue | Mapping[str, str]] | Unset = UNSET,
        copy_resources: CopiedResources | Mapping[str, Any] | Unset = UNSET,
        drop_references: Sequence[DroppedReference | Mapping[str, str]] | Unset = UNSET,
        trigger_mappings: Sequence[TriggerMapping | Mapping[str, Any]] | Unset = UNSET,
    ) -> Flow[SyncPreview]:
        """Show what :meth:`push` with these arguments would change, without changing it."""
        return send.one(SyncPreview)

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/fork/pull", "pullWorkspace", resend="claimed")
    def pull(
        self,
        send: Sender,
        workspace_id: str,
        *,
        other_workspace_id: str,
        request_id: str,
        preview_fingerprint: str,
        confirm: Literal[True],
        mappings: Sequence[ForkMapping | Mapping[str, Any]] | Unset = UNSET,
        dependent_values: Sequence[ForkDependentValue | Mapping[str, str]] | Unset = UNSET,
        copy_resources: CopiedResources | Mapping[str, Any] | Unset = UNSET,
        drop_references: Sequence[DroppedReference | Mapping[str, str]] | Unset = UNSET,
        trigger_mappings: Sequence[TriggerMapping | Mapping[str, Any]] | Unset = UNSET,
    ) -> Flow[WorkspaceOperation]:
        """Get the workflows of the workspace of which this one is a fork, or of a fork.

        The arguments are those of :meth:`push`, with :meth:`preview_pull`. Workflows of this workspace are replaced.

        Raises:
            ConflictError: The workspace has changed since the preview, or ``request_id`` belongs to another request.
            InvalidRequestError: A mapping or a required setting is missing.
        """
        return send.one(WorkspaceOperation)

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/fork/pull/preview", "previewWorkspacePull")
    def preview_pull(
        self,
        send: Sender,
        workspace_id: str,
        *,
        other_workspace_id: str,
        mappings: Sequence[ForkMapping | Mapping[str, Any]] | Unset = UNSET,
        dependent_values: Sequence[ForkDependentValue | Mapping[str, str]] | Unset = UNSET,
        copy_resources: CopiedResources | Mapping[str, Any] | Unset = UNSET,
        drop_references: Sequence[DroppedReference | Mapping[str, str]] | Unset = UNSET,
        trigger_mappings: Sequence[TriggerMapping | Mapping[str, Any]] | Unset = UNSET,
    ) -> Flow[SyncPreview]:
        """Show what :meth:`pull` with these arguments would change, without changing it."""
        return send.one(SyncPreview)

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/fork/rollback", "rollbackWorkspaceFork")
    def rollback(self, send: Sender, workspace_id: str, *, other_workspace_id: str) -> Flow[RolledBackSync]:
        """Undo the last push to, or pull from, another workspace.

        Raises:
            ConflictError: There is nothing to undo.
        """
        return send.one(RolledBackSync)

    @endpoint("POST", "/api/v2/workspaces/{workspaceId}/fork/unlink", "unlinkWorkspaceFork")
    def unlink(self, send: Sender, workspace_id: str, *, other_workspace_id: str) -> Flow[UnlinkedFork]:
        """End the connection of a workspace and its fork. Both stay, but can no longer push and pull."""
        return send.one(UnlinkedFork)
