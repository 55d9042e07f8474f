"""Warnings that name the line of the user's code they are about."""

from __future__ import annotations

import sys
import warnings


def notify(message: str, category: type[Warning]) -> None:
    """Warn, naming the first line outside this package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("simstudio."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
