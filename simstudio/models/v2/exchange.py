"""Exported and imported workflows."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model
from simstudio.models.v2.workflows import BlockSummary


@model
class ReferenceOccurrence(Model):
    """Where in a workflow something of its workspace is named.

    Attributes:
        block_id: The block.
        sub_block_key: Its setting.
        value_path: Where in the setting's value: names and indexes.
        encoding: How it stands there: ``array``, ``csv``, ``scalar``, ``files`` or ``environment``.
        positions: Which members of a list.
    """

    block_id: str
    sub_block_key: str
    value_path: list[str | int]
    encoding: str
    positions: list[int] | None = None


@model
class WorkflowReference(Model):
    """Something of its workspace that a workflow names.

    Attributes:
        kind: ``custom-tool``, ``credential``, ``skill``, ``table``, ``sandbox``, ``env-var``, ``knowledge-base``,
            ``knowledge-document``, ``file``, ``file-folder``, ``mcp-server``, ``custom-block`` or ``workflow``.
        source_id: Its id in that workspace.
        required: Whether the workflow cannot do without.
        occurrences: Where it is named.
    """

    kind: str
    source_id: str
    required: bool
    occurrences: list[ReferenceOccurrence]


@model
class ReferenceManifest(Model):
    """What of its workspace a workflow names.

    Attributes:
        version: Of the manifest's format: 1.
        references: What it names.
    """

    version: int
    references: list[WorkflowReference]


@model
class ExportedWorkflowInfo(Model):
    """The workflow that was exported.

    Attributes:
        id: Where it comes from.
        name: Its name.
        folder_path: The folder it lies in.
        description: What its author says of it.
        workspace_id: Where it comes from.
    """

    id: str
    name: str
    folder_path: str
    description: str | None = None
    workspace_id: str | None = None


@model
class ExportedWorkflow(Model):
    """A workflow to be imported elsewhere: give it to ``import_`` as it is, or keep ``to_dict()`` as JSON.

    Attributes:
        version: Of the format: ``1.0``.
        exported_at: When, ISO 8601.
        workflow: What was exported.
        state: Its graph, as plain JSON data, without secrets.
        reference_manifest: What of its workspace it names; where it was asked for.
    """

    version: str
    exported_at: str
    workflow: ExportedWorkflowInfo
    state: dict[str, Any]
    reference_manifest: ReferenceManifest | None = None


@model
class ImportBinding(Model):
    """Something of its workspace that a workflow names, and what stands for it in the new one.

    Attributes:
        kind: As in :class:`WorkflowReference`.
        source_id: Its id in the old workspace.
        required: Whether the workflow cannot do without.
        occurrence: Where it is named.
        target_id: Its id in the new workspace; None where nothing was chosen.
    """

    kind: str
    source_id: str
    required: bool
    occurrence: ReferenceOccurrence
    target_id: str | None = None


@model
class ImportConfiguration(Model):
    """A setting that depends on what is bound, such as a channel of a credential.

    Attributes:
        block_id: The block.
        sub_block_key: The setting.
        title: What it is called.
        required: Whether the workflow cannot do without.
        configured: Whether it is set.
        context: What its choice depends on, by name.
        requires_authentication: Whether a person must sign in first.
        multi_select: Whether it takes several.
        selector_key: By which its choices are listed.
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
    """How to find out what to bind to.

    Attributes:
        kind: As in :class:`WorkflowReference`.
        command: Of Sim's command line.
        human_authorization_may_be_required: Whether a person may have to consent.
    """

    kind: str
    command: str
    human_authorization_may_be_required: bool


@model
class ImportPreview(Model):
    """What an import would do.

    Attributes:
        preview_fingerprint: Of it; given to ``import_``, the import fails should anything have changed since.
        ready: Whether nothing is left to be bound or set.
        bindings: All that must stand for something else.
        unresolved_bindings: Those that nothing was chosen for.
        configuration: All settings that depend on what is bound.
        unresolved_configuration: Those that are not set.
        discovery: How to find out what to bind to.
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
    """Something that an import left to be done.

    Attributes:
        code: For programs.
        message: For people.
        workflow_id: In which workflow.
        block_id: In which block.
        sub_block_key: In which setting.
    """

    code: str
    message: str
    workflow_id: str | None = None
    block_id: str | None = None
    sub_block_key: str | None = None


@model
class ImportDeployment(Model):
    """A deployment that an import began.

    Attributes:
        operation_id: Of the deployment.
        workflow_id: Of the workflow.
        version: The version's number.
        status: ``preparing``, ``activating``, ``active``, ``failed`` or ``superseded``.
        ready: Whether it is live in all its parts.
        pending_components: The parts that are not.
    """

    operation_id: str
    workflow_id: str
    version: int
    status: str
    ready: bool
    pending_components: list[str]


@model
class TriggerUrlChange(Model):
    """A trigger that takes deliveries elsewhere than before.

    Attributes:
        workflow_name: Of the workflow.
        path: The last part of its new address.
    """

    workflow_name: str
    path: str


@model
class CopyProgress(Model):
    """How far the copying of contents is.

    Attributes:
        status: ``pending``, ``completed`` or ``failed``.
        copied: How many things were.
        failed: How many could not be.
    """

    status: str
    copied: int
    failed: int


@model
class ImportedWorkflow(Model):
    """A workflow just imported, and what is left to be done.

    Attributes:
        id: Of the new workflow.
        name: What it is called here.
        workspace_id: Where it is.
        folder_path: The folder it lies in.
        created_at: When, ISO 8601.
        updated_at: When, ISO 8601.
        warnings: The server's sentences about it.
        description: What is said of it.
        blocks: What it is made of.
        operation_id: Of the import, where one was recorded.
        request_id: As it was given.
        kind: ``workflow_import``, ``workspace_fork``, ``workspace_push`` or ``workspace_pull``.
        applied: True.
        status: ``completed``, ``completed_with_warnings``, ``requires_configuration``, ``processing`` or ``failed``.
        resource_ids: What else was made.
        issues: What is left to be done.
        id_map: New ids by old ones.
        deployment_operation_ids: Of deployments that it began.
        deployments: How far those are.
        trigger_url_changes: Triggers that take deliveries elsewhere than before.
        background_work_id: Of what goes on.
        copy_progress: How far that is.
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
