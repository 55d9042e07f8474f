"""The answers of Sim's agent."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class ChatTokens(Model):
    """The numbers of tokens of an answer.

    Attributes:
        prompt: Tokens that the model read.
        completion: Tokens that the model wrote.
    """

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None


@model
class ChatReply(Model):
    """An answer of Sim's agent.

    Attributes:
        content: Text of the answer. Where the plan's credits are used up, it is ``<usage_upgrade>{…}</usage_upgrade>``.
        conversation_id: For the next message of the conversation.
        cost: ``input``, ``output`` and ``total``, as JSON data.
        tool_calls: Tools that the agent used, as JSON data.
    """

    content: str
    conversation_id: str
    model: str
    tokens: ChatTokens | None = None
    cost: Any = None
    tool_calls: list[dict[str, Any]] | None = None
