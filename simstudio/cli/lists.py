"""Lists: a JSON line each on a pipe, as they come; a table on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs
import click

from simstudio.cli.output import on_terminal, say, write_json
from simstudio.cli.tables import show_table
from simstudio.core.model import Model

if TYPE_CHECKING:
    from simstudio.cli.connection import Connection


@attrs.frozen
class Column:
    """A column of a list.

    Attributes:
        heading: What stands above it.
        value: The wire name of a value, or a function that makes one of an item.
        is_id: Whether its values are ids, which are never broken or cut.
    """

    heading: str
    value: str | Callable[[Mapping[str, Any]], Any]
    is_id: bool = False

    def of(self, item: Mapping[str, Any]) -> Any:
        """The value of an item."""
        return item.get(self.value) if isinstance(self.value, str) else self.value(item)


MOST_ON_A_PAGE = 100
"""What every list of v1 and v2 gives on a page without complaint."""


def limit_option(default: int | None) -> Callable[[Any], Any]:
    """Decorator: ``--limit``; the command gets an ``int``, or None for all."""
    return click.option(
        "--limit",
        metavar="NUMBER|all",
        default="all" if default is None else str(default),
        show_default=True,
        callback=_parse,
        help="How many at most.",
    )


def _parse(ctx: click.Context, option: click.Parameter, value: str) -> int | None:
    if value == "all":
        return None
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= 10**9):
        raise click.BadParameter(f"{value!r} is neither a number above 0 nor all", ctx, option)
    return int(value)


def page_size(limit: int | None) -> int:
    """How many to ask for at a time: one more than is shown, to know whether there are more."""
    return MOST_ON_A_PAGE if limit is None else min(limit + 1, MOST_ON_A_PAGE)


def to_json(item: object) -> Any:
    """An item of a list as JSON data; one that is no object is on the list as it came."""
    return item.to_dict() if isinstance(item, Model) else item


def show_list(
    connection: Connection, items: Iterable[Model], columns: Sequence[Column], limit: int | None = None
) -> None:
    """Print a list, and say when there is more of it."""
    found = iter(items)
    shown = found if limit is None else islice(found, limit)
    if connection.as_json or not on_terminal():
        for item in shown:
            write_json(to_json(item))
    else:
        rows = [[column.of(item if isinstance(item, Mapping) else {}) for column in columns] for item in shown]
        whole = {column.heading for column in columns if column.is_id}
        show_table([column.heading for column in columns], rows, whole)
    if limit is not None and next(found, None) is not None:
        say(f"note: there are more than {limit}; --limit all shows them")
