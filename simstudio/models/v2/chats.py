"""Chats: web pages on which people use a deployed workflow."""

from __future__ import annotations

import attrs

from simstudio.core.model import Model, model


@model
class ChatOutput(Model):
    """An output of a workflow that its chat shows.

    Attributes:
        block_id: The block.
        path: Where in the block's output.
        workflow_id: Of which workflow; the chat's own where it is None.
    """

    block_id: str
    path: str
    workflow_id: str | None = None


@model
class ChatCustomizations(Model):
    """How a chat looks.

    Attributes:
        primary_color: As CSS has it.
        welcome_message: What it begins with.
        image_url: Of its picture.
    """

    primary_color: str | None = None
    welcome_message: str | None = None
    image_url: str | None = None


@model
class ChatDeploymentSummary(Model):
    """A chat, as it is listed.

    Attributes:
        id: Of the chat.
        workflow_id: Of the workflow behind it.
        workspace_id: Where that is.
        identifier: The last part of its address.
        url: Its address.
        title: What people read above it.
        description: What people read below that.
        is_active: Whether it answers.
        auth_type: Who may talk to it: ``public``, ``password``, ``email`` or ``sso``.
        output_configs: What it shows.
        include_thinking: Whether it shows what models think.
        include_tool_calls: Whether it shows what tools are called.
        created_at: When, ISO 8601.
        updated_at: When, ISO 8601.
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
        has_password: Whether one is set; it is never given.
        allowed_emails: Who may talk to it, where ``auth_type`` is ``email`` or ``sso``.
        customizations: How it looks.
    """

    has_password: bool = attrs.field(kw_only=True)
    allowed_emails: list[str] = attrs.field(kw_only=True)
    customizations: ChatCustomizations = attrs.field(kw_only=True)


@model
class DeletedChat(Model):
    """A chat that was taken away.

    Attributes:
        id: Of the chat.
        deleted: True.
    """

    id: str
    deleted: bool
