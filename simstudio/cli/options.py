"""Options that several commands have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import click

from simstudio.cli.completion import complete_workflows


def timeout_option(text: str, *, default: float | None = None) -> Callable[[Any], Any]:
    """Decorator: ``--timeout``, a number of seconds above 0.

    Args:
        text: What it bounds, for the help.
        default: The help shows it, unless it is None.
    """
    return seconds_option("--timeout", text, default=default)


def seconds_option(name: str, text: str, *, default: float | None = None) -> Callable[[Any], Any]:
    """Decorator: an option that is a number of seconds above 0.

    Args:
        name: With its dashes.
        text: What it is, for the help.
        default: The help shows it, unless it is None.
    """
    return click.option(
        name,
        metavar="SECONDS",
        type=float,
        default=default,
        show_default=default is not None,
        callback=_check_seconds,
        help=text,
    )


workflow_argument = click.argument("workflow", metavar="WORKFLOW", shell_complete=complete_workflows)
"""Decorator: a workflow's id, which a shell completes."""

workflow_option = click.option(
    "--workflow",
    metavar="ID",
    shell_complete=complete_workflows,
    help="Its workflow: needed in v2, and in v1 should the server know the run only by it.",
)
"""Decorator: ``--workflow``, for :meth:`~simstudio.cli.connection.Connection.workflow_of`."""

run_argument = click.argument("run", metavar="RUN")
"""Decorator: a run's id, its beginning, or ``last``, for :mod:`simstudio.cli.references`."""

workspace_option = click.option(
    "--workspace", metavar="ID", help="The workspace; else SIM_WORKSPACE_ID. With --sandbox, its own."
)
"""Decorator: ``--workspace``, for :meth:`~simstudio.cli.connection.Connection.workspace`."""


def _check_seconds(ctx: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and (not math.isfinite(value) or value <= 0):
        raise click.BadParameter(f"{value:g} is not above 0 seconds", ctx, option)
    return value
