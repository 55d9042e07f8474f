"""The critical path: the spans that decided how long the run took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.traces.span import Span

_TOLERANCE = timedelta(milliseconds=1)
"""Servers round times to milliseconds, so that a step may seem to begin before the last one ended."""


def find_critical_path(spans: Iterable[Span], end: datetime) -> set[int]:
    """The positions in memory (``id``) of the spans on the critical path.

    Walked backwards from the end: the step that ended last, then the one that ended last before that began, and so on;
    within each of them the same.

    Args:
        spans: Top-level spans.
        end: End of the run; spans that did not end count as later.
    """
    later = end + 2 * _TOLERANCE
    path: set[int] = set()
    pending: list[Sequence[Span]] = [tuple(spans)]
    while pending:
        timed = [(span.end or later, span.start, span) for span in pending.pop() if span.start is not None]
        timed.sort(key=lambda each: each[:2], reverse=True)
        begun: datetime | None = None
        for ended, start, span in timed:
            if begun is None or ended <= begun + _TOLERANCE:
                path.add(id(span))
                pending.append(span.children)
                begun = start if begun is None else min(begun, start)
    return path
