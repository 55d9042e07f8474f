"""Exports and imports of workflows."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model
from simstudio.models.v2.workflows import BlockSummary


@model
class ReferenceOccurrence(Model):
    """A place in a workflow that references a resource of the workspace.

    Attributes:
        sub_block_key: Setting of the block.
        value_path: Path in the value of the setting: keys and indexes.
        encoding: Form of the reference: ``array``, ``csv``, ``scalar``, ``files`` or ``environment``.
        positions: Indexes in a list.
    """

    block_id: str
    sub_block_key: str
    value_path: list[str | int]
    encoding: str
    positions: list[int] | None = None


@model
class WorkflowReference(Model):
    """A workspace resource that the workflow references.

    Attributes:
        kind: ``custom-tool``, ``credential``, ``skill``, ``table``, ``sandbox``, ``env-var``, ``knowledge-base``,
            ``knowledge-document``, ``file``, ``file-folder``, ``mcp-server``, ``custom-block`` or ``workflow``.
        source_id: Id of the resource in the workspace of the export.
        required: Whether the workflow needs the resource.
        occurrences: Places that reference it.
    """

    kind: str
    source_id: str
    required: bool
    occurrences: list[ReferenceOccurrence]


@model
class ReferenceManifest(Model):
    """The workspace resources that a workflow references.

    Attributes:
        version: Version of the format: 1.
    """

    version: int
    references: list[WorkflowReference]


@model
class ExportedWorkflowInfo(Model):
    """The workflow that was exported.

    Attributes:
        workspace_id: Workspace of the export.
    """

    id: str
    name: str
    folder_path: str
    description: str | None = None
    workspace_id: str | None = None


@model
class ExportedWorkflow(Model):
    """A workflow for an import: give it to ``import_`` as it is, or store ``to_dict()`` as JSON.

    Attributes:
        version: Version of the format: ``1.0``.
        exported_at: ISO 8601.
        state: Graph of the workflow without secrets, as JSON data.
        reference_manifest: Referenced resources; None if they were not requested.
    """

    version: str
    exported_at: str
    workflow: ExportedWorkflowInfo
    state: dict[str, Any]
    reference_manifest: ReferenceManifest | None = None


@model
class ImportBinding(Model):
    """A referenced resource, and the resource of the new workspace in its place.

    Attributes:
        kind: As in :class:`WorkflowReference`.
        source_id: Id of the resource in the workspace of the export.
        required: Whether the workflow needs the resource.
        target_id: Id of the resource in the new workspace; None if none was chosen.
    """

    kind: str
    source_id: str
    required: bool
    occurrence: ReferenceOccurrence
    target_id: str | None = None


@model
class ImportConfiguration(Model):
    """A setting that depends on a binding, such as the channel of a credential.

    Attributes:
        sub_block_key: Key of the setting.
        required: Whether the workflow needs the setting.
        configured: Whether the setting has a value.
        context: Values that determine the choices, by name.
        requires_authentication: Whether a person must sign in first.
        multi_select: Whether several choices are possible.
        selector_key: Key of the list of choices.
    """

    block_id: str
    sub_block_key: str
    title: str
    required: bool
    configured: bool
    context: dict[str, str]
    requires_authentication: bool
    multi_select: bool | None = None
    selector_key: str | None = None


@model
class ImportDiscovery(Model):
    """A way to find resources for bindings.

    Attributes:
        kind: As in :class:`WorkflowReference`.
        command: Command of Sim's command line.
        human_authorization_may_be_required: Whether a person may have to give consent.
    """

    kind: str
    command: str
    human_authorization_may_be_required: bool


@model
class ImportPreview(Model):
    """The effect of an import.

    Attributes:
        preview_fingerprint: Given to ``import_``, it makes the import fail if anything changed after the preview.
        ready: Whether no binding and no setting is left to be chosen.
        unresolved_bindings: Bindings without a choice.
        configuration: Settings that depend on bindings.
        unresolved_configuration: Settings without a value.
        discovery: Commands that list resources for the bindings.
    """

    preview_fingerprint: str
    ready: bool
    bindings: list[ImportBinding]
    unresolved_bindings: list[ImportBinding]
    configuration: list[ImportConfiguration]
    unresolved_configuration: list[ImportConfiguration]
    discovery: list[ImportDiscovery]


@model
class ImportIssue(Model):
    """A task that remains after an import.

    Attributes:
        code: Kind of the task.
        sub_block_key: Key of the setting.
    """

    code: str
    message: str
    workflow_id: str | None = None
    block_id: str | None = None
    sub_block_key: str | None = None


@model
class ImportDeployment(Model):
    """A deployment that an import started.

    Attributes:
        operation_id: Id of the deployment.
        status: ``preparing``, ``activating``, ``active``, ``failed`` or ``superseded``.
        ready: Whether the version is live in all its parts.
        pending_components: Parts that are not live.
    """

    operation_id: str
    workflow_id: str
    version: int
    status: str
    ready: bool
    pending_components: list[str]


@model
class TriggerUrlChange(Model):
    """A trigger with a new URL.

    Attributes:
        path: Last part of the URL.
    """

    workflow_name: str
    path: str


@model
class CopyProgress(Model):
    """The progress of copying contents.

    Attributes:
        status: ``pending``, ``completed`` or ``failed``.
        copied: Number of copied items.
        failed: Number of items that could not be copied.
    """

    status: str
    copied: int
    failed: int


@model
class ImportedWorkflow(Model):
    """A workflow that was just imported, and the tasks that remain.

    Attributes:
        id: Id of the new workflow.
        created_at: ISO 8601.
        updated_at: ISO 8601.
        warnings: Texts of the server; None on servers that do not send them.
        operation_id: Id of the import; None if the server did not record it.
        kind: ``workflow_import``, ``workspace_fork``, ``workspace_push`` or ``workspace_pull``.
        applied: True.
        status: ``completed``, ``completed_with_warnings``, ``requires_configuration``, ``processing`` or ``failed``.
        resource_ids: Ids of other resources that the import made.
        issues: Tasks that remain.
        id_map: New ids by old ones.
        deployment_operation_ids: Ids of the deployments that the import started.
        deployments: States of these deployments.
        trigger_url_changes: Triggers with new URLs.
        background_work_id: Id of work that continues in the background.
        copy_progress: Progress of that work.
    """

    id: str
    name: str
    workspace_id: str
    folder_path: str
    created_at: str
    updated_at: str
    warnings: list[str] | None = None
    description: str | None = None
    blocks: list[BlockSummary] | None = None
    operation_id: str | None = None
    request_id: str | None = None
    kind: str | None = None
    applied: bool | None = None
    status: str | None = None
    resource_ids: list[str] | None = None
    issues: list[ImportIssue] | None = None
    id_map: dict[str, str] | None = None
    deployment_operation_ids: list[str] | None = None
    deployments: list[ImportDeployment] | None = None
    trigger_url_changes: list[TriggerUrlChange] | None = None
    background_work_id: str | None = None
    copy_progress: CopyProgress | None = None
