"""Sums of costs and tokens over spans.

The cost of a step includes the costs of the steps inside it, so that only what those leave is its own share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simstudio.traces.span import Span


def shares(spans: Sequence[tuple[Span, int]], amount: Callable[[Span], float | None]) -> list[float]:
    """The share of each span in an amount, such as the cost; together they are the amount of the whole.

    Args:
        spans: All spans with their depths, depth first.
        amount: The amount of a span with the steps inside it; None if it is unknown.
    """
    inside: dict[int, float] = {}  # by depth: the sum of what stands inside the span that comes next
    found = [0.0] * len(spans)
    for position in range(len(spans) - 1, -1, -1):
        span, depth = spans[position]
        below = inside.pop(depth + 1, 0.0)
        own = max(0.0, (amount(span) or 0.0) - below)
        found[position] = own
        inside[depth] = inside.get(depth, 0.0) + own + below
    return found
