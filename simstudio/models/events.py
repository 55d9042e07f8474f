"""The events of a streamed execution."""

from __future__ import annotations

from typing import Any

import attrs

from simstudio.core.model import Model, model
from simstudio.models.large_values import with_references
from simstudio.models.runs import truncated_field


@model
class StreamEvent(Model):
    """An event of a stream; ``to_dict()`` is the frame as the server sent it.

    The server may cut a character outside the Basic Multilingual Plane, such as an emoji, in two. The text of an event
    holds whole characters: such a character is in the event that completes it.
    """


@model
class ChunkEvent(StreamEvent):
    """A piece of the text that a block streams.

    Attributes:
        chunk: The text, verbatim: the first chunk of each block after the first begins with two line breaks.
        block_id: Id of the block. Chunks of blocks that run in parallel may alternate.
    """

    chunk: str
    block_id: str | None = None


@model
class FinalEvent(StreamEvent):
    """The end of a run. ``stream.result()`` returns its content together with the streamed text.

    Attributes:
        output: Output of the workflow as sent; servers since v0.6 leave out the blocks that were streamed.
        error: Error text; None if the workflow succeeded.
        status: ``paused`` if the run waits for a human.
        metadata: Documented, but not sent by current servers.
        truncated: As of a result: paths of cut texts in an output that was read after the run, because an earlier
            request had started it.
    """

    success: bool
    output: Any = attrs.field(default=None, converter=with_references)
    error: str | None = None
    status: str | None = None
    metadata: dict[str, Any] | None = None
    truncated: tuple[str, ...] = truncated_field()


@model
class ResetEvent(StreamEvent):
    """v2: the text that a block has streamed so far is void, and begins anew (``chunk_reset``)."""

    block_id: str | None = None


@model
class ThinkingEvent(StreamEvent):
    """v2, with ``include_thinking``: a piece of a model's reasoning.

    Attributes:
        data: The reasoning as sent.
    """

    data: Any = None
    block_id: str | None = None


@model
class ToolEvent(StreamEvent):
    """v2, with ``include_tool_calls``: a tool call of a model starts or ends.

    Attributes:
        phase: ``start`` or ``end``.
        id: Id of the call, the same at its start and its end.
        status: Outcome of the call, as sent.
    """

    phase: str
    name: str | None = None
    id: str | None = None
    status: str | None = None
    block_id: str | None = None


@model
class OtherEvent(StreamEvent):
    """An event of any other kind: ``stream_error``, which does not end the stream, and events of later servers.

    Attributes:
        event: The ``event`` of the frame; None if it has none.
        data: The whole frame: JSON data, or text if it is not JSON.
    """

    event: str | None = None
    data: Any = attrs.field(default=None, converter=with_references)
