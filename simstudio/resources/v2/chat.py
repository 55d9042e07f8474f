"""``client.v2.chat``: conversations with Sim's agent."""

from __future__ import annotations

from typing import Annotated, Literal

from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import local
from simstudio.core.resource import APIResource
from simstudio.models.v2.chat import ChatReply
from simstudio.resources.parameters import WorkspaceId
from simstudio.transport.flow import Flow


class Chat(APIResource[M]):
    """Conversations with Sim's agent, which works in a workspace. Needs a personal key."""

    @endpoint("POST", "/api/v2/chat", "chat")
    def send(
        self,
        send: Sender,
        workspace_id: WorkspaceId,
        *,
        message: str,
        conversation_id: str | Unset = UNSET,
        effort: Literal["low", "medium", "high", "xhigh", "max"] | Unset = UNSET,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[ChatReply]:
        """Send a message to the agent and wait for its whole answer, which can take minutes.

        The agent may change the workspace, so the request is not retried once it may have arrived.

        Args:
            conversation_id: Up to 128 characters; default: a new conversation. An unknown id begins one as well.
            effort: How long the agent may think; servers of August 2026 ignore it.
            timeout: Seconds for the whole call; None for no limit; default: the client's timeout.

        Raises:
            PermissionDeniedError: The key is a workspace key, or may not see the workspace.
            ServerError: The agent failed, or this server has none.

        Example:
            >>> question = "Which workflows failed today?"
            >>> client.v2.chat.send("workspace-id", message=question, timeout=300).content  # doctest: +SKIP
        """
        return send.one(ChatReply, timeout=timeout)
