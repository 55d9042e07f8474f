"""The events of a streamed execution, decoded without I/O.

:class:`ExecutionEvents` turns the bytes of a stream into typed events and knows when it is over, and why; it is fed by
hand in tests, and by the streams of :mod:`simstudio.resources.streams` otherwise.

The frames (NOTES 2, API.md 2.2): ``{"blockId", "chunk"}``; ``{"event": "final", "data": {…}}`` (the documents:
``{"event": "done", …}``); ``{"event": "error", "error"}``; then ``data: "[DONE]"``, with quotes (the documents: bare).
v2 adds ``chunk_reset``, and, where they were asked for, ``thinking`` and ``tool``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from simstudio.core.conversion import structure
from simstudio.core.sse import ServerSentEvent, SSEDecoder, UndecodableEventError
from simstudio.errors import (
    APIConnectionError,
    APITimeoutError,
    ExecutionError,
    InvalidResponseError,
    SimStudioError,
    StreamError,
)
from simstudio.models.events import (
    ChunkEvent,
    FinalEvent,
    OtherEvent,
    ResetEvent,
    StreamEvent,
    ThinkingEvent,
    ToolEvent,
)
from simstudio.models.execution import WorkflowExecutionResult, error_text
from simstudio.transport.message import MAX_EVENT_SIZE

E = TypeVar("E")
_JOIN_AFTER = 1024
_AGENT_EVENTS: dict[str, type[StreamEvent]] = {
    "chunk_reset": ResetEvent,
    "thinking": ThinkingEvent,
    "tool": ToolEvent,
}


class _Text:
    """Text that grows by small pieces, kept without an object for each of them."""

    __slots__ = ("_joined", "_pieces")

    def __init__(self) -> None:
        self._joined: list[str] = []
        self._pieces: list[str] = []

    def append(self, piece: str) -> None:
        self._pieces.append(piece)
        if len(self._pieces) >= _JOIN_AFTER:
            self._joined.append("".join(self._pieces))
            self._pieces.clear()

    def __str__(self) -> str:
        return "".join([*self._joined, *self._pieces])


class ExecutionEvents:
    r"""The state of one stream, fed with bytes.

    Args:
        where: What to name in errors: method and path.
        max_event_size: Bytes that one event may have.
        conceal: Completes an error before it is raised: takes the key out of it, should the server have echoed it.
        run_id: Of v2: the id of the run, for its result.

    Attributes:
        over: Whether the end marker came, or an end that needs none.
        failure: What to raise once the events before it were taken, or None.
        final: The final event, once it came.

    Example:
        >>> ExecutionEvents().feed(b'data: {"blockId":"b","chunk":"Hi"}\n\n')[0].chunk
        'Hi'
    """

    def __init__(
        self,
        where: str = "the stream",
        *,
        max_event_size: int = MAX_EVENT_SIZE,
        conceal: Callable[[SimStudioError], None] | None = None,
        run_id: str | None = None,
    ) -> None:
        self._where = where
        self._run_id = run_id
        self._conceal = conceal
        self._decoder = SSEDecoder(max_event_size=max_event_size)
        self._texts: dict[str | None, _Text] = {}
        self._order: list[str | None] = []
        self.over = False
        self.failure: SimStudioError | None = None
        self.final: FinalEvent | None = None

    def feed(self, data: bytes) -> list[StreamEvent]:
        """The events that the next bytes complete. A failure among them is left in ``failure``."""
        if self.over or self.failure is not None:
            return []
        try:
            return self._events(self._decoder.feed(data))
        except UndecodableEventError as error:
            events = self._events(error.events)
            if not self.over and self.failure is None:
                self.failure = self.concealed(StreamError(f"{error} ({self._where})", partial=self.partial))
            return events

    def end(self, cause: APIConnectionError | None = None) -> list[StreamEvent]:
        """No more bytes will come, because they ended or because of ``cause``; the events still to be had."""
        if self.over or self.failure is not None:
            return []
        try:
            events = self._events(self._decoder.flush()) if cause is None else []
        except StreamError:
            events = []
        self._ended(cause)
        return events

    def concealed(self, error: SimStudioError) -> SimStudioError:
        """An error without the key, should the server have echoed it into the stream."""
        if self._conceal is not None:
            self._conceal(error)
        return error

    @property
    def partial(self) -> str:
        """The text so far, all blocks one after another in the order in which they began."""
        return "".join(str(self._texts[block]) for block in self._order)

    def text(self, event: StreamEvent) -> str | None:
        """The text of a chunk of a streamed block; None of other events."""
        return event.chunk if isinstance(event, ChunkEvent) else None

    def result(self) -> WorkflowExecutionResult:
        """The result of a stream that is over.

        v0.6 leaves streamed blocks out of the final output and v0.4 repeats them: the joined text of a block is put
        into ``output[block_id]["content"]`` only where the final output lacks the block.
        """
        if self.failure is not None:
            raise self.failure
        if self.final is None:
            raise self.concealed(
                StreamError(
                    f"The stream of {self._where} was closed before its end, so it has no result.",
                    partial=self.partial,
                )
            )
        final = self.final
        output = final.output
        if self._texts and (output is None or isinstance(output, dict)):
            streamed = {
                block: {"content": str(text)}
                for block, text in self._texts.items()
                if block is not None and block not in (output or {})
            }
            output = {**(output or {}), **streamed}
        return WorkflowExecutionResult(
            success=final.success,
            output=output,
            error=final.error,
            metadata=final.metadata,
            status=final.status,
            execution_id=self._run_id,
        )

    def complete(self, final: FinalEvent) -> None:
        """Take the end from elsewhere: an answer that was no stream at all."""
        self.final = final
        self.over = True

    def _events(self, decoded: Iterable[ServerSentEvent]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for item in decoded:
            if self.over or self.failure is not None:
                break
            event = self._event(item.data)
            if event is not None:
                events.append(event)
        return events

    def _event(self, text: str) -> StreamEvent | None:
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            frame = text.strip()
        if frame == "[DONE]":
            self._ended()
            return None
        if not isinstance(frame, dict):
            return OtherEvent(data=frame)
        kind = frame.get("event")
        if kind is None and isinstance(frame.get("chunk"), str):
            return self._chunk(frame)
        if kind == "final":
            data = frame.get("data")
            self.final = _final(data if isinstance(data, dict) else {}, frame)
            return self.final
        if kind == "done":
            self.final = _final(frame, frame)
            return self.final
        if kind == "error":
            self._fail(frame)
            return None
        if isinstance(kind, str) and kind in _AGENT_EVENTS:
            return self._agent(frame, _AGENT_EVENTS[kind])
        return _as_sent(OtherEvent(event=kind if isinstance(kind, str) else None, data=frame), frame)

    def _agent(self, frame: dict[str, Any], kind: type[StreamEvent]) -> StreamEvent:
        """An event of v2's agents; one that is odd stays raw."""
        try:
            event = structure(frame, kind)
        except InvalidResponseError:
            return _as_sent(OtherEvent(event=frame["event"], data=frame), frame)
        if isinstance(event, ResetEvent) and event.block_id in self._texts:
            self._texts[event.block_id] = _Text()
        return event

    def _chunk(self, frame: dict[str, Any]) -> ChunkEvent:
        chunk, block = frame["chunk"], frame.get("blockId")
        block = block if isinstance(block, str) else None
        text = self._texts.get(block)
        if text is None:
            text = self._texts[block] = _Text()
            self._order.append(block)
        text.append(chunk)
        return _as_sent(ChunkEvent(chunk, block), frame)

    def _ended(self, cause: APIConnectionError | None = None) -> None:
        if self.failure is not None or self.over:
            return
        if self.final is not None:
            self.over = True
        elif isinstance(cause, APITimeoutError):
            cause.partial = self.partial
            self.failure = self.concealed(cause)
        else:
            reason = f": {str(cause).rstrip('.')}" if cause is not None else ""
            self.failure = StreamError(
                f"The stream of {self._where} ended before the run did{reason}. What it delivered is in "
                "error.partial; the run may have gone on, so look before running it again.",
                partial=self.partial,
            )
            self.failure.__cause__ = cause
            self.concealed(self.failure)

    def _fail(self, frame: dict[str, Any]) -> None:
        text = error_text(frame.get("error"))
        result = WorkflowExecutionResult(success=False, error=text)
        self.failure = self.concealed(
            ExecutionError(
                f"{text or 'The workflow failed'} (reported by the stream of {self._where}).",
                details=frame,
                result=result,
                partial=self.partial,
            )
        )


def _final(data: dict[str, Any], frame: dict[str, Any]) -> FinalEvent:
    success, error, metadata = data.get("success"), data.get("error"), data.get("metadata")
    return _as_sent(
        FinalEvent(
            success=success if isinstance(success, bool) else not error,
            output=data.get("output"),
            error=error,
            status=data.get("status"),
            metadata=metadata if isinstance(metadata, dict) else None,
        ),
        frame,
    )


def _as_sent(event: E, frame: dict[str, Any]) -> E:
    object.__setattr__(event, "_wire", frame)
    return event
