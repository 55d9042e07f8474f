"""The command line of an operation: an argument or an option for each of its parameters, made from its signature."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from simstudio.cli.inputs import parse_json, parse_value, read_bytes, read_json
from simstudio.core.options import Unset
from simstudio.core.parameters import Argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from simstudio.catalog import Operation

_MARKUP = re.compile(r"(?::\w+:)?`+~?([^`]*)`+")
_SECTION = re.compile(r"^(\w+):\n((?:(?: .*)?\n?)*)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)
_DATETIME = re.compile("a datetime with a time zone, or ")
_READABLE = "A secret: others can read command lines, so give it with --arguments @FILE, or - for standard input."


def json_option(spelling: str, help: str) -> click.Option:
    """An option that holds a JSON value: itself, in a file (``@FILE``), or on standard input (``-``)."""
    return click.Option([spelling], metavar="JSON|@FILE|-", help=help, callback=_read_json)


def _read_json(ctx: click.Context, option: click.Parameter, value: str | None) -> Any:
    del ctx
    if value is None:
        return None
    if value == "-" or value.startswith("@"):
        return read_json(value.removeprefix("@"), option.opts[0])
    return parse_json(value, option.opts[0])


def _read_value(ctx: click.Context, option: click.Parameter, value: str | None) -> Any:
    del ctx, option
    return None if value is None else parse_value(value)


def _read_bytes(ctx: click.Context, option: click.Parameter, value: str | None) -> bytes | None:
    del ctx
    return None if value is None else read_bytes(value, option.opts[0])


def _one_or_several(ctx: click.Context, option: click.Parameter, value: tuple[Any, ...]) -> Any:
    """The value of a parameter that takes a text or a list: one text stays a text, such as the path of a folder."""
    del ctx, option
    return value[0] if len(value) == 1 else value


def parameters_of(operation: Operation, method: Callable[..., Any]) -> list[click.Parameter]:
    """Arguments for the parameters in the path, options for all others.

    Args:
        method: Its bound method.
    """
    hints, marked = get_type_hints(method), get_type_hints(method, include_extras=True)
    explained = explanations(method)
    found: list[click.Parameter] = []
    for name, parameter in inspect.signature(method).parameters.items():
        place = operation.parameters.get(name)
        members = _members(hints[name])
        if place is not None and place.place == "path":
            kind = _type_of(members)
            found.append(
                click.Argument([name], metavar=name.upper(), type=kind, callback=None if kind else _read_value)
            )
            continue
        text = explained.get(name, "")
        if parameter.default is parameter.empty:
            text = f"{text} {'Default: SIM_WORKSPACE_ID.' if name == 'workspace_id' else 'Required.'}".strip()
        if Argument.of(marked[name]).sent.secret:
            text = f"{text} {_READABLE}".strip()
        found.append(_option(name, members, text))
    return sorted(found, key=lambda each: isinstance(each, click.Option))


def spell(name: str) -> str:
    """The option of a parameter."""
    return f"--{name.rstrip('_').replace('_', '-')}"


def _option(name: str, members: Sequence[Any], text: str) -> click.Option:
    spelling = spell(name)
    if members == (bool,):
        no = f"--no-{spelling[2:]}"
        return click.Option([f"{spelling}/{no}", name], default=None, help=text)
    if all(get_args(each) == (True,) for each in members):
        return click.Option([spelling, name], is_flag=True, flag_value=True, default=None, help=text)
    if members == (bytes,):
        return click.Option([spelling, name], metavar="FILE|-", callback=_read_bytes, help=text)
    several = _item_of(members)
    if several is not None:
        text = f"{text} Again for more.".strip()
        one = _one_or_several if str in members else None
        return click.Option([spelling, name], type=_type_of(several), multiple=True, callback=one, help=text)
    kind = _type_of(members)
    if kind is None and any(each is str or get_origin(each) is Literal for each in members):
        return click.Option([spelling, name], metavar="TEXT|JSON", callback=_read_value, help=text)
    if kind is None:
        return json_option(spelling, text)
    metavar = "SECONDS" if name == "timeout" else None
    return click.Option([spelling, name], type=kind, metavar=metavar, help=text)


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of an annotation that a command line can give."""
    members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return tuple(each for each in members if each not in (NoneType, Unset))


def _item_of(members: Sequence[Any]) -> tuple[Any, ...] | None:
    """The members of the items of a list of texts or numbers; None for anything else."""
    lists = [each for each in members if get_origin(each) is Sequence]
    if len(lists) != 1 or len(set(members) - {str}) != 1:
        return None
    items = _members(*get_args(lists[0]))
    if str in items:  # a path of a folder may be a text or a list of names
        items = tuple(each for each in items if get_origin(each) is not Sequence)
    return items if all(each in (str, int, float) or get_origin(each) is Literal for each in items) else None


def _type_of(members: Sequence[Any]) -> Any:
    """The click type of a value; None for one of several kinds, and for JSON."""
    kinds = set(members)
    if any(each is os.PathLike or get_origin(each) is os.PathLike for each in members):
        is_read = bytes in kinds  # a file to upload may be given as bytes, a place to save to may not
        return click.Path(exists=is_read, dir_okay=not is_read, path_type=Path)
    if all(get_origin(each) is Literal for each in members):
        return click.Choice([str(value) for each in members for value in get_args(each)])
    if str in kinds and kinds <= {str, date, datetime}:
        return str
    if kinds <= {int} or kinds <= {int, float}:
        return int if kinds == {int} else float
    return None


def explanations(method: Callable[..., Any]) -> Mapping[str, str]:
    """The lines of a method's docstring on its parameters, by name, with options in the place of other parameters."""
    sections = dict(_SECTION.findall(inspect.getdoc(method) or ""))
    entries = {name: _plain(" ".join(text.split())) for name, text in _ENTRY.findall(sections.get("Args", ""))}
    names = {name for name in inspect.signature(method).parameters if "_" in name}
    return {name: _DATETIME.sub("", _with_options(text, names - {name})) for name, text in entries.items()}


def _with_options(text: str, names: Set[str]) -> str:
    """A text with options in the place of the parameters of these names, but not in that of attributes."""
    return re.sub(r"(?<![.\w])\w+", lambda word: spell(word[0]) if word[0] in names else word[0], text)


def summary_of(method: Callable[..., Any]) -> str:
    """The first sentence of a method's docstring."""
    return _plain((inspect.getdoc(method) or "").partition("\n")[0])


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\1", text)
