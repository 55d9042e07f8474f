"""A spinner on a terminal while a command waits. On a pipe or in a file there is none."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from simstudio.transport.logging import logger
from simstudio.transport.terminal import is_terminal, printable

if TYPE_CHECKING:
    import rich.live
    import rich.progress
    from typing_extensions import Self


_AROUND = 12
"""Characters of the spinner, the seconds, and the spaces between."""


class Waiting:
    """A spinner with a text and the seconds gone by, on standard error; it leaves nothing behind.

    Args:
        text: Words beside the spinner.

    Example:
        >>> with Waiting("hello") as waiting:
        ...     waiting.update("hello: processing")
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._shown: rich.progress.Progress | None = None

    def update(self, text: str) -> None:
        """Show another text."""
        if self._shown is not None:
            shown = fit_text(text, self._shown.console.width)
            self._shown.update(self._shown.task_ids[0], description=shown)

    def stop(self) -> None:
        """Take it away, to write something else; stopping again does nothing."""
        shown, self._shown = self._shown, None
        if shown is not None:
            shown.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the spinner away for the time of a ``with`` block, in which lines are written or questions asked."""
        if self._shown is not None:
            self._shown.stop()
        yield
        if self._shown is not None:
            begin(self._shown)

    def __enter__(self) -> Self:
        if can_animate():
            from rich.console import Console
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            console = Console(stderr=True)
            self._shown = Progress(
                SpinnerColumn("line" if console.options.ascii_only else "dots"),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
                console=console,
                transient=True,
                redirect_stdout=False,  # results go where they belong
            )
            self._shown.add_task(fit_text(self._text, self._shown.console.width), total=None)
            begin(self._shown)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def begin(shown: rich.live.Live | rich.progress.Progress) -> None:
    """Show a spinner or a bar beside a visible cursor: a signal such as SIGHUP ends the process without ``stop()``."""
    shown.start()
    shown.console.show_cursor()


def can_animate() -> bool:
    """Whether standard error is a terminal for a spinner or a bar; not while requests are logged to it (``-v``)."""
    capable = is_terminal(sys.stderr) and os.environ.get("TERM", "") not in ("dumb", "unknown")
    return capable and not logger.isEnabledFor(logging.DEBUG)


def fit_text(text: str, width: int) -> str:
    """The part of ``ID: STATE`` that fits into a line: all of it, the state, or nothing; an id is never cut."""
    text = " ".join(printable(text).split())
    parts = (text, text.rpartition(": ")[2] if ": " in text else "")
    return next((part for part in parts if len(part) <= width - _AROUND), "")
