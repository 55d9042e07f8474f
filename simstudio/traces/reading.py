"""Spans of the JSON data that servers send.

A span is an object with ``name``, ``type``, times and ``children``. Steps inside an agent are its ``children`` (v0.8),
or segments of its ``providerTiming``, or its ``toolCalls``; those of a child workflow may be ``childTraceSpans`` of its
output. A record without spans may have ``blockLogs``, one object a block.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from simstudio.traces.span import ITERATIONS, Span
from simstudio.traces.values import first_number, items, mapping, milliseconds, number, text, time

_PLACES = ("traceSpans", "trace_spans")
_LOGS = ("logs", "blockLogs")
_ITERATION = re.compile(r"(?:.* )?\(?iteration[ -](\d{1,9})\)?", re.IGNORECASE)


def find_spans(data: Any) -> list[Any]:
    """The spans, as JSON data, of a log, a run, a result, a job, or a list of spans; empty if there are none."""
    if isinstance(data, list):
        return data
    record = mapping(data)
    execution = mapping(record.get("executionData"))
    places = (record, execution, mapping(record.get("output")), mapping(record.get("data")))
    for place in places:
        for name in _PLACES:
            if items(place.get(name)):
                return items(place[name])
    for place in (record, execution, mapping(execution.get("executionState")), mapping(record.get("output"))):
        for name in _LOGS:
            blocks = [each for each in items(place.get(name)) if "blockId" in mapping(each)]
            if blocks:
                return blocks
    return _of_last_block(record)


def read_spans(data: list[Any], start: datetime | None = None) -> tuple[Span, ...]:
    """The spans of JSON data. Elements that are no objects are left out.

    Args:
        data: As :func:`find_spans` finds it.
        start: Start of the run, for spans that only say how long after it they began.
    """
    nodes: list[tuple[dict[str, Any], int]] = []  # with the position of the parent, which stands before its children
    pending = [(each, -1) for each in reversed(data)]
    while pending:
        each, parent = pending.pop()
        if isinstance(each, Mapping):
            raw = dict(each)
            nodes.append((raw, parent))
            start = start or time(raw.get("startTime"))
            pending += [(child, len(nodes) - 1) for child in reversed(_steps_inside(raw))]
    children: list[list[Span]] = [[] for _ in nodes]
    top: list[Span] = []
    for position in range(len(nodes) - 1, -1, -1):
        raw, parent = nodes[position]
        span = _span(raw, tuple(reversed(children[position])), start)
        (top if parent < 0 else children[parent]).append(span)
    return tuple(reversed(top))


def is_wrapper(span: Span) -> bool:
    """Whether a span stands for the whole run: Sim wraps the blocks in a span ``Workflow Execution``."""
    return span.type == "workflow" and span.block_id is None


def _of_last_block(record: dict[str, Any]) -> list[Any]:
    """The span of the output that a result without spans has, if that is an agent's."""
    output = mapping(record.get("output"))
    if not mapping(output.get("providerTiming")):
        return []
    return [{"name": "agent", "type": "agent", "status": "success", "output": output}]


def _steps_inside(raw: dict[str, Any]) -> list[Any]:
    output = mapping(raw.get("output"))
    segments = items(mapping(raw.get("providerTiming")).get("segments"))
    segments = segments or items(mapping(output.get("providerTiming")).get("timeSegments"))
    calls = raw.get("toolCalls") or output.get("toolCalls")
    calls = items(calls) or items(mapping(calls).get("list"))
    return (
        items(raw.get("children"))
        or items(raw.get("childTraceSpans"))
        or items(output.get("childTraceSpans"))
        or segments
        or [{"type": "tool", **call} for call in calls if isinstance(call, dict)]
    )


def _span(raw: dict[str, Any], children: tuple[Span, ...], run_start: datetime | None) -> Span:
    output = mapping(raw.get("output"))
    timing = mapping(raw.get("providerTiming")) or mapping(output.get("providerTiming"))
    kind = text(raw.get("type")) or text(raw.get("blockType")) or ""
    name = text(raw.get("name")) or text(raw.get("blockName")) or kind or "unnamed"
    start, duration = _times(raw, timing, run_start)
    error = _error(raw, output)
    status = text(raw.get("status"))
    if status is None and isinstance(raw.get("success"), bool):
        status = "success" if raw["success"] else "error"
    if status is None and error is not None:
        status = "error"
    counted = raw.get("tokens") if raw.get("tokens") is not None else output.get("tokens") if timing else None
    total, read, written = _tokens(counted)
    charged = raw.get("cost") if raw.get("cost") is not None else output.get("cost") if timing else None
    return Span(
        name=name,
        type=kind,
        id=text(raw.get("id")),
        start=start,
        duration=duration,
        status=status,
        error=error if status != "success" else None,
        error_handled=raw.get("errorHandled") is True,
        tokens=total,
        input_tokens=read,
        output_tokens=written,
        cost=_cost(charged),
        model=text(raw.get("model")) or (text(output.get("model")) if timing or total is not None else None),
        iteration=_iteration(raw, kind, name),
        block_id=text(raw.get("blockId")),
        input=raw.get("input", raw.get("arguments")),
        output=raw.get("output", raw.get("result")),
        children=children,
        data=raw,
    )


def _times(
    raw: dict[str, Any], timing: dict[str, Any], run_start: datetime | None
) -> tuple[datetime | None, float | None]:
    start = time(raw.get("startTime")) or time(raw.get("startedAt")) or time(timing.get("startTime"))
    end = time(raw.get("endTime")) or time(raw.get("endedAt"))
    duration = first_number(raw.get("durationMs"), raw.get("duration"), timing.get("duration"))
    try:
        if start is None and end is not None and duration is not None:
            start = end - timedelta(milliseconds=duration)
        offset = number(raw.get("relativeStartMs"))
        if start is None and run_start is not None and offset is not None:
            start = run_start + timedelta(milliseconds=offset)
    except OverflowError:
        start = None
    if duration is None and start is not None and end is not None:
        duration = max(0.0, milliseconds(end - start))
    return start, duration


def _error(raw: dict[str, Any], output: dict[str, Any]) -> str | None:
    for value in (raw.get("errorMessage"), raw.get("error"), output.get("error")):
        found = text(value) or text(mapping(value).get("message"))
        if found is not None:
            return found
    return None


def _tokens(value: Any) -> tuple[float | None, float | None, float | None]:
    """Total, input and output; older servers call the latter two ``prompt`` and ``completion``."""
    counts = mapping(value)
    read = first_number(counts.get("input"), counts.get("prompt"))
    written = first_number(counts.get("output"), counts.get("completion"))
    total = number(value) if not counts else number(counts.get("total"))
    if total is None and not (read is None and written is None):
        total = (read or 0) + (written or 0)
    return total, read, written


def _cost(value: Any) -> float | None:
    parts = mapping(value)
    if not parts:
        return number(value)
    known = [found for found in map(number, (parts.get("input"), parts.get("output"))) if found is not None]
    return first_number(parts.get("total"), sum(known) if known else None)


def _iteration(raw: dict[str, Any], kind: str, name: str) -> int | None:
    index = raw.get("iterationIndex")
    if isinstance(index, int) and not isinstance(index, bool):
        return index
    found = _ITERATION.fullmatch(name) if kind in ITERATIONS or "loopId" in raw or "parallelId" in raw else None
    return int(found[1]) if found is not None else None
