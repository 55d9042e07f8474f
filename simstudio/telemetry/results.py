"""The result of an execution, read from the body of its response or from the end of its stream."""

from __future__ import annotations

import json
from typing import Any

from simstudio.core.sse import SSEDecoder
from simstudio.transport.errors import SimStudioError

LONGEST_TAIL = 1024 * 1024
"""Bytes at the end of a stream that are kept until its last event is read."""


def parse_result(content: bytes) -> dict[str, Any] | None:
    """The result in a body: JSON, in v2 below ``data``, or the last event of a stream that says how the run ended."""
    try:
        data = json.loads(content)
    except RecursionError:
        return None
    except ValueError:
        data = _last_event(content)
    if isinstance(data, dict) and isinstance(data.get("data"), dict) and "output" not in data:
        data = data["data"]
    return data if isinstance(data, dict) else None


def _last_event(content: bytes) -> Any:
    # A tail that was cut begins within an event.
    begin = content.find(b"\n\n") + 2 if len(content) == LONGEST_TAIL else 0
    last: Any = None
    try:
        for event in SSEDecoder(max_event_size=LONGEST_TAIL).feed(content[begin:]):
            if event.data.startswith("{") and '"event"' in event.data:
                found = json.loads(event.data)
                if found.get("event") in ("final", "done"):
                    last = found
                elif found.get("event") == "error":
                    last = {"success": False, "error": found.get("error"), "output": None}
    except (SimStudioError, ValueError, RecursionError):
        return last
    return last
