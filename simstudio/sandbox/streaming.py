"""A run as server-sent events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simstudio.sandbox import jsontext
from simstudio.sandbox.dialects.base import Dialect, text_of
from simstudio.sandbox.disconnects import cancel_on_disconnect
from simstudio.sandbox.http import Headers, head
from simstudio.sandbox.outputs import MISSING, BlockOutput, Selection, value_at
from simstudio.sandbox.runs import AgentEvent, ChunkEvent, Event, Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from simstudio.sandbox.core import Core
    from simstudio.sandbox.runs import Run, Sink

    Begin = Callable[[Sink], Awaitable[Outcome]]

EVENT_STREAM: Headers = (
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache"),
    ("x-accel-buffering", "no"),
)

_BETWEEN_BLOCKS = "\n\n"


def frame(payload: object) -> bytes:
    """One event: a single ``data:`` line."""
    return b"data: " + jsontext.encode(payload) + b"\n\n"


class FrameWriter:
    """Turns the events of a run into frames, for the selected blocks."""

    def __init__(self, dialect: Dialect, selected: tuple[str, ...]) -> None:
        self._dialect = dialect
        self._selection = Selection.parse(selected)
        self._speaking: object = None

    def event(self, event: Event) -> list[bytes]:
        """The frames of a text or an output; none for a block that was not selected."""
        if isinstance(event, BlockOutput):
            return [] if event.streamed else self._plain(event)
        if not self._selection.paths(event.block_id, event.block):
            return []
        if isinstance(event, ChunkEvent):
            return [self._chunk(event.block_id, event.text, event.block_id)]
        return self.agent_event(event)

    def agent_event(self, event: AgentEvent) -> list[bytes]:
        """The frames of other events of a selected block, which only v2 has."""
        del event
        return []

    def end(self, outcome: Outcome, error: str | None) -> list[bytes]:
        """The frames that end the stream."""
        output = outcome.output if outcome.pause is not None else self._output(outcome)
        frames = [frame(payload) for payload in self._dialect.last_frames(outcome, output, error)]
        if self._dialect.says_done(outcome):
            frames.append(f"data: {self._dialect.done}\n\n".encode())
        return frames

    def _plain(self, block: BlockOutput) -> list[bytes]:
        """A block that finished without streaming may send its selected values as chunks."""
        frames = []
        for path in self._selection.paths(block.id, block.name):
            chunked = self._dialect.chunked_path(path)
            value = MISSING if chunked is None else value_at(block.output, chunked)
            if value is not MISSING:
                frames.append(self._chunk(block.id, text_of(value), (block.id, path)))
        return frames

    def _chunk(self, block_id: str, text: str, speaker: object) -> bytes:
        if self._speaking not in (None, speaker):
            text = _BETWEEN_BLOCKS + text
        self._speaking = speaker
        return frame({"blockId": block_id, "chunk": text})

    def _output(self, outcome: Outcome) -> object:
        if not self._selection:
            return self._dialect.write_output(outcome.output, response=outcome.response is not None)
        output: dict[str, dict[str, object]] = {}
        for block in outcome.blocks:
            if block.streamed and not self._dialect.keeps_streamed_blocks:
                continue
            for path in self._selection.paths(block.id, block.name):
                value = value_at(block.output, path)
                if value is not MISSING and self._dialect.keeps_path(path):
                    output.setdefault(block.id, {})[path] = value
        return output


class EventStream:
    """The ASGI response that runs a workflow and sends its events.

    Args:
        begin: called with the sink for events; runs the workflow and returns the outcome.
        writer: makes the frames; None for the writer of the dialect.
    """

    def __init__(self, core: Core, run: Run, headers: Headers, begin: Begin, writer: FrameWriter | None = None) -> None:
        self._core = core
        self._run = run
        self._headers = headers
        self._begin = begin
        self._writer = writer or FrameWriter(core.dialect, run.invocation.selected)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run and send."""
        del scope
        run, core, writer = self._run, self._core, self._writer

        async def write(frames: list[bytes]) -> None:
            for each in frames:
                await send({"type": "http.response.body", "body": each, "more_body": True})

        async def sink(event: Event) -> None:
            await write(writer.event(event))

        await send(head(200, (*EVENT_STREAM, *self._headers)))
        cancels = core.dialect.hanging_up_cancels_stream
        watcher = asyncio.ensure_future(cancel_on_disconnect(run, receive)) if cancels else None
        try:
            outcome = await asyncio.shield(self._begin(sink))
        finally:
            if watcher is not None:
                watcher.cancel()
        if outcome.ending != "interrupted":
            await write(writer.end(outcome, core.error_text(outcome, run)))
        await send({"type": "http.response.body", "body": b""})


class ErrorStream:
    """A stream that could not start: one error event, and no end."""

    def __init__(self, message: str, headers: Headers) -> None:
        self._message = message
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del scope, receive
        await send(head(200, (*EVENT_STREAM, *self._headers)))
        await send({"type": "http.response.body", "body": frame({"event": "error", "error": self._message})})
