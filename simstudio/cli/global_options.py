"""Options that stand before a command or after it: ``--profile NAME`` and ``-v``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.shell_completion import CompletionItem

from simstudio.cli.invocation import Invocation


def global_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: ``--profile`` and ``-v``; their values are in the :class:`~simstudio.cli.invocation.Invocation`."""
    profile = click.option(
        "--profile",
        metavar="NAME",
        expose_value=False,
        callback=_set_profile,
        shell_complete=complete_profiles,
        help="Use the server and key of this profile (see login); else SIM_PROFILE.",
    )
    return profile(verbose_option(command))


def _set_profile(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Invocation).profile = value


def complete_profiles(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The profiles whose names begin so; none if they cannot be read."""
    from simstudio.cli.profile_file import ProfileFile

    try:
        names = ProfileFile.load().names
    except Exception:  # noqa: BLE001 - a completion shows no failure
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _set_verbosity(ctx: click.Context, _: click.Parameter, value: int) -> None:
    if not value or ctx.resilient_parsing:
        return
    invocation = ctx.ensure_object(Invocation)
    if not invocation.verbosity:
        ctx.find_root().with_resource(_requests_logged())
    invocation.verbosity += value


@contextmanager
def _requests_logged() -> Iterator[None]:
    """Log requests to standard error while a command runs, and the tracebacks of workflows of ``--sandbox-app``."""
    import logging

    from simstudio.transport.log_handler import make_handler
    from simstudio.transport.logging import logger

    package, sandbox = logging.getLogger("simstudio"), logging.getLogger("simstudio.sandbox")
    before = (logger.level, sandbox.level)
    handler = make_handler()
    handler.addFilter(lambda record: record.name != sandbox.name or bool(record.exc_info))
    logger.setLevel(logging.DEBUG)
    sandbox.setLevel(logging.INFO)
    package.addHandler(handler)
    try:
        yield
    finally:
        package.removeHandler(handler)
        logger.setLevel(before[0])
        sandbox.setLevel(before[1])


verbose_option = click.option(
    "-v",
    "--verbose",
    count=True,
    expose_value=False,
    callback=_set_verbosity,
    help="Show requests on standard error; -vv shows bodies as well. Never keys.",
)
"""Decorator: ``-v``."""
