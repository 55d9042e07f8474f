"""Options that several commands have."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import click

from simstudio.cli.completion import complete_workflows

_MOMENT = "2026-11-20T08:00:00Z"


def timeout_option(text: str, *, default: float | None = None) -> Callable[[Any], Any]:
    """Decorator: ``--timeout``, a number of seconds above 0.

    Args:
        text: Help: what the time bounds.
        default: Default in seconds, which the help shows; None for none.
    """
    return seconds_option("--timeout", text, default=default)


def seconds_option(name: str, text: str, *, default: float | None = None) -> Callable[[Any], Any]:
    """Decorator: an option that is a number of seconds above 0.

    Args:
        name: Name with its dashes.
        text: Help.
        default: Default in seconds, which the help shows; None for none.
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


def moment_option(name: str, text: str) -> Callable[[Any], Any]:
    """Decorator: an option that is a time in ISO 8601, in UTC if it names no zone; the command gets a ``datetime``.

    Args:
        name: Name with its dashes.
        text: Help.
    """
    return click.option(name, metavar="TIME", callback=_parse_moment, help=text)


workflow_argument = click.argument("workflow", metavar="WORKFLOW", shell_complete=complete_workflows)
"""Decorator: id of a workflow, which a shell completes; for :func:`~simstudio.cli.references.find_workflow`."""

workflow_option = click.option(
    "--workflow",
    metavar="ID",
    shell_complete=complete_workflows,
    help="Workflow of the run: needed with v2, unless RUN is shortened or last; with v1 if the server asks for it.",
)
"""Decorator: ``--workflow``, for :meth:`~simstudio.cli.connection.Connection.workflow_of`."""

workflows_option = click.option(
    "--workflow",
    "workflows",
    metavar="ID",
    multiple=True,
    shell_complete=complete_workflows,
    help="Only logs of this workflow. Again for more.",
)
"""Decorator: ``--workflow`` of a list of logs; the command gets ``workflows``."""

run_argument = click.argument("run", metavar="RUN")
"""Decorator: id of a run, its beginning, or ``last``; for :mod:`simstudio.cli.references`."""

workspace_option = click.option(
    "--workspace",
    metavar="ID",
    help="Workspace; else SIM_WORKSPACE_ID, or that of the profile. With --sandbox, its own.",
)
"""Decorator: ``--workspace``, for :meth:`~simstudio.cli.connection.Connection.workspace`."""


def _parse_moment(ctx: click.Context, option: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value[:-1] + "+00:00" if value[-1:] in ("Z", "z") else value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no time in ISO 8601, such as {_MOMENT}", ctx, option) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)


def _check_seconds(ctx: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and (not math.isfinite(value) or value <= 0):
        raise click.BadParameter(f"{value:g} is not above 0 seconds", ctx, option)
    return value
