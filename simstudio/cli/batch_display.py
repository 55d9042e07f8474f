"""How far a batch is: on a terminal a bar that leaves nothing behind, on a pipe a line now and then."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from simstudio.cli.output import is_terminal, on_terminal, say

if TYPE_CHECKING:
    from rich.live import Live
    from typing_extensions import Self

    from simstudio.batch.progress import Progress

EVERY = 5.0
"""Seconds between two lines."""


class Display:
    """Shows how far a batch is, on standard error.

    Args:
        name: What it is called.
        beside_results: Whether results go to standard output: where that is a terminal too, a bar would be in the way.
        clock: Monotonic seconds.

    Attributes:
        follow: To be called with the progress after each item, from any thread.
    """

    def __init__(self, name: str, *, beside_results: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._last = clock()
        self._progress: Progress | None = None
        self._live: Live | None = None
        capable = is_terminal(sys.stderr) and os.environ.get("TERM", "") not in ("dumb", "unknown")
        self._bar = capable and not (beside_results and on_terminal())

    def begin(self, progress: Progress) -> None:
        """Show this from now on; it changes by itself."""
        self._progress = progress

    def follow(self, progress: Progress) -> None:
        """Write a line, where lines are written and the last is long ago."""
        if not self._bar and self._clock() - self._last >= EVERY:
            self._last = self._clock()
            say(str(progress))

    def stop(self) -> None:
        """Take the bar away; stopping again does nothing."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def __enter__(self) -> Self:
        if self._bar:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                get_renderable=self._shown,
                console=Console(stderr=True),
                transient=True,
                refresh_per_second=4,
                redirect_stdout=False,
                redirect_stderr=True,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _shown(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        progress = self._progress
        row = Table.grid(padding=(0, 1))
        if progress is None:
            row.add_row(Text(self._name))
            return row
        bar = ProgressBar(total=progress.total, completed=progress.finished, width=24, pulse=progress.total is None)
        row.add_row(Text(self._name), bar, Text(f"{progress}; {progress.running} of {progress.limit} running"))
        return row
