"""Workflows as files: out of one workspace and into another (API.md 4.1). Part of ``client.v2.workflows``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.resource import APIResource
from simstudio.core.routes import length
from simstudio.models.v2.exchange import ExportedWorkflow, ImportedWorkflow, ImportPreview
from simstudio.models.v2.workflow_params import DependentValue, ReferenceBinding, ReferenceMapping
from simstudio.transport.flow import Flow


class WorkflowExchange(APIResource[M]):
    """Export, and import elsewhere."""

    @endpoint("GET", "/api/v2/workflows/{workflowId}/export", "exportWorkflow")
    def export(
        self,
        send: Sender,
        workflow_id: str,
        *,
        include_references: bool | None = None,
        include_workspace_bindings: bool | None = None,
    ) -> Flow[ExportedWorkflow]:
        """Export the draft of a workflow. Secrets are never in it.

        Args:
            workflow_id: Its id.
            include_references: List what of its workspace it names (``reference_manifest``).
            include_workspace_bindings: Keep the ids of credentials, tables and the like; they are cleared otherwise.

        Returns:
            The export: give it to :meth:`import_`, or keep its ``to_dict()``.

        Raises:
            NotFoundError: There is none of that id, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> exported = client.v2.workflows.export("workflow-id", include_references=True)  # doctest: +SKIP
            >>> Path("triage.json").write_text(json.dumps(exported.to_dict()))  # doctest: +SKIP
        """
        return send.one(ExportedWorkflow)

    @endpoint("POST", "/api/v2/workflows/import", "importWorkflow", limits={"workspace_id": length(1, 128)})
    def import_(
        self,
        send: Sender,
        workspace_id: str,
        *,
        workflow: ExportedWorkflow | Mapping[str, Any] | str,
        folder_path: str | Unset = UNSET,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        mappings: Sequence[ReferenceMapping | Mapping[str, Any]] | Unset = UNSET,
        bindings: Sequence[ReferenceBinding | Mapping[str, Any]] | Unset = UNSET,
        dependent_values: Sequence[DependentValue | Mapping[str, Any]] | Unset = UNSET,
        request_id: str | Unset = UNSET,
        preview_fingerprint: str | Unset = UNSET,
    ) -> Flow[ImportedWorkflow]:
        """Make a workflow of an export.

        It is sent once; with ``request_id`` and ``preview_fingerprint``, under which identical ones import once
        (API.md 1.7), again where its answer was lost.

        Args:
            workspace_id: Where to.
            workflow: What :meth:`export` gave, a bare state, or the JSON text of either.
            folder_path: The folder it lies in, percent-encoded by segment; the root where it is not given.
            name: What it is called, in place of its old name.
            description: What is said of it, in place of what was.
            mappings: What stands for things of the old workspace, wherever they are named.
            bindings: What stands for them in single places.
            dependent_values: Settings that depend on what is bound.
            request_id: An id of yours for this import.
            preview_fingerprint: Of :meth:`preview_import`: fail should anything have changed since.

        Returns:
            The workflow, and what is left to be done (``status``, ``issues``, ``warnings``).

        Raises:
            InvalidRequestError: It is no workflow, or too large.
            ConflictError: The name is taken, or anything has changed since the preview.
            LockedError: The folder is locked.
            SimStudioError: Any other failure.

        Example:
            >>> exported = client.v2.workflows.export("workflow-id")  # doctest: +SKIP
            >>> client.v2.workflows.import_("other-workspace", workflow=exported).id  # doctest: +SKIP
        """
        if send.body is not None and {"requestId", "previewFingerprint"} <= set(send.body):
            send.resend = "claimed"
        return send.one(ImportedWorkflow)

    @endpoint(
        "POST", "/api/v2/workflows/import/preview", "previewWorkflowImport", limits={"workspace_id": length(1, 128)}
    )
    def preview_import(
        self,
        send: Sender,
        workspace_id: str,
        *,
        workflow: ExportedWorkflow | Mapping[str, Any] | str,
        folder_path: str | Unset = UNSET,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        mappings: Sequence[ReferenceMapping | Mapping[str, Any]] | Unset = UNSET,
        bindings: Sequence[ReferenceBinding | Mapping[str, Any]] | Unset = UNSET,
        dependent_values: Sequence[DependentValue | Mapping[str, Any]] | Unset = UNSET,
    ) -> Flow[ImportPreview]:
        """See what an import needs, without making anything.

        Args:
            workspace_id: Where to.
            workflow: What :meth:`export` gave, a bare state, or the JSON text of either.
            folder_path: As in :meth:`import_`.
            name: As in :meth:`import_`.
            description: As in :meth:`import_`.
            mappings: As in :meth:`import_`.
            bindings: As in :meth:`import_`.
            dependent_values: As in :meth:`import_`.

        Returns:
            What has to be bound and set, and whether it all is (``ready``).

        Raises:
            InvalidRequestError: It is no workflow, or too large.
            SimStudioError: Any other failure.

        Example:
            >>> preview = client.v2.workflows.preview_import("workspace-id", workflow=exported)  # doctest: +SKIP
            >>> [binding.kind for binding in preview.unresolved_bindings]  # doctest: +SKIP
            ['credential']
        """
        return send.one(ImportPreview)
