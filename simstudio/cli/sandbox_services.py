"""The sandboxes that ``simstudio sandbox`` serves: of an app, or the default ones of the services that are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import click

if TYPE_CHECKING:
    from simstudio.sandbox import Sandbox
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


def default_sandboxes(names: Sequence[str], *, generation: str | None = None, **options: Any) -> list[LocalService]:
    """Sandboxes without functions of a user.

    Args:
        names: the services.
        generation: generation of Sim's sandbox.
        options: arguments of all.
    """
    if generation is not None and "sim" not in names:
        raise click.UsageError("--generation: only for Sim, which is not served", click.get_current_context())
    return [_sim(generation, options) if name == "sim" else _of_service(name, **options) for name in names]


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
    return [found[name] if name in found else default_sandboxes([name])[0] for name in names]


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


def _sim(generation: str | None, options: Mapping[str, Any]) -> Sandbox:
    from simstudio.sandbox import Sandbox

    kind = cast('Literal["v0.8", "v0.6", "v0.4", "documents"]', generation or "v0.8")
    return Sandbox(generation=kind, **options)


def _of_service(name: str, **options: Any) -> LocalService:
    from simstudio.cli.services import SERVICES

    return SERVICES[name].make_sandbox(**options)
