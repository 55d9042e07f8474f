"""Forks: copies of a workspace, which exchange workflows with it; and the parameters of their operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, TypedDict

from simstudio.core.model import Model, model
from simstudio.models.v2.exchange import TriggerUrlChange

ResourceType: TypeAlias = Literal[
    "skill",
    "table",
    "sandbox",
    "file",
    "oauth_credential",
    "service_account_credential",
    "env_var",
    "knowledge_base",
    "file_folder",
    "mcp_server",
    "custom_block",
    "custom_tool",
]
"""The types of resources that have a counterpart in the other workspace."""


class CopiedResources(TypedDict, total=False):
    """Ids of the resources that are copied with the workflows."""

    files: Sequence[str]
    tables: Sequence[str]
    knowledgeBases: Sequence[str]
    customTools: Sequence[str]
    skills: Sequence[str]
    mcpServers: Sequence[str]


class ForkedResources(CopiedResources, total=False):
    """Ids of the resources that a new fork gets."""

    workflowMcpServers: Sequence[str]


class ForkMapping(TypedDict):
    """A resource and its counterpart in the other workspace; None for none."""

    resourceType: ResourceType
    sourceId: str
    targetId: str | None


class ForkDependentValue(TypedDict):
    """The value of a setting that depends on a mapping, such as the channel of a credential."""

    sourceWorkflowId: str
    sourceBlockId: str
    subBlockKey: str
    value: str


class DroppedReference(TypedDict):
    """A resource whose references are cleared."""

    kind: Literal[
        "custom-tool",
        "credential",
        "skill",
        "table",
        "sandbox",
        "env-var",
        "knowledge-base",
        "knowledge-document",
        "file",
        "file-folder",
        "mcp-server",
        "custom-block",
    ]
    sourceId: str


class TriggerMapping(TypedDict):
    """The URL path that a trigger takes over; None for a path of its own."""

    sourceWorkflowId: str
    sourceBlockId: str
    adoptPath: str | None


@model
class ForkAvailability(Model):
    """Whether a workspace can be forked."""

    available: bool


@model
class ForkWorkspace(Model):
    """A workspace in a line of forks.

    Attributes:
        organization_id: None if it belongs to no organization.
    """

    id: str
    name: str
    organization_id: str | None = None


@model
class ForkChild(ForkWorkspace):
    """A fork of a workspace.

    Attributes:
        created_at: ISO 8601.
    """

    created_at: str | None = None


@model
class ForkLineage(Model):
    """A workspace and the one of which it is a fork.

    Attributes:
        parent: None if the workspace is no fork.
    """

    current: ForkWorkspace
    parent: ForkWorkspace | None = None


@model
class ForkMappingEntry(Model):
    """A resource and its counterpart in the other workspace.

    Attributes:
        resource_type: ``table``, ``oauth_credential``, ``knowledge_base`` …
        target_id: None if it has no counterpart.
    """

    resource_type: str
    source_id: str
    id: str
    target_id: str | None = None


@model
class ForkResource(Model):
    """A resource that a fork can get.

    Attributes:
        folder_id: None if it is in no folder.
    """

    id: str
    label: str
    folder_id: str | None = None
    folder_name: str | None = None


@model
class UpdatedForks(Model):
    """The response to a change of mappings or exclusions.

    Attributes:
        updated: Number of changed mappings or workflows.
    """

    updated: int


@model
class ForkedWorkflow(Model):
    """A workflow that a new fork gets."""

    source_workflow_id: str
    name: str


@model
class ForkPreview(Model):
    """The contents of a new fork.

    Attributes:
        preview_fingerprint: For ``create``, which fails if anything changed after the preview.
        draft_only: True: workflows of the fork are not deployed.
    """

    preview_fingerprint: str
    source_workspace_id: str
    workflows: list[ForkedWorkflow]
    selected_resource_count: int
    draft_only: bool


@model
class SyncedWorkflow(Model):
    """A workflow that a push or a pull changes.

    Attributes:
        action: ``create``, ``replace`` or ``archive``.
        source_workflow_id: None if it is archived.
        target_workflow_id: None if it is created.
    """

    action: str
    name: str
    source_workflow_id: str | None = None
    target_workflow_id: str | None = None


@model
class UnresolvedBinding(Model):
    """A resource without a counterpart.

    Attributes:
        block_name: A block that uses it.
        reason: Text of the server.
    """

    kind: str
    source_id: str
    block_name: str | None = None
    reason: str | None = None


@model
class SyncConfiguration(Model):
    """A setting that depends on a mapping, such as the channel of a credential.

    Attributes:
        sub_block_key: Key of the setting.
        discovery_workspace_id: Workspace in which ``client.v2.selectors`` lists the choices.
        context: Values that determine the choices, by name.
        parent_kind: Kind of the mapped resource, such as ``credential``.
        multi_select: Whether several choices are possible.
        selector_key: List of choices, for ``client.v2.selectors``.
        parent_context_key: Key of the mapped resource in ``context``.
    """

    source_workflow_id: str
    source_block_id: str
    sub_block_key: str
    title: str
    required: bool
    current_value: str
    discovery_workspace_id: str
    context: dict[str, str]
    parent_kind: str
    parent_source_id: str
    multi_select: bool | None = None
    selector_key: str | None = None
    parent_context_key: str | None = None


@model
class ExcludedTarget(Model):
    """A workflow that pushes and pulls leave alone."""

    id: str
    name: str


@model
class TriggerSlot(Model):
    """A trigger with a URL.

    Attributes:
        adoptable_paths: URL paths of the replaced workflows that the trigger can take over.
        own_path: Its own URL path; None if it has none yet.
        default_adopt_path: The path that it takes over unless ``trigger_mappings`` says otherwise.
    """

    source_workflow_id: str
    source_block_id: str
    block_name: str
    workflow_name: str
    adoptable_paths: list[str]
    own_path: str | None = None
    default_adopt_path: str | None = None


@model
class SyncPreview(Model):
    """The effect of a push or a pull.

    Attributes:
        preview_fingerprint: For ``push`` or ``pull``, which fails if anything changed after the preview.
        ready: Whether no mapping and no required setting is missing.
        unresolved_bindings: Resources without a counterpart.
        configuration: Settings that depend on mappings.
        excluded_targets: Workflows that are left alone.
        trigger_slots: Triggers with URLs.
        trigger_url_changes: Triggers whose URLs change.
    """

    preview_fingerprint: str
    source_workspace_id: str
    target_workspace_id: str
    ready: bool
    workflows: list[SyncedWorkflow]
    unresolved_bindings: list[UnresolvedBinding]
    configuration: list[SyncConfiguration]
    excluded_targets: list[ExcludedTarget]
    trigger_slots: list[TriggerSlot]
    trigger_url_changes: list[TriggerUrlChange]


@model
class RolledBackSync(Model):
    """The effect of undoing the last push or pull.

    Attributes:
        restored: Number of workflows with their former content.
        archived: Number of workflows that the push or pull had created.
        unarchived: Number of workflows that the push or pull had archived.
        skipped: Number of workflows that were left alone.
        pending_activations: Ids of workflows whose deployment goes on in the background.
    """

    restored: int
    archived: int
    unarchived: int
    skipped: int
    pending_activations: list[str]


@model
class UnlinkedFork(Model):
    """The response to the end of a fork's connection.

    Attributes:
        unlinked: Whether the workspaces were connected.
    """

    unlinked: bool
