"""A line that says how far something is: in a terminal, in a notebook, and in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from simstudio.transport.terminal import is_terminal, printable


class LiveLine:
    """Shows a text that changes.

    In a Jupyter notebook, and in a terminal if ``rich`` is installed, the text is replaced; elsewhere lines go to
    standard error, at most one in ``every`` seconds.

    Args:
        every: Seconds between two lines of a log.
        clock: Monotonic seconds.
    """

    def __init__(self, every: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._last = -every
        self._display: Callable[[str, bool], None] | None = None
        self._is_new = True

    def show(self, text: str, *, urgent: bool = False, last: bool = False) -> None:
        """Show a text.

        Args:
            urgent: Whether it is worth a line of a log at once.
            last: Whether nothing follows.
        """
        if self._is_new:
            self._is_new = False
            self._display = _make_display()
        if self._display is not None:
            self._display(text, last)
            self._is_new = last
        elif urgent or last or self._clock() - self._last >= self._every:
            self._last = self._clock()
            with suppress(OSError, ValueError):  # standard error is closed: that is no reason to end
                shown = printable(text) if is_terminal(sys.stderr) else text
                print(shown, file=sys.stderr, flush=True)  # noqa: T201 - asked for


def _make_display() -> Callable[[str, bool], None] | None:
    """A function that replaces the text that is shown; its second argument is whether it is the last one."""
    if _is_notebook():
        return _notebook_display()
    if is_terminal(sys.stderr):
        with suppress(ImportError):
            return _terminal_display()
    return None


def _notebook_display() -> Callable[[str, bool], None]:
    from IPython.display import display

    handle: Any = display({"text/plain": ""}, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    return lambda text, _: handle.update({"text/plain": text}, raw=True)


def _terminal_display() -> Callable[[str, bool], None]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    live.start()
    console.show_cursor()  # an error may end what is shown without a last text

    def replace(text: str, is_last: bool) -> None:  # noqa: FBT001 - a callback
        live.update(Text(printable(text), no_wrap=True, overflow="ellipsis"), refresh=True)
        if is_last:
            live.stop()

    return replace


def _is_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
