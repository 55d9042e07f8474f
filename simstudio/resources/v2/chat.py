"""``client.v2.chat``: conversations with Sim's agent."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from simstudio.core.endpoint import Sender, endpoint, extract
from simstudio.core.failures import redact_error
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.parameters import local
from simstudio.core.resource import APIResource
from simstudio.core.routes import Route
from simstudio.models.v2.chat import ChatReply
from simstudio.resources.parameters import WorkspaceId
from simstudio.resources.v2.chat_stream import NDJSON, ChatDecoder, OpenedChat, chat_streaming
from simstudio.transport.flow import Flow, FromBody

Effort: TypeAlias = Literal["low", "medium", "high", "xhigh", "max"]


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
        effort: Effort | Unset = UNSET,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[ChatReply]:
        """Send a message to the agent and wait for its whole answer, which can take minutes.

        The agent may change the workspace, so the request is not retried once it may have arrived.

        Args:
            conversation_id: Up to 128 characters; default: a new conversation. An unknown id begins one as well.
            effort: Amount of thinking of the agent; servers of August 2026 ignore it.
            timeout: Seconds for the whole call; None for no limit; default: the client's timeout.

        Raises:
            PermissionDeniedError: The key is a workspace key, or may not see the workspace.
            ServerError: The agent failed, or this server has none.

        Example:
            >>> question = "Which workflows failed today?"
            >>> client.v2.chat.send("workspace-id", message=question, timeout=300).content  # doctest: +SKIP
        """
        return send.one(ChatReply, timeout=timeout)

    @chat_streaming
    def stream(
        self,
        workspace_id: str,
        *,
        message: str,
        conversation_id: str | Unset = UNSET,
        effort: Effort | Unset = UNSET,
        idle_timeout: float | None = 300.0,
    ) -> Flow[OpenedChat]:
        """Send a message to the agent and receive its answer while it is written.

        The arguments are otherwise those of :meth:`send`.

        Args:
            idle_timeout: Longest time without text, in seconds; None for no limit. Minutes are normal.

        Returns:
            An iterator over pieces of text and context manager; on the async client, await it or use ``async with``.
            ``result()`` is the whole answer.

        Raises:
            SimStudioError: The same as :meth:`send` before the stream opens; while iterating,
                :class:`~simstudio.StreamError`, whose ``partial`` is the text so far, or
                :class:`~simstudio.APITimeoutError`.

        Example:
            >>> with client.v2.chat.stream("workspace-id", message="What failed today?") as s:  # doctest: +SKIP
            ...     for text in s:
            ...         print(text, end="", flush=True)
        """
        arguments = {
            "workspace_id": workspace_id,
            "message": message,
            "conversation_id": conversation_id,
            "effort": effort,
        }
        route: Route = vars(Chat.send.flow)["route"]
        route.check(arguments)
        sender = Sender(self, route, arguments, "never")
        response = yield from sender(idle_timeout=idle_timeout, headers={"Accept": NDJSON})
        credentials = self._context.session.credentials
        decoder = ChatDecoder(response, lambda error: redact_error(error, credentials))
        if "ndjson" not in response.headers.get("content-type", "").lower() and response.body is not None:
            yield FromBody(response.body, "read")
            decoder.complete(extract(response, ("data",)))
        return OpenedChat(response, decoder)
