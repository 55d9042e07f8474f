"""``Trace``: what a run did, as text, as HTML and in notebooks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from simstudio.traces.html import fragment, page
from simstudio.traces.record import RunRecord
from simstudio.traces.text import draw, plain

_NOTEBOOK_ROWS = 200


class Trace(RunRecord):
    """The trace of a run: its blocks, and the steps inside them, as a tree of spans.

    It is read from the JSON data of a log, a run, a result or a job, and keeps that as ``data``. A trace without spans
    still has what the server says of the run. Iterating gives all spans, depth first; ``len`` is their number.

    Args:
        data: JSON object of a log, a run, a result or a job; or a list of spans.

    Example:
        >>> spans = [{"name": "Search", "type": "function", "duration": 120, "cost": {"total": 0.25}, "model": "m"},
        ...          {"name": "Answer", "type": "agent", "duration": 900, "cost": {"total": 0.5}, "model": "m"}]
        >>> trace = Trace(spans)
        >>> trace.slowest(1)[0].name, trace.cost_by("model")
        ('Answer', {'m': 0.75})
    """

    def to_text(self, width: int = 80, *, ascii_only: bool = False, limit: int | None = None) -> str:
        """A picture of the trace as text: bars to scale, with durations, tokens and costs.

        Args:
            width: Columns, 40 at least.
            ascii_only: Draw with ASCII characters. Names of blocks are shown as they are.
            limit: Largest number of spans to show; None for all.
        """
        return plain(draw(self, width, ascii_only=ascii_only, limit=limit))

    def to_html(
        self, path: str | os.PathLike[str] | None = None, *, content: bool = False, limit: int | None = None
    ) -> str:
        """An HTML page with the trace, and a file of it. The page loads nothing and runs no script.

        Args:
            path: File to write; None for none.
            content: Whether to show the inputs and outputs of spans, each up to 2,000 characters, without
                values whose names are those of secrets.
            limit: Largest number of spans to show; None for all.

        Returns:
            The page.
        """
        found = page(self, content=content, limit=limit)
        if path is not None:
            Path(path).write_text(found, encoding="utf-8")
        return found

    def _repr_html_(self) -> str:
        return fragment(self, limit=_NOTEBOOK_ROWS)

    def __repr__(self) -> str:
        return f"<Trace{f' {self.run_id}' if self.run_id else ''}: {', '.join(self.summary())}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return restore_trace, (self.data,)


def restore_trace(data: dict[str, Any]) -> Trace:
    """Make the trace that a pickle or a copy holds."""
    return Trace(data)


restore_trace.__module__ = "simstudio"  # pickles name this function by its public module
