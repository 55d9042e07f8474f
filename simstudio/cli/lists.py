"""Lists: JSON lines on a pipe, a table on a terminal; ``--wide`` and ``--format`` choose columns and form."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Literal

import attrs
import click

from simstudio.cli.formats import Format, normal, parse_option
from simstudio.cli.invocation import Invocation
from simstudio.cli.output import on_terminal, say, write, write_json
from simstudio.cli.readable import amount, dollars, duration, moment, number
from simstudio.cli.tables import show_table
from simstudio.core.model import Model

_READABLE: Mapping[str, Callable[[Any], Any]] = {
    "time": moment,
    "duration": duration,
    "number": number,
    "credits": amount,
    "dollars": dollars,
}


@attrs.frozen
class Column:
    """A column of a list.

    Attributes:
        heading: Heading of the table; with ``_`` for spaces, the name that ``--format`` takes.
        value: The wire name of a value, or a function that makes one of an item.
        kind: Kind of its values. Only ``text`` may be broken; a ``duration`` is in milliseconds.
        wide: Whether it is left out where the terminal has no room for all columns, and ``--wide`` is not given.
    """

    heading: str
    value: str | Callable[[Mapping[str, Any]], Any]
    kind: Literal["text", "id", "time", "duration", "number", "credits", "dollars"] = "text"
    wide: bool = False

    def of(self, item: Mapping[str, Any], *, exact: bool = False) -> Any:
        """The value of an item, as people read it.

        Args:
            exact: Whether a time stays in ISO 8601.
        """
        value = item.get(self.value) if isinstance(self.value, str) else self.value(item)
        return value if exact and self.kind == "time" else _READABLE.get(self.kind, _same)(value)


@attrs.frozen
class View:
    """The view of a list: its columns or template.

    Attributes:
        as_json: ``--json``.
        wide: ``--wide``.
        format: ``--format``.
    """

    as_json: bool = False
    wide: bool = False
    format: Format | None = None


def view_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator: ``--wide`` and ``--format``, for :func:`show_list`. It stands below ``@connected``."""

    @click.option("--wide", is_flag=True, help="In a table: all columns, and times in ISO 8601.")
    @click.option(
        "--format",
        "format_",
        metavar="COLUMNS|TEMPLATE",
        callback=parse_option,
        help="Columns, as id,name (a table, on a pipe separated by tabs), or a line for each item, as '{id} {name}'. "
        "Fields are the columns, and the names of the JSON, which give values as the server sent them.",
    )
    @functools.wraps(command)
    def wrapper(*arguments: Any, wide: bool, format_: Format | None, **options: Any) -> None:
        ctx = click.get_current_context()
        as_json = ctx.ensure_object(Invocation).as_json or bool(options.get("as_json"))
        if as_json and (wide or format_ is not None):
            raise click.UsageError(f"--json and {'--wide' if wide else '--format'} exclude each other", ctx)
        if wide and format_ is not None:
            raise click.UsageError("--wide and --format exclude each other", ctx)
        ctx.meta[_VIEW] = View(as_json, wide, format_)
        command(*arguments, **options)

    return wrapper


_VIEW = "simstudio.cli.lists.view"


MOST_ON_A_PAGE = 100
"""Items on a page that every list of v1 and v2 allows."""


def limit_option(default: int | None) -> Callable[[Any], Any]:
    """Decorator: ``--limit``; the command gets an ``int``, or None for all."""
    return click.option(
        "--limit",
        metavar="NUMBER|all",
        default="all" if default is None else str(default),
        show_default=True,
        callback=_parse,
        help="Largest number of items.",
    )


def _parse(ctx: click.Context, option: click.Parameter, value: str) -> int | None:
    if value == "all":
        return None
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= 10**9):
        raise click.BadParameter(f"{value!r} is neither a number above 0 nor all", ctx, option)
    return int(value)


def page_size(limit: int | None) -> int:
    """Number of items to request at a time: one more than is shown, which shows whether there are more."""
    return MOST_ON_A_PAGE if limit is None else min(limit + 1, MOST_ON_A_PAGE)


def to_json(item: object) -> Any:
    """An item of a list as JSON data; one that is no object is on the list as it came."""
    return item.to_dict() if isinstance(item, Model) else item


def show_list(items: Iterable[object], columns: Sequence[Column], limit: int | None = None) -> None:
    """Print a list in the form that the options of :func:`view_options` name, and a note if there are more items.

    Args:
        items: Models, or plain mappings.
        columns: Columns of the table.
        limit: Largest number of items; None for all.
    """
    ctx = click.get_current_context()
    view: View = ctx.meta[_VIEW]
    found = iter(items)
    shown = found if limit is None else islice(found, limit)
    if view.format is not None:
        _show_format(view.format, shown, columns, ctx)
    elif view.as_json or not on_terminal():
        for item in shown:
            write_json(to_json(item))
    else:
        _show_table(shown, columns, exact=view.wide, optional=not view.wide)
    if limit is not None and next(found, None) is not None:
        say(f"note: there are more than {limit}; --limit all shows them")


def _show_table(items: Iterable[object], columns: Sequence[Column], *, exact: bool, optional: bool) -> None:
    rows = [[column.of(_mapping(item), exact=exact) for column in columns] for item in items]
    whole = {column.heading for column in columns if column.kind != "text"}
    less = [column.heading for column in columns if column.wide] if optional else ()
    show_table([column.heading for column in columns], rows, whole, less)


def _show_format(form: Format, items: Iterator[object], columns: Sequence[Column], ctx: click.Context) -> None:
    named = {normal(column.heading): column for column in columns}
    first = list(islice(items, 1))
    if first:  # the columns of an empty list are unknown
        form.check({**named, **_mapping(first[0])}, ctx)
    items = chain(first, items)
    if form.template is None and on_terminal():
        chosen = [named.get(name) or Column(name, name) for name in form.names]
        _show_table(items, chosen, exact=False, optional=False)
        return
    for item in items:
        data = _mapping(item)

        def value(name: str, data: Mapping[str, Any] = data) -> object:
            found = named[name].of(data, exact=True) if name in named else data.get(name)
            return found if found is None or isinstance(found, str) else json.dumps(found, ensure_ascii=False)

        write(f"{form.line(value)}\n")


def _mapping(item: object) -> Mapping[str, Any]:
    return item if isinstance(item, Mapping) else {}


def _same(value: Any) -> Any:
    return value
