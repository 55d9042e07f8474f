"""A trace of 10,000 spans, read and drawn as text and as HTML, beside rich's own table of as many rows.

Each side runs in a process of its own; its memory is the growth of the process from after the imports to the peak.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.benchmarks.measures import Row
from tests.memory import memory

SPANS = 10_000
ITERATIONS = SPANS // 4


def log() -> dict[str, Any]:
    """A loop whose iterations have three blocks each."""
    from tests.traces.runs import block, span

    iterations = []
    for number in range(ITERATIONS):
        start = number * 40.0
        more: dict[str, Any] = {"model": "gpt-4o", "tokens": 900, "cost": {"total": 0.002}}
        blocks = (
            block("Fetch", "api", start, 10),
            block("Summarise", "agent", start + 10, 20, **more),
            block("Store", "function", start + 30, 10),
        )
        iterations.append(span(f"Iteration {number}", "loop-iteration", start, 40, *blocks))
    return {"runId": "r", "traceSpans": [span("Each row", "loop", 0, ITERATIONS * 40, *iterations)]}


def text() -> Callable[[], str]:
    """The picture as text."""
    from simstudio import Trace

    data = log()
    return lambda: Trace(data).to_text(120)


def html() -> Callable[[], str]:
    """The picture as a page."""
    from simstudio import Trace

    data = log()
    return lambda: Trace(data).to_html()


def table() -> Callable[[], str]:
    """Rich's table of the same rows."""
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    from simstudio import Trace

    rows = Trace(log()).to_dicts()
    names = ("name", "type", "status", "duration", "tokens", "cost")

    def draw() -> str:
        shown = Table(*names)
        for row in rows:
            shown.add_row(*(str(row[name]) for name in names))
        console = Console(width=120, file=StringIO())
        console.print(shown)
        return str(console.file.getvalue())  # type: ignore[attr-defined]

    return draw


def rendering_of_a_trace() -> list[Row]:
    """Seconds and MB, each a ratio to rich's table."""
    sides = {name: _measure(name) for name in ("text", "html", "table")}
    seconds, megabytes = sides["table"]
    detail = f"rich's table of as many rows: {seconds:.2f} s, {megabytes:.0f} MB"
    rows = []
    for name in ("text", "html"):
        took, grew = sides[name]
        said = f"{took:.2f} s, {grew:.0f} MB; {detail}"
        rows.append(Row(f"a trace of {SPANS:,} spans as {name}, read and drawn", took / seconds, 1.0, "×", said))
        rows.append(Row(f"its memory, as {name}", grew / megabytes, 2.0, "×", said))
    return rows


def _measure(name: str) -> tuple[float, float]:
    """Seconds of CPU and megabytes of one side."""
    command = [sys.executable, "-m", "tests.benchmarks.traces", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def main(name: str) -> None:
    """Draw once, and print seconds of CPU and megabytes."""
    import time

    draw = {"text": text, "html": html, "table": table}[name]()
    before, began = memory("VmHWM") / 1e6, time.process_time()
    drawn = draw()
    print(time.process_time() - began, memory("VmHWM") / 1e6 - before)
    assert len(drawn.splitlines()) >= (SPANS if name != "html" else 1)


MEASURES = (rendering_of_a_trace,)

if __name__ == "__main__":
    main(sys.argv[1])
