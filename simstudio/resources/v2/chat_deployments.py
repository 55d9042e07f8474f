"""``client.v2.chat_deployments``: the chats of a workspace (API.md 4.2)."""

from __future__ import annotations

from typing import Literal

from simstudio.core.endpoint import Sender, paged
from simstudio.core.modes import M
from simstudio.core.paging import Pages
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, length
from simstudio.models.v2.chats import ChatDeploymentSummary


class ChatDeployments(APIResource[M]):
    """The chats of a workspace; ``client.v2.workflows.chat`` makes and changes them."""

    @paged(
        "GET",
        "/api/v2/chat-deployments",
        "listChatDeployments",
        limits={"workspace_id": length(1, 128), "limit": between(1, 100)},
    )
    def list(
        self,
        send: Sender,
        workspace_id: str,
        *,
        workflow_id: str | None = None,
        is_active: bool | None = None,
        sort_by: Literal["identifier", "createdAt", "updatedAt"] | None = None,
        sort_order: Literal["asc", "desc"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[ChatDeploymentSummary]:
        """List the chats of a workspace.

        Args:
            workspace_id: Whose.
            workflow_id: Only of this workflow.
            is_active: Only those that answer, or only those that do not.
            sort_by: By what they are ordered; ``createdAt`` where it is not given.
            sort_order: ``desc`` where it is not given.
            limit: Chats a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters and order.

        Returns:
            The chats, over all pages.

        Raises:
            NotFoundError: No such workspace, or none that the key may see.
            SimStudioError: Any other failure.

        Example:
            >>> [chat.url for chat in client.v2.chat_deployments.list("workspace-id")]  # doctest: +SKIP
        """
        return send.pages(ChatDeploymentSummary)
