"""The options of ``map`` on the command line, made of the flags that :mod:`simstudio.batch.options` declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from simstudio.batch.options import declared_options
from simstudio.errors import InvalidInputError

if TYPE_CHECKING:
    from simstudio.batch.option import Flag, Option

C = TypeVar("C", bound=Callable[..., Any])


def map_options(command: C) -> C:
    """Decorator: the options of ``map`` that have a flag. The command gets each by its name, None if not given."""
    for name, option in reversed([*declared_options().items()]):
        if option.flag is not None:
            command = _click_option(name, option, option.flag)(command)
    return command


def _click_option(name: str, option: Option, flag: Flag) -> Callable[[C], C]:
    told: dict[str, Any] = {"help": flag.help, "default": None, "callback": partial(_value_of, option, flag)}
    if flag.value is not None:
        told |= {"is_flag": True}
    elif flag.choices:
        told |= {"type": click.Choice(flag.choices), "help": f"{flag.help}  [default: {option.default}]"}
    else:
        told |= {"metavar": flag.metavar, "multiple": flag.is_repeated}
    if flag.is_secret:
        variable = f"SIM_BATCH_{name.upper()}"
        told |= {
            "envvar": variable,
            "help": f"{flag.help} Else {variable}, which other users of the machine cannot read.",
        }
    return click.option(flag.name, name, **told)


def _value_of(option: Option, flag: Flag, ctx: click.Context, parameter: click.Parameter, given: Any) -> Any:
    if given is None or given is False or given == ():
        return None
    try:
        value = flag.value if flag.value is not None else given if flag.parse is None else flag.parse(given)
        if option.check is not None:
            option.check("it", value)
    except InvalidInputError as error:
        raise click.BadParameter(str(error).rstrip("."), ctx, parameter) from error
    return value


def given_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, among all that a command received."""
    return {name: value for name, value in values.items() if value is not None}


def kept_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a ledger stores, among those that were given or found in one."""
    declared = declared_options()
    flags = {name: declared[name].flag for name in values if name in declared}
    return {name: values[name] for name, flag in flags.items() if flag is not None and flag.is_kept}
