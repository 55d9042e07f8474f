"""Options that several commands have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import click


def timeout_option(text: str, *, default: float | None = None) -> Callable[[Any], Any]:
    """Decorator: ``--timeout``, a number of seconds above 0.

    Args:
        text: What it bounds, for the help.
        default: The help shows it, unless it is None.
    """
    return click.option(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=default,
        show_default=default is not None,
        callback=_check_seconds,
        help=text,
    )


def _check_seconds(ctx: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and (not math.isfinite(value) or value <= 0):
        raise click.BadParameter(f"{value:g} is not above 0 seconds", ctx, option)
    return value
