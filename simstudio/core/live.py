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

    In a terminal, and in a Jupyter notebook, with ``rich`` installed, the text is replaced; elsewhere lines go to
    standard error, at most one in ``every`` seconds.

    Args:
        every: Seconds between two lines of a log.
        clock: Monotonic seconds.
    """

    def __init__(self, every: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._last = -every
        self._live: Any = None
        self._is_new = True

    def show(self, text: str, *, urgent: bool = False, last: bool = False) -> None:
        """Show a text.

        Args:
            urgent: Whether it is worth a line of a log at once.
            last: Whether nothing follows.
        """
        if self._is_new:
            self._is_new = False
            self._live = _make_live()
        if self._live is not None:
            from rich.text import Text

            self._live.update(Text(printable(text), no_wrap=True, overflow="ellipsis"), refresh=True)
            if last:
                self._live.stop()
                self._is_new = True
        elif urgent or last or self._clock() - self._last >= self._every:
            self._last = self._clock()
            with suppress(OSError, ValueError):  # standard error is closed: that is no reason to end
                print(text, file=sys.stderr, flush=True)  # noqa: T201 - asked for


def _make_live() -> Any:
    """A display of rich, started; None where lines are better."""
    in_notebook = _is_notebook()
    if not in_notebook and not is_terminal(sys.stderr):
        return None
    try:
        from rich.console import Console
        from rich.live import Live
    except ImportError:
        return None
    console = Console(stderr=not in_notebook, force_jupyter=in_notebook)
    live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    live.start()
    console.show_cursor()  # an error may end what is shown without a last text
    return live


def _is_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
