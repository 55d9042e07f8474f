"""Export and import of workflows; part of ``client.v2.workflows``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import APIResource
from simstudio.models.v2.exchange import ExportedWorkflow, ImportedWorkflow, ImportPreview
from simstudio.models.v2.workflow_params import DependentValue, ReferenceBinding, ReferenceMapping
from simstudio.resources.folder_paths import FolderPath
from simstudio.resources.parameters import WorkspaceId
from simstudio.transport.flow import Flow


class WorkflowExchange(APIResource[M]):
    """Export a workflow, and import it into another workspace."""

    @endpoint("GET", "/api/v2/workflows/{workflowId}/export", "exportWorkflow")
    def export(
        self,
        send: Sender,
        workflow_id: str,
        *,
        include_references: bool | None = None,
        include_workspace_bindings: bool | None = None,
    ) -> Flow[ExportedWorkflow]:
        """Export the draft of a workflow, without secrets.

        Args:
            include_references: List the workspace resources that the workflow references (``reference_manifest``).
            include_workspace_bindings: Keep the ids of credentials, tables and other workspace resources; default: they
                are cleared.

        Returns:
            The export, for :meth:`import_`; ``to_dict()`` gives it as JSON data.

        Raises:
            NotFoundError: No workflow has this id, or the API key may not see it.

        Example:
            >>> exported = client.v2.workflows.export("workflow-id", include_references=True)  # doctest: +SKIP
            >>> Path("triage.json").write_text(json.dumps(exported.to_dict()))  # doctest: +SKIP
        """
        return send.one(ExportedWorkflow)

    @endpoint("POST", "/api/v2/workflows/import", "importWorkflow")
    def import_(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        workflow: ExportedWorkflow | Mapping[str, Any] | str,
        folder_path: FolderPath | Unset = UNSET,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        mappings: Sequence[ReferenceMapping | Mapping[str, Any]] | Unset = UNSET,
        bindings: Sequence[ReferenceBinding | Mapping[str, Any]] | Unset = UNSET,
        dependent_values: Sequence[DependentValue | Mapping[str, Any]] | Unset = UNSET,
        request_id: str | Unset = UNSET,
        preview_fingerprint: str | Unset = UNSET,
    ) -> Flow[ImportedWorkflow]:
        """Create a workflow from an export.

        The request is retried only with both ``request_id`` and ``preview_fingerprint``, under which the server imports
        at most once.

        Args:
            workflow: An export, a workflow's state, or the JSON text of either.
            folder_path: Target folder; default: the root.
            name: Name of the new workflow; default: the exported name.
            description: Description of the new workflow; default: the exported one.
            mappings: Replacements for workspace resources, everywhere in the workflow.
            bindings: Replacements for workspace resources in single fields.
            dependent_values: Values of fields that depend on a bound resource.
            request_id: Your own id for this import.
            preview_fingerprint: Fingerprint from :meth:`preview_import`; the import fails if anything has changed
                since.

        Returns:
            The new workflow, and what still has to be configured (``status``, ``issues``, ``warnings``).

        Raises:
            InvalidRequestError: ``workflow`` is malformed or too large.
            ConflictError: The name is taken, or something has changed since the preview.
            LockedError: The folder is locked.

        Example:
            >>> exported = client.v2.workflows.export("workflow-id")  # doctest: +SKIP
            >>> client.v2.workflows.import_("other-workspace", workflow=exported).id  # doctest: +SKIP
        """
        if send.body is not None and {"requestId", "previewFingerprint"} <= set(send.body):
            send.resend = "claimed"
        return send.one(ImportedWorkflow)

    @endpoint("POST", "/api/v2/workflows/import/preview", "previewWorkflowImport", evidence="documented")
    def preview_import(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        workflow: ExportedWorkflow | Mapping[str, Any] | str,
        folder_path: FolderPath | Unset = UNSET,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        mappings: Sequence[ReferenceMapping | Mapping[str, Any]] | Unset = UNSET,
        bindings: Sequence[ReferenceBinding | Mapping[str, Any]] | Unset = UNSET,
        dependent_values: Sequence[DependentValue | Mapping[str, Any]] | Unset = UNSET,
    ) -> Flow[ImportPreview]:
        """Check an import without creating anything. The arguments are those of :meth:`import_`.

        Returns:
            The resources and values to provide; ``ready`` says whether all are given.

        Raises:
            InvalidRequestError: ``workflow`` is malformed or too large.

        Example:
            >>> preview = client.v2.workflows.preview_import("workspace-id", workflow=exported)  # doctest: +SKIP
            >>> [binding.kind for binding in preview.unresolved_bindings]  # doctest: +SKIP
            ['credential']
        """
        return send.one(ImportPreview)
