"""Decode the events of a streamed execution, without I/O.

The frames are ``{"blockId", "chunk"}``; ``{"event": "final", "data": {…}}`` (documented: ``{"event": "done", …}``);
``{"event": "error", "error"}``; then ``data: "[DONE]"``, with quotes (documented: without). v2 adds ``chunk_reset``
and, on request, ``thinking`` and ``tool``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from simstudio.core.conversion import structure
from simstudio.core.errors import ExecutionError, ExecutionTimeoutError, StreamError
from simstudio.core.sse import ServerSentEvent, SSEDecoder, UndecodableEventError
from simstudio.models.events import (
    ChunkEvent,
    FinalEvent,
    OtherEvent,
    ResetEvent,
    StreamEvent,
    ThinkingEvent,
    ToolEvent,
)
from simstudio.models.execution import WorkflowExecutionResult, error_facts, error_text, is_time_limit
from simstudio.resources.advice import advise_trace
from simstudio.resources.streamed_text import MOST_TEXT, PairJoiner, StreamedText
from simstudio.transport.errors import APIConnectionError, APITimeoutError, SimStudioError
from simstudio.transport.message import MAX_EVENT_SIZE, unread_json_reason

_SIZE_OF_BLOCK = 500
"""Characters that a further block counts as."""
_AGENT_EVENTS: dict[str, type[StreamEvent]] = {
    "chunk_reset": ResetEvent,
    "thinking": ThinkingEvent,
    "tool": ToolEvent,
}


class ExecutionEvents:
    r"""Decoder of one stream: takes bytes, returns events, and holds the result or the failure.

    Args:
        where: Method and path, for error messages.
        max_event_size: Largest size of one event, in bytes.
        complete: Called with each error before it is raised; removes the API key, in case the server echoed it.
        run_id: v2: the run's id, for the result.

    Attributes:
        over: Whether the stream has ended normally.
        failure: Error to raise after the events before it were consumed, or None.
        final: The final event; None until it arrives.

    Example:
        >>> ExecutionEvents().feed(b'data: {"blockId":"b","chunk":"Hi"}\n\n')[0].chunk
        'Hi'
    """

    def __init__(
        self,
        where: str = "the stream",
        *,
        max_event_size: int = MAX_EVENT_SIZE,
        complete: Callable[[SimStudioError], None] | None = None,
        run_id: str | None = None,
    ) -> None:
        self._where = where
        self._run_id = run_id
        self._complete = complete
        self._decoder = SSEDecoder(max_event_size=max_event_size)
        self._texts: defaultdict[str | None, StreamedText] = defaultdict(StreamedText)
        self._thoughts: defaultdict[str | None, PairJoiner] = defaultdict(PairJoiner)
        self._size = 0
        self._unread: str | None = None
        self.over = False
        self.failure: SimStudioError | None = None
        self.final: FinalEvent | None = None

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Return the events that these bytes complete; a failure is kept in ``failure``."""
        if self.over or self.failure is not None:
            return []
        try:
            return self._parse_all(self._decoder.feed(data))
        except UndecodableEventError as error:
            events = self._parse_all(error.events)
            if not self.over and self.failure is None:
                self.failure = self.redact(StreamError(f"{error} ({self._where})", partial=self.partial))
            return events

    def end(self, cause: APIConnectionError | None = None) -> list[StreamEvent]:
        """Return the remaining events: no more bytes will come, because the stream ended or failed with ``cause``."""
        if self.over or self.failure is not None:
            return []
        try:
            events = self._parse_all(self._decoder.flush()) if cause is None else []
        except StreamError:
            events = []
        self._finish(cause)
        return events

    def redact(self, error: SimStudioError) -> SimStudioError:
        """Return the error after removing the API key from it, in case the server echoed the key into the stream."""
        if self._complete is not None:
            self._complete(error)
        return error

    @property
    def partial(self) -> str:
        """The text received so far: the blocks in the order in which they began."""
        return "".join(map(str, self._texts.values()))

    def text(self, event: StreamEvent) -> str | None:
        """The text of a chunk of a streamed block; None for other events, and for a chunk without text."""
        return event.chunk or None if isinstance(event, ChunkEvent) else None

    def result(self) -> WorkflowExecutionResult:
        """The result of a stream that is over.

        The final output lacks streamed blocks on v0.6 and contains them on v0.4. The joined text of a block is
        therefore added as ``output[block_id]["content"]`` only if the final output lacks the block.
        """
        if self.failure is not None:
            raise self.failure
        if self.final is None:
            raise self.redact(
                StreamError(
                    f"The stream of {self._where} was closed before its end, so it has no result. What it delivered is "
                    "in error.partial; the run may have gone on, so look before running it again.",
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
            truncated=final.truncated,
        )

    def complete(self, final: FinalEvent) -> None:
        """End the stream with a final event from a response that was not a stream."""
        self.final = final
        self.over = True

    def _parse_all(self, decoded: Iterable[ServerSentEvent]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for item in decoded:
            if self.over or self.failure is not None:
                break
            event = self._parse(item.data)
            if event is not None:
                if event is self.final:
                    events += self._end_texts()
                events.append(event)
        return events

    def _end_texts(self) -> list[StreamEvent]:
        """Events of the characters whose second half has not come by the end of the run."""
        rests = {block: text.end() for block, text in self._texts.items()}
        return [ChunkEvent(chunk=rest, block_id=block) for block, rest in rests.items() if rest]

    def _parse(self, text: str) -> StreamEvent | None:
        if not text.strip():  # a heartbeat, like a comment
            return None
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError) as error:
            self._unread = unread_json_reason(error, text) or self._unread
            frame = text.strip()
        if frame == "[DONE]":
            self._finish()
            return None
        if not isinstance(frame, dict):
            return OtherEvent(data=frame)
        kind = frame.get("event")
        if kind is None and isinstance(frame.get("chunk"), str):
            return self._add_chunk(frame)
        if kind == "final":
            data = frame.get("data")
            self.final = _final_event(data if isinstance(data, dict) else {}, frame)
            return self.final
        if kind == "done":
            self.final = _final_event(frame, frame)
            return self.final
        if kind == "error":
            self._finish_with_error(frame)
            return None
        if isinstance(kind, str) and kind in _AGENT_EVENTS:
            return self._agent_event(frame, _AGENT_EVENTS[kind])
        return structure(frame, OtherEvent, overrides={"event": kind if isinstance(kind, str) else None, "data": frame})

    def _agent_event(self, frame: dict[str, Any], kind: type[StreamEvent]) -> StreamEvent:
        """A typed event of v2's agents."""
        block, data = _block(frame), frame.get("data")
        if kind is ThinkingEvent and isinstance(data, str):
            self._count(block, "")
            return _with_text(frame, kind, "data", self._thoughts[block].feed(data))
        if kind is ResetEvent and block in self._texts:
            self._texts[block] = StreamedText()
        return structure(frame, kind)

    def _add_chunk(self, frame: dict[str, Any]) -> StreamEvent:
        block = _block(frame)
        self._count(block, frame["chunk"])
        return _with_text(frame, ChunkEvent, "chunk", self._texts[block].append(frame["chunk"]))

    def _count(self, block: str | None, text: str) -> None:
        """Count what is kept; beyond the bound the stream fails after this event."""
        known = block in self._texts or block in self._thoughts
        self._size += len(text) + (0 if known else _SIZE_OF_BLOCK + len(block or ""))
        if self._size > MOST_TEXT and self.failure is None:
            self.failure = self.redact(
                StreamError(
                    f"The stream of {self._where} delivered more than {MOST_TEXT} characters of text. "
                    "The run may have gone on.",
                    partial=self.partial,
                )
            )

    def _finish(self, cause: APIConnectionError | None = None) -> None:
        if self.failure is not None or self.over:
            return
        if self.final is not None:
            self.over = True
        elif isinstance(cause, APITimeoutError):
            cause.partial = self.partial
            self.failure = self.redact(cause)
        else:
            reason = f": {str(cause).rstrip('.')}" if cause is not None else ""
            problem = f"ended before the run did{reason}"
            if self._unread is not None:
                problem = f"ended without a result, after an event in JSON that Python does not read: {self._unread}"
            self.failure = StreamError(
                f"The stream of {self._where} {problem}. What it delivered is in error.partial; the run may have gone "
                "on, so look before running it again.",
                partial=self.partial,
            )
            self.failure.__cause__ = cause
            self.redact(self.failure)

    def _finish_with_error(self, frame: dict[str, Any]) -> None:
        error = frame.get("error")
        text = error_text(error)
        kind = ExecutionTimeoutError if is_time_limit(error) or is_time_limit(frame) else ExecutionError
        failure = kind(
            f"{text or 'The workflow failed'} (reported by the stream of {self._where}). "
            f"{advise_trace(self._where, self._run_id)}",
            result=WorkflowExecutionResult(success=False, error=text, execution_id=self._run_id),
            partial=self.partial,
            **{**error_facts(frame), **error_facts(error)},
        )
        failure.run_id = self._run_id
        self.failure = self.redact(failure)


def _block(frame: dict[str, Any]) -> str | None:
    block = frame.get("blockId")
    return block if isinstance(block, str) else None


def _with_text(frame: dict[str, Any], kind: type[StreamEvent], field: str, whole: str) -> StreamEvent:
    """An event whose text holds whole characters; its ``to_dict()`` stays the frame as it came."""
    return structure(frame, kind, overrides=None if frame[field] == whole else {field: whole})


def _final_event(data: dict[str, Any], frame: dict[str, Any]) -> FinalEvent:
    success, error, metadata = data.get("success"), data.get("error"), data.get("metadata")
    given = {
        "success": success if isinstance(success, bool) else not error,
        "output": data.get("output"),
        "error": error,
        "status": data.get("status"),
        "metadata": metadata if isinstance(metadata, dict) else None,
    }
    return structure(frame, FinalEvent, overrides=given)
