"""A line that says how far something is: in a terminal, in a notebook, and in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from simstudio.transport.terminal import is_terminal, printable

_REPEAT = 10
"""Times that a log waits longer for a line about the same state."""


class Cadence:
    """Decides when a log gets its next line.

    Args:
        every: Seconds between two lines; between two about the same state ten times as many.
        clock: Monotonic seconds.
        after: Seconds until the first line.
    """

    def __init__(self, every: float, clock: Callable[[], float], after: float = 0.0) -> None:
        self._every = every
        self._clock = clock
        self._due = self._repeat = clock() + after
        self._state: object = None

    def is_due(self, state: object = None, *, urgent: bool = False) -> bool:
        """Whether to write a line now; then it counts as written.

        Args:
            state: State that the line is about; None for a new one.
            urgent: Whether it is worth a line at once.
        """
        now = self._clock()
        due = self._repeat if state is not None and state == self._state else self._due
        if now < due and not urgent:
            return False
        self._state, self._due, self._repeat = state, now + self._every, now + _REPEAT * self._every
        return True


class LiveLine:
    """Shows a text that changes.

    In a Jupyter notebook, and in a terminal if ``rich`` is installed, the text is replaced; elsewhere lines go to
    standard error, at most one in ``every`` seconds.

    Args:
        every: Seconds between two lines of a log.
        clock: Monotonic seconds.
    """

    def __init__(self, every: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._cadence = Cadence(every, clock)
        self._display: Callable[[tuple[str, ...], bool], None] | None = None
        self._is_new = True

    def show(self, *texts: str, urgent: bool = False, last: bool = False, state: object = None) -> None:
        """Show a text.

        Args:
            texts: The text, and shorter ones for a narrow terminal.
            urgent: Whether it is worth a line of a log at once.
            last: Whether nothing follows.
            state: State that the text is about, which a log repeats seldom; None for a new one.
        """
        if self._is_new:
            self._is_new = False
            self._display = _make_display()
        if self._display is not None:
            self._display(texts, last)
            self._is_new = last
        elif self._cadence.is_due(state, urgent=urgent or last):
            with suppress(OSError, ValueError):  # standard error is closed: that is no reason to end
                shown = printable(texts[0]) if is_terminal(sys.stderr) else texts[0]
                print(shown, file=sys.stderr, flush=True)  # noqa: T201 - asked for


def _make_display() -> Callable[[tuple[str, ...], bool], None] | None:
    """A function that replaces the text that is shown by the first that fits.

    Its second argument is whether it is the last one.
    """
    if _is_notebook():
        return _notebook_display()
    if is_terminal(sys.stderr):
        with suppress(ImportError):
            return _terminal_display()
    return None


def _notebook_display() -> Callable[[tuple[str, ...], bool], None]:
    from IPython.display import display

    handle: Any = display({"text/plain": ""}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    return lambda texts, _: handle.update({"text/plain": texts[0]}, raw=True)


def _terminal_display() -> Callable[[tuple[str, ...], bool], None]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    live.start()
    console.show_cursor()  # an error may end what is shown without a last text

    def replace(texts: tuple[str, ...], is_last: bool) -> None:  # noqa: FBT001 - a callback
        text = next((each for each in texts if len(each) <= console.width), texts[-1])
        live.update(Text(printable(text), no_wrap=True, overflow="ellipsis"), refresh=True)
        if is_last:
            live.stop()

    return replace


def _is_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
