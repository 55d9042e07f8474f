"""The rows of the picture of a trace: which spans, how deep, and where each bar stands."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from simstudio.traces.span import Span, walk
from simstudio.traces.values import milliseconds

if TYPE_CHECKING:
    from simstudio.traces.record import RunRecord


@attrs.frozen
class Row:
    """A span, or a number of spans that are left out.

    Attributes:
        span: None where spans are left out.
        depth: Number of spans around this one.
        bar: Start and end as fractions of the run, 0 to 1; None of a span without a start.
        critical: Whether the span is on the critical path.
        open: Whether the span did not end; its bar reaches to the end of the run.
        has_failed_child: Whether a span inside this one failed, and is shown.
        left_out: Number of spans that are left out here.
    """

    span: Span | None
    depth: int
    bar: tuple[float, float] | None = None
    critical: bool = False
    open: bool = False
    has_failed_child: bool = False
    left_out: int = 0


def lay_out(trace: RunRecord, limit: int | None = None) -> list[Row]:
    """The rows of a trace, in the order of the server.

    Args:
        limit: Largest number of spans. Of more, those that failed come first, then those on the critical path, then
            the longest; each with the spans around it.
    """
    spans = list(walk(trace.spans))
    critical = trace.critical_ids
    shown = None if limit is None or len(spans) <= limit else _most_important(spans, critical, limit)
    rows: list[Row] = []
    for span, depth in spans:
        if shown is None or id(span) in shown:
            failed = any(child.failed and (shown is None or id(child) in shown) for child in span.children)
            bar = _bar(span, trace.start, trace.end)
            is_open = bar is not None and span.duration is None
            rows.append(Row(span, depth, bar, id(span) in critical, is_open, failed))
        elif rows and rows[-1].span is None and rows[-1].depth <= depth:
            rows[-1] = attrs.evolve(rows[-1], left_out=rows[-1].left_out + 1)
        else:
            rows.append(Row(None, depth, left_out=1))
    return rows


def _bar(span: Span, start: datetime | None, end: datetime | None) -> tuple[float, float] | None:
    if span.start is None or start is None or end is None:
        return None
    whole = milliseconds(end - start)
    if whole <= 0:
        return (0.0, 0.0) if span.duration is not None else (0.0, 1.0)
    ended = span.end or end
    return _fraction(milliseconds(span.start - start) / whole), _fraction(milliseconds(ended - start) / whole)


def _fraction(value: float) -> float:
    return min(1.0, max(0.0, value))


def _most_important(spans: list[tuple[Span, int]], critical: frozenset[int], limit: int) -> set[int]:
    """The positions in memory (``id``) of the spans to show."""
    around: list[int] = []  # for each span the position of the one around it
    path: list[int] = []
    for position, (_, depth) in enumerate(spans):
        del path[depth:]
        around.append(path[-1] if path else -1)
        path.append(position)

    def importance(position: int) -> tuple[bool, bool, float]:
        span = spans[position][0]
        return span.failed, id(span) in critical, span.duration or 0.0

    chosen: set[int] = set()
    for position in sorted(range(len(spans)), key=importance, reverse=True):
        needed = []
        while position >= 0 and position not in chosen:
            needed.append(position)
            position = around[position]  # noqa: PLW2901 - climbs to the spans around it
        if len(chosen) + len(needed) <= limit:
            chosen.update(needed)
        if len(chosen) >= limit:
            break
    return {id(spans[position][0]) for position in chosen}
