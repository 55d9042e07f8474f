"""The sandboxes that ``simstudio sandbox`` serves: of an app, or the default ones of the services that are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from simstudio.sandbox.local_service import LocalService

NAMES = ("sim", "oomol", "speedpix", "vectorvein")
ALL = "all"


def service_names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """The names of ``--service``, in the order in which they are served; None if it is not given."""
    if value is None:
        return None
    given = [name.strip() for name in value.split(",") if name.strip()]
    unknown = [name for name in given if name not in (*NAMES, ALL)]
    if unknown or not given:
        raise click.BadParameter(f"{', '.join(unknown) or value!r}: choose among {', '.join(NAMES)}, all", ctx, param)
    return NAMES if ALL in given else tuple(name for name in NAMES if name in given)


def make_sandboxes(app: Path | None, names: Sequence[str] | None, arguments: Mapping[str, Any]) -> list[LocalService]:
    """The sandboxes to serve, of an app or without functions of a user.

    Args:
        app: Python file; None without one.
        names: the services to serve; None for those that the app defines, or Sim.
        arguments: arguments of the sandboxes that the command line gives; None for what they have.

    Raises:
        CommandError: the file defines no sandbox, or several of one service.
    """
    from simstudio.sandbox.arguments import give_arguments

    given = {name: value for name, value in arguments.items() if value is not None}
    with give_arguments(**given):
        made = [_default_sandbox(name) for name in names or ("sim",)] if app is None else sandboxes_of(app, names)
    if "generation" in given and "sim" not in [each.service for each in made]:
        raise click.UsageError("--generation: only for Sim, which is not served", click.get_current_context())
    return made


def sandboxes_of(app: Path, names: Sequence[str] | None) -> list[LocalService]:
    """The sandboxes that an app defines, at most one a service.

    Args:
        app: Python file.
        names: the services to serve; those that the app does not define are without functions of a user. None for
            those that it defines.

    Raises:
        CommandError: The file defines none, or several of one service.
    """
    from simstudio.cli.apps import load_sandboxes

    found = {each.service: each for each in load_sandboxes(app)}
    if names is None:
        return [found[name] for name in NAMES if name in found]
    return [found[name] if name in found else _default_sandbox(name) for name in names]


def limit(sandboxes: Iterable[LocalService], calls_per_minute: int | None) -> None:
    """Enforce a limit of calls on each sandbox."""
    if calls_per_minute is not None:
        for each in sandboxes:
            each.limit_calls(calls_per_minute)


def add_faults(sandboxes: Iterable[LocalService], rules: Sequence[str]) -> None:
    """Add each fault to each sandbox.

    Raises:
        click.BadParameter: A text is no fault.
    """
    for each in sandboxes:
        for rule in rules:
            try:
                each.fault(rule)
            except ValueError as error:
                raise click.BadParameter(str(error), param_hint="--fault") from error


def _default_sandbox(name: str) -> LocalService:
    """The sandbox of a service, without functions of a user."""
    if name == "sim":
        from simstudio.sandbox import Sandbox

        return Sandbox()
    from simstudio.cli.services import SERVICES

    return SERVICES[name].make_sandbox()
