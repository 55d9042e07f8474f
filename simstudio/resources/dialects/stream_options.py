"""``StreamOptions``: how an execution is streamed."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from simstudio.transport.message import MAX_EVENT_SIZE


@attrs.frozen(eq=False, repr=False)
class StreamOptions:
    """Options of a streamed execution.

    Attributes:
        idle_timeout: Longest time without an event, in seconds; None for no limit.
        max_event_size: Largest size of one event, in bytes.
        include_thinking: v2: stream the models' reasoning.
        include_tool_calls: v2: stream the models' tool calls.
    """

    selected_outputs: Sequence[str] | None = None
    idle_timeout: float | None = 300.0
    max_event_size: int = MAX_EVENT_SIZE
    include_thinking: bool = False
    include_tool_calls: bool = False
