"""Chat deployments: a public page that talks to a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import attrs

from simstudio.sandbox.http import Refusal
from simstudio.sandbox.seeding import new_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping

AuthType = Literal["public", "password", "email", "sso"]


@attrs.frozen
class Chat:
    """One chat. Times are epoch seconds; its password is not kept."""

    workflow_id: str
    workspace_id: str
    identifier: str
    title: str
    created: float
    updated: float
    id: str = attrs.field(factory=lambda: str(new_uuid()))
    description: str = ""
    customizations: Mapping[str, str] = attrs.field(factory=dict)
    auth_type: AuthType = "public"
    has_password: bool = False
    allowed_emails: tuple[str, ...] = ()
    output_configs: tuple[Mapping[str, str], ...] = ()
    include_thinking: bool = False
    include_tool_calls: bool = False


class Chats:
    """The chats of a sandbox: at most one a workflow."""

    def __init__(self) -> None:
        self._chats: dict[str, Chat] = {}

    def all_of(self, workspace_id: str) -> list[Chat]:
        """The chats of a workspace."""
        return [chat for chat in self._chats.values() if chat.workspace_id == workspace_id]

    def get(self, workflow_id: str) -> Chat:
        """A workflow's chat.

        Raises:
            Refusal: 404, the workflow has no chat.
        """
        if workflow_id not in self._chats:
            raise Refusal(404, "Chat deployment not found")
        return self._chats[workflow_id]

    def put(self, workflow_id: str, workspace_id: str, wanted: Mapping[str, Any], now: float) -> Chat:
        """Add the chat of a workflow, or replace it; customizations that are not given stay.

        Raises:
            Refusal: the identifier is taken, or password or e-mails do not fit the kind of access.
        """
        earlier = self._chats.get(workflow_id)
        identifier: str = wanted["identifier"]
        taken = (chat.identifier for chat in self._chats.values() if chat is not earlier)
        if identifier in taken:
            raise Refusal(409, "Identifier already in use")
        auth_type: AuthType = wanted.get("authType", "public")
        keeps = earlier is not None and earlier.has_password and auth_type == "password"
        emails = tuple(wanted.get("allowedEmails", ()))
        if auth_type == "password" and "password" not in wanted and not keeps:
            raise Refusal(400, 'password is required when authType is "password"')
        if auth_type != "password" and "password" in wanted:
            raise Refusal(
                400, f'password cannot be set when authType is "{auth_type}"; only "password" gating stores one'
            )
        if auth_type in ("email", "sso") and not emails:
            raise Refusal(
                400, f'allowedEmails must contain at least one email or domain when authType is "{auth_type}"'
            )
        chat = Chat(
            workflow_id,
            workspace_id,
            identifier,
            wanted["title"],
            created=now if earlier is None else earlier.created,
            updated=now,
            description=wanted.get("description", ""),
            customizations={**({} if earlier is None else earlier.customizations), **wanted.get("customizations", {})},
            auth_type=auth_type,
            has_password=auth_type == "password",
            allowed_emails=emails,
            output_configs=tuple(wanted.get("outputConfigs", ())),
            include_thinking=wanted.get("includeThinking", False),
            include_tool_calls=wanted.get("includeToolCalls", False),
        )
        self._chats[workflow_id] = chat if earlier is None else attrs.evolve(chat, id=earlier.id)
        return self._chats[workflow_id]

    def remove(self, workflow_id: str) -> Chat | None:
        """Delete the chat of a workflow; return it, or None if there was no chat."""
        return self._chats.pop(workflow_id, None)
