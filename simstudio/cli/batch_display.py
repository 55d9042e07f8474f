"""Progress of a batch: on a terminal a bar that is removed at the end, on a pipe a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from simstudio.cli.output import on_terminal, say
from simstudio.cli.progress import begin, can_animate
from simstudio.core.live import Cadence
from simstudio.transport.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from typing_extensions import Self

    from simstudio.batch.progress import News, Progress

EVERY = 5.0
"""Seconds between two lines."""
_FIRST = 1.0
"""Seconds until the first line; a shorter batch has only its last one."""
_BAR, _SHORT_BAR = 24, 10


class Display:
    """Shows the progress of a batch on standard error.

    Args:
        beside_results: Whether results go to standard output. If that is a terminal as well, no bar is shown.
        clock: Monotonic seconds.

    Attributes:
        follow: Function to call with the progress after each item, each second, and when a wait for the rate limit
            begins. Any thread may call it.
    """

    def __init__(self, name: str, *, beside_results: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = " ".join(printable(name).split())
        self._cadence = Cadence(EVERY, clock, after=_FIRST)
        self._progress: Progress | None = None
        self._live: Live | None = None
        self._console: Console | None = None
        self._news: News | None = None
        self._bar = can_animate() and not (beside_results and on_terminal())

    def begin(self, progress: Progress) -> None:
        """Show a progress object from now on; the batch updates it."""
        self._progress = progress

    def follow(self, progress: Progress) -> None:
        """Write a line, if there is no bar, and the last line is old or a long wait begins."""
        if self._news is None:
            from simstudio.batch.progress import News

            self._news = News()
        if self._bar or progress.over:
            return
        if self._cadence.is_due(progress.finished, urgent=self._news.of(progress)):
            say(str(progress))

    def stop(self) -> None:
        """Remove the bar. A second call does nothing."""
        live, self._live = self._live, None
        if live is not None:
            with suppress(OSError):  # the terminal has gone
                live.stop()

    def __enter__(self) -> Self:
        if self._bar:
            from rich.console import Console
            from rich.live import Live

            self._console = Console(stderr=True)
            self._live = Live(
                get_renderable=self._fit,
                console=self._console,
                transient=True,
                refresh_per_second=4,
                redirect_stdout=False,
                redirect_stderr=True,
            )
            begin(self._live)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _fit(self) -> Any:
        """One line, as wide as the terminal is at most."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        progress = self._progress
        width = 80 if self._console is None else self._console.width
        row = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
        if progress is None:
            row.add_row(Text(self._name if len(self._name) <= width else "", no_wrap=True))
            return row
        name, bar, text = fit_line(self._name, progress, width)
        cells: list[Any] = [Text(name, no_wrap=True)] if name else []
        if bar:
            done = progress.finished
            cells.append(ProgressBar(total=progress.total, completed=done, width=bar, pulse=progress.total is None))
        row.add_row(*cells, Text(text, no_wrap=True, overflow="ellipsis"))
        return row


def fit_line(name: str, progress: Progress, width: int) -> tuple[str, int, str]:
    """The parts of the progress line that fit into the width of a terminal.

    Args:
        name: Id of the workflow.
        progress: Progress of the batch.
        width: Width of the terminal in characters.

    Returns:
        The name, the width of the bar, and the text, each of which may be nothing. The name may be an id, so it is
        never cut.
    """
    long, middle, least = progress.texts()
    shapes = (
        (name, _BAR, long),
        (name, _SHORT_BAR, long),
        ("", _SHORT_BAR, long),
        (name, _SHORT_BAR, middle),
        ("", _SHORT_BAR, middle),
        ("", 0, middle),
    )
    for shape in shapes:
        if sum(len(part) + 1 for part in (shape[0], " " * shape[1], shape[2]) if part) <= width:
            return shape
    return "", 0, _shorten(least, width)


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"
