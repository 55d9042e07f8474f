"""Warnings that point at the caller's code."""

from __future__ import annotations

import sys
import warnings


def notify(message: str, category: type[Warning]) -> None:
    """Issue a warning whose location is the innermost line outside this package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("simstudio."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
