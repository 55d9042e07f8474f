"""The clock of a sandbox, which tests can move."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Epoch seconds of a source, and the seconds by which the clock was moved.

    Moves affect dates, rate limits and expiry, but neither timeouts nor workflows that sleep.

    Args:
        source: epoch seconds.

    Example:
        >>> clock = Clock(lambda: 1000.0)
        >>> clock.advance(60)
        >>> clock()
        1060.0
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._moved = 0.0

    def __call__(self) -> float:
        """Read the time."""
        return self._source() + self._moved

    def advance(self, seconds: float) -> None:
        """Move the clock.

        Args:
            seconds: negative numbers move it back.
        """
        self._moved += seconds

    def set(self, moment: float) -> None:
        """Set the clock.

        Args:
            moment: epoch seconds.
        """
        self._moved = moment - self._source()

    def reset(self) -> None:
        """Undo all moves."""
        self._moved = 0.0
