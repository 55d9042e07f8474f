"""``client.v2.chat_deployments``: the chats of a workspace."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.models.v2.chats import ChatDeploymentSummary
from simstudio.resources.parameters import PageLimit, WorkspaceId


class ChatDeployments(APIResource[M]):
    """The chats of a workspace; ``client.v2.workflows.chat`` creates and changes them."""

    @paged("GET", "/api/v2/chat-deployments", "listChatDeployments")
    def list(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        workflow_id: str | None = None,
        is_active: bool | None = None,
        sort_by: Literal["identifier", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[ChatDeploymentSummary]:
        """List the chats of a workspace.

        Args:
            is_active: Only active or only inactive chats; default: both.
            sort_by: Default ``createdAt``.
            sort_order: Default ``desc``.
            limit: Chats per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page with the same filters and order.

        Raises:
            NotFoundError: No workspace has this id, or the API key may not see it.

        Example:
            >>> [chat.url for chat in client.v2.chat_deployments.list("workspace-id")]  # doctest: +SKIP
        """
        return send.pages(ChatDeploymentSummary)
