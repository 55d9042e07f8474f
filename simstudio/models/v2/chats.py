"""Chats: deployed workflows with a web page on which people talk to them."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class ChatOutput(Model):
    """An output of a workflow that the chat shows.

    Attributes:
        path: Path in the output of the block.
        workflow_id: None of the chat's own workflow.
    """

    block_id: str
    path: str
    workflow_id: str | None = None


@model
class ChatCustomizations(Model):
    """The appearance of a chat.

    Attributes:
        primary_color: CSS color.
        welcome_message: First message.
        image_url: URL of the picture.
    """

    primary_color: str | None = None
    welcome_message: str | None = None
    image_url: str | None = None


@model
class ChatDeploymentSummary(Model):
    """A chat in a list.

    Attributes:
        identifier: Last part of ``url``.
        title: Heading of the page.
        description: Text below the heading.
        is_active: Whether the chat answers.
        auth_type: Access to the chat: ``public``, ``password``, ``email`` or ``sso``.
        output_configs: Outputs that the chat shows.
        include_thinking: Whether the chat shows the reasoning of models.
        include_tool_calls: Whether the chat shows tool calls.
        created_at: ISO 8601.
        updated_at: ISO 8601.
    """

    id: str
    workflow_id: str
    workspace_id: str
    identifier: str
    url: str
    title: str
    description: str
    is_active: bool
    auth_type: str
    output_configs: list[ChatOutput]
    include_thinking: bool
    include_tool_calls: bool
    created_at: str
    updated_at: str


@model
class ChatDeployment(ChatDeploymentSummary):
    """A chat with all its settings.

    Attributes:
        has_password: Whether a password is set, which the server never sends.
        allowed_emails: Addresses that may talk to the chat if ``auth_type`` is ``email`` or ``sso``.
    """

    has_password: bool = attrs.field(kw_only=True)
    allowed_emails: list[str] = attrs.field(kw_only=True)
    customizations: ChatCustomizations = attrs.field(kw_only=True)


@model
class DeletedChat(Model):
    """The response to the deletion of a chat.

    Attributes:
        deleted: True.
    """

    id: str
    deleted: bool
