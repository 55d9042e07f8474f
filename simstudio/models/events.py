"""The events of a streamed execution."""

from __future__ import annotations

from typing import Any

from simstudio.core.model import Model, model


@model
class StreamEvent(Model):
    """Any event of a stream; as a mapping, and by ``to_dict()``, it is the frame as it came."""


@model
class ChunkEvent(StreamEvent):
    """A piece of text of a streaming block.

    Attributes:
        chunk: The text, verbatim. The first chunk of each block but the first begins with two line breaks.
        block_id: The block it belongs to; chunks of parallel blocks may interleave.
    """

    chunk: str
    block_id: str | None = None


@model
class FinalEvent(StreamEvent):
    """The end of a run. ``stream.result()`` gives it together with the streamed text.

    Attributes:
        success: Whether the workflow succeeded.
        output: As sent; on v0.6 without the blocks that were streamed.
        error: The server's text when it failed.
        status: ``paused`` when it waits for a human.
        metadata: As sent; the documents promise it, servers do not send it.
    """

    success: bool
    output: Any = None
    error: str | None = None
    status: str | None = None
    metadata: dict[str, Any] | None = None


@model
class ResetEvent(StreamEvent):
    """v2: what a block has streamed so far is void; its text begins anew (``chunk_reset``).

    Attributes:
        block_id: The block.
    """

    block_id: str | None = None


@model
class ThinkingEvent(StreamEvent):
    """v2, with ``include_thinking``: a piece of a model's reasoning.

    Attributes:
        data: The text, as sent.
        block_id: The block it belongs to.
    """

    data: Any = None
    block_id: str | None = None


@model
class ToolEvent(StreamEvent):
    """v2, with ``include_tool_calls``: a tool that a model calls begins or ends.

    Attributes:
        phase: ``start`` or ``end``.
        name: The tool.
        id: Of the call; the same at its start and its end.
        status: How it ended, as sent.
        block_id: The block it belongs to.
    """

    phase: str
    name: str | None = None
    id: str | None = None
    status: str | None = None
    block_id: str | None = None


@model
class OtherEvent(StreamEvent):
    """Any other event, kept raw: ``stream_error`` (which ends nothing), and what later servers invent.

    Attributes:
        event: The frame's ``event``, or None.
        data: The whole frame: JSON data, or text where it was not JSON.
    """

    event: str | None = None
    data: Any = None
