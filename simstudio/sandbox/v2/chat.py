"""Chat with the assistant, whose answers a registered workflow makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.resources.v2.chat import Chat
from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import OneOf, Optional, Shape, Text
from simstudio.sandbox.families import V2
from simstudio.sandbox.http import Headers, Refusal, head
from simstudio.sandbox.operation import Call
from simstudio.sandbox.runs import ChunkEvent, Event, Invocation, Outcome, Run
from simstudio.sandbox.seeding import new_uuid
from simstudio.sandbox.v2.absent import refuse_missing
from simstudio.sandbox.v2.answers import data
from simstudio.sandbox.v2.lines import HEADERS, NDJSON, accepts, send_heartbeats, send_line

if TYPE_CHECKING:
    import threading

    from starlette.types import ASGIApp, Receive, Scope, Send

    from simstudio.sandbox.core import Core

_BODY = Shape(
    {
        "workspaceId": Text(least=(1, None), most=(128, None), missing="Workspace ID is required"),
        "message": Text(least=(1, "message cannot be empty")),
        "conversationId": Optional(Text(most=(128, "conversationId cannot exceed 128 characters"))),
        "effort": Optional(OneOf(("low", "medium", "high", "xhigh", "max"))),
    }
)


@V2().serves(Chat.send, body=_BODY)
async def send(call: Call) -> ASGIApp:
    """Answer a message: at once, or as lines of JSON."""
    if call.key == "outsider" or call.body["workspaceId"] not in call.core.definitions.workspaces:
        raise Refusal(403, "Workspace access denied")
    if call.core.settings.assistant is None:
        return refuse_missing("an assistant, unless Sandbox(assistant=…) names a workflow that answers")
    reply = ChatReply(call)
    if accepts(call.request.headers.get("accept", ""), NDJSON):
        return ChatLines(call.core, reply, call.headers)
    outcome = await reply.run.execute(reply.receive)
    if outcome.ending != "completed":
        raise Refusal(500, reply.describe_failure(outcome))
    return data(reply.present(outcome))


class ChatReply:
    """The answer to one message.

    Raises:
        Refusal: 500, the workflow of the assistant is not registered.
    """

    def __init__(self, call: Call) -> None:
        name = str(call.core.settings.assistant)
        function = call.core.definitions.functions.get(name)
        if function is None:
            raise Refusal(500, f"No workflow {name!r} is registered to answer the chat")
        self._conversation_id: str = call.body.get("conversationId") or str(new_uuid())
        self._texts: list[str] = []
        threads: set[threading.Thread] = set()
        given = {"message": call.body["message"], "conversationId": self._conversation_id}
        self.run = Run(
            function,
            Invocation(given, given),
            str(new_uuid()),
            clock=call.core.clock,
            timeout=call.core.settings.execution_timeout,
            threads=threads,
            may_pause=False,
        )

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts)

    async def receive(self, event: Event) -> None:
        """Take an event of the run."""
        if isinstance(event, ChunkEvent):
            self._texts.append(event.text)

    def describe_failure(self, outcome: Outcome) -> str:
        """The message of an error."""
        return outcome.error or "Chat request failed"

    def present(self, outcome: Outcome) -> dict[str, Any]:
        """The whole answer: the streamed text, or what the function returned."""
        output = outcome.output
        content = self.text or (output if isinstance(output, str) else jsontext.dumps(jsontext.plain(output)))
        return {
            "content": content,
            "model": "sandbox",
            "conversationId": self._conversation_id,
            "tokens": {},
            "toolCalls": [],
        }


class ChatLines:
    """An answer as lines of JSON: heartbeats, pieces of text, and the whole answer or an error."""

    def __init__(self, core: Core, reply: ChatReply, headers: Headers) -> None:
        self._core = core
        self._reply = reply
        self._headers = (*HEADERS, *headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run and send."""
        del scope, receive
        reply = self._reply

        async def pass_on(event: Event) -> None:
            await reply.receive(event)
            if isinstance(event, ChunkEvent):
                await send_line(send, {"type": "chunk", "content": event.text})

        await send(head(200, self._headers))
        outcome = await send_heartbeats(self._core, send, reply.run.execute(pass_on))
        if outcome.ending == "completed":
            await send_line(send, {"type": "final", "data": reply.present(outcome)})
        else:
            await send_line(send, {"type": "error", "error": reply.describe_failure(outcome), "content": reply.text})
        await send({"type": "http.response.body", "body": b""})
