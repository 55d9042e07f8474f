"""Permission groups: what the members of an organization may use in its workspaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

import attrs

from simstudio.core.model import Model, model

if TYPE_CHECKING:
    from typing import TypeAlias

AuthType: TypeAlias = Literal["public", "password", "email", "sso"]
"""Who may open a shared file or a chat: anyone, or people with a password, an address, or single sign-on."""


class PermissionGroupSettings(TypedDict, total=False):
    """Settings of a permission group, under their wire names. Sim accepts more than is written here.

    ``PermissionGroupConfig`` explains them.
    """

    allowedIntegrations: Sequence[str] | None
    allowedModelProviders: Sequence[str] | None
    allowedFileShareAuthTypes: Sequence[AuthType] | None
    allowedChatDeployAuthTypes: Sequence[AuthType] | None
    allowedKnowledgeConnectors: Sequence[str] | None
    deniedModels: Sequence[str]
    deniedTools: Sequence[str]
    hideTraceSpans: bool
    hideKnowledgeBaseTab: bool
    hideTablesTab: bool
    hideCopilot: bool
    hideIntegrationsTab: bool
    hideSecretsTab: bool
    hideApiKeysTab: bool
    hideInboxTab: bool
    hideFilesTab: bool
    disableMcpTools: bool
    disableCustomTools: bool
    disableSkills: bool
    disableInvitations: bool
    disablePublicApi: bool
    disablePublicFileSharing: bool
    hideDeployApi: bool
    hideDeployMcp: bool
    hideDeployChatbot: bool
    disablePersonalApiKeys: bool
    disableLogExport: bool
    hideCostInfo: bool
    disableKnowledgeBaseCreation: bool
    disableKnowledgeBaseFileUpload: bool
    disableTableCreation: bool
    disableTableExport: bool
    disableBulkFileDownload: bool
    disablePersonalCredentials: bool
    disableWorkspaceCreation: bool
    hideOrgMemberDirectory: bool
    disableCliAccess: bool
    disableWebhookTriggers: bool
    disableToolAutoApproval: bool
    hideSandboxesTab: bool
    disableOAuthAppAccess: bool
    disableKnowledgeBaseExport: bool


@model
class PermissionGroupConfig(Model):
    """All settings of a permission group. A flag that is True forbids the feature that it names.

    In a list None allows everything, an empty list nothing.

    Attributes:
        allowed_integrations: Types of blocks.
        allowed_file_share_auth_types: Ways to protect a shared file: ``public``, ``password``, ``email`` and ``sso``.
        allowed_chat_deploy_auth_types: Ways to protect a chat, of the same four.
        allowed_knowledge_connectors: Types of connectors.
        denied_models: Models that are forbidden although their provider is allowed.
        denied_tools: Tools that are forbidden although their integration is allowed.
    """

    denied_models: list[str]
    denied_tools: list[str]
    hide_trace_spans: bool
    hide_knowledge_base_tab: bool
    hide_tables_tab: bool
    hide_copilot: bool
    hide_integrations_tab: bool
    hide_secrets_tab: bool
    hide_api_keys_tab: bool
    hide_inbox_tab: bool
    hide_files_tab: bool
    disable_mcp_tools: bool
    disable_custom_tools: bool
    disable_skills: bool
    disable_invitations: bool
    disable_public_api: bool
    disable_public_file_sharing: bool
    hide_deploy_api: bool
    hide_deploy_mcp: bool
    hide_deploy_chatbot: bool
    disable_personal_api_keys: bool
    disable_log_export: bool
    hide_cost_info: bool
    disable_knowledge_base_creation: bool
    disable_knowledge_base_file_upload: bool
    disable_table_creation: bool
    disable_table_export: bool
    disable_bulk_file_download: bool
    disable_personal_credentials: bool
    disable_workspace_creation: bool
    hide_org_member_directory: bool
    disable_cli_access: bool
    disable_webhook_triggers: bool
    disable_tool_auto_approval: bool
    hide_sandboxes_tab: bool
    disable_oauth_app_access: bool = attrs.field(metadata={"wire": "disableOAuthAppAccess"})
    disable_knowledge_base_export: bool
    allowed_integrations: list[str] | None = None
    allowed_model_providers: list[str] | None = None
    allowed_file_share_auth_types: list[str] | None = None
    allowed_chat_deploy_auth_types: list[str] | None = None
    allowed_knowledge_connectors: list[str] | None = None


@model
class PermissionGroup(Model):
    """A group of members, with what they may use in some workspaces.

    Attributes:
        is_default: Whether the group applies to all members in all workspaces, whoever belongs to it.
        membership_mode: Meaning of a group without members: ``inherit`` (it applies to all members) or ``explicit`` (it
            applies to nobody).
        workspace_ids: Workspaces in which the group applies; empty for the default group.
        created_by: User id.
        created_at: ISO 8601.
        updated_at: ISO 8601.
    """

    id: str
    organization_id: str
    name: str
    config: PermissionGroupConfig
    is_default: bool
    membership_mode: str
    workspace_ids: list[str]
    created_by: str
    created_at: str
    updated_at: str
    description: str | None = None


@model
class PermissionGroupMember(Model):
    """A member of a permission group.

    Attributes:
        id: Id of the assignment, not of the user.
        assigned_at: ISO 8601.
        user_image: URL of a picture.
    """

    id: str
    user_id: str
    assigned_at: str
    user_name: str | None = None
    user_email: str | None = None
    user_image: str | None = None


@model
class PermissionGroupAssignment(Model):
    """The response to the assignment of a member to a permission group.

    Attributes:
        id: Id of the assignment.
        assigned_by: User id.
        assigned_at: ISO 8601.
    """

    id: str
    permission_group_id: str
    organization_id: str
    user_id: str
    assigned_by: str
    assigned_at: str


@model
class AddedMembers(Model):
    """The response to the assignment of many members to a permission group.

    Attributes:
        skipped: Users who belonged to the group before.
    """

    added: int
    skipped: int
