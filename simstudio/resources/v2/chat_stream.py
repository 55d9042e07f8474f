"""Streams of the agent's answers: lines of JSON (``application/x-ndjson``), decoded without I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Final, overload

from simstudio.core import streaming
from simstudio.core.conversion import structure
from simstudio.core.errors import StreamError
from simstudio.core.functions import Form
from simstudio.core.modes import Async, Mode, RawAsync, RawSync, Sync
from simstudio.core.operation import Method
from simstudio.models.v2.chat import ChatReply
from simstudio.resources.streamed_text import MOST_TEXT, StreamedText
from simstudio.transport.errors import APITimeoutError, InvalidResponseError
from simstudio.transport.message import MAX_EVENT_SIZE

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from simstudio.core.resource import APIResource
    from simstudio.transport.errors import APIConnectionError, SimStudioError
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

    P = ParamSpec("P")
else:
    from typing import ParamSpec

    P = ParamSpec("P")

NDJSON: Final = "application/x-ndjson"
OpenedChat = streaming.OpenedStream[str, ChatReply]


class ChatStream(streaming.EventStream[str, ChatReply]):
    """The text of an answer as it arrives: an iterator over pieces of text, and a context manager.

    ``result()`` is the whole answer. When the stream is closed early, the agent may go on.
    """


class AsyncChatStream(streaming.AsyncEventStream[str, ChatReply]):
    """The async form of :class:`ChatStream`."""


class AsyncChatStreamManager(streaming.EventStreamManager[str, AsyncChatStream]):
    """The return value of ``stream(...)`` on the async client: await it, use ``async with``, or iterate over it."""

    def __init__(self, opening: Coroutine[Any, Any, OpenedChat]) -> None:
        super().__init__(opening, AsyncChatStream)


class ChatDecoder:
    """Decodes the lines of one answer: heartbeats, pieces of text, and at the end the answer or an error.

    Args:
        response: The response that opened the stream; errors name it.
        redact: Removes the API key, which a server may have echoed, from an error.
    """

    def __init__(self, response: Response, redact: Callable[[SimStudioError], None]) -> None:
        self._response = response
        self._redact = redact
        self._text = StreamedText()
        self._line: list[bytes] = []
        self._size = self._kept = 0
        self._reply: ChatReply | None = None
        self.over = False
        self.failure: SimStudioError | None = None

    @property
    def partial(self) -> str:
        """The text that has arrived."""
        return str(self._text)

    def feed(self, data: bytes) -> list[str]:
        """Return the text in the lines that the next bytes complete."""
        begun, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._line.append(data)
            self._size += len(data)
            if self._size > MAX_EVENT_SIZE:
                self._fail(f"holds a line of more than {MAX_EVENT_SIZE:,} bytes")
            return []
        lines = b"".join((*self._line, begun)).split(b"\n")
        self._line, self._size = [rest], len(rest)
        return self._read(lines)

    def end(self, cause: APIConnectionError | None = None) -> list[str]:
        """Return the text in the last line: the bytes ended, or reading them failed with ``cause``."""
        texts = self._read([b"".join(self._line)]) if cause is None else []
        if isinstance(cause, APITimeoutError):
            cause.partial = self.partial
            self.failure = self.redact(cause)
        elif not self.over and self.failure is None:
            reason = f": {str(cause).rstrip('.')}" if cause is not None else ""
            self._fail(f"ended before the answer did{reason}", cause)
        return texts

    def text(self, event: str) -> str:
        """Return the piece of text itself."""
        return event

    def complete(self, data: Any) -> None:
        """End the stream with the answer as JSON data."""
        try:
            self._reply = structure(data, ChatReply, response=self._response)
            self.over = True
        except InvalidResponseError as error:
            self.failure = self.redact(error)

    def result(self) -> ChatReply:
        """Return the answer, or raise the error that prevented it."""
        if self._reply is None:
            raise self.failure or self._error("was closed before its end, so there is no answer")
        return self._reply

    def redact(self, error: SimStudioError) -> SimStudioError:
        """Return an error without the API key, which a server may have echoed into the stream."""
        self._redact(error)
        return error

    def _read(self, lines: list[bytes]) -> list[str]:
        texts = []
        for line in lines:
            if line.strip() and not self.over and self.failure is None:
                text = self._read_line(line)
                if text:
                    texts.append(text)
        return texts

    def _read_line(self, line: bytes) -> str:
        """Read one line, and return its text. Heartbeats, and lines of kinds of later servers, have none."""
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            self._fail(f"holds a line that is no JSON object, beginning {line[:80]!r}")
            return ""
        kind, content = event.get("type"), event.get("content")
        if kind == "chunk" and isinstance(content, str):
            self._kept += len(content)
            if self._kept > MOST_TEXT:
                self._fail(f"delivered more than {MOST_TEXT:,} characters of text")
                return ""
            return self._text.append(content)
        if kind == "final":
            self.complete(event.get("data"))
            return self._text.end()
        if kind == "error":
            self._fail(f"ended with an error of the agent: {event.get('error')}")
        return ""

    def _fail(self, problem: str, cause: APIConnectionError | None = None) -> None:
        self.failure = self._error(problem, cause)

    def _error(self, problem: str, cause: APIConnectionError | None = None) -> SimStudioError:
        where = f"{self._response.method} {self._response.path}"
        text = f"The stream of {where} {problem}. The text before it is in error.partial; the agent may have gone on."
        error = StreamError(text, partial=self.partial, response=self._response)
        error.__cause__ = cause
        return self.redact(error)


class chat_streaming(Method[P, ChatReply]):  # noqa: N801 - a decorator
    """Make a streaming operation from a generator method that returns ``Flow[OpenedChat]``."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[OpenedChat]]) -> None:
        super().__init__(flow)

    @overload
    def __get__(self, resource: None, owner: Any) -> chat_streaming[P]: ...
    @overload
    def __get__(self, resource: APIResource[Sync] | APIResource[RawSync], owner: Any) -> Callable[P, ChatStream]: ...
    @overload
    def __get__(
        self, resource: APIResource[Async] | APIResource[RawAsync], owner: Any
    ) -> Callable[P, AsyncChatStreamManager]: ...
    def __get__(self, resource: Any, owner: Any) -> Any:
        return self._bind(resource, owner)

    def _form(self, mode: type[Mode]) -> Form:
        kind: Any = AsyncChatStreamManager if mode.asynchronous else ChatStream

        def open_stream(resource: APIResource[Any], flow: Flow[Any]) -> Any:
            return kind(resource._context.run(resource._redact_errors(flow)))

        return Form(kind.__name__, open_stream)
