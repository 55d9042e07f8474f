"""Tables and fields for a terminal, in the place of JSON. Values are shown as text: nothing in them is markup."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from simstudio.cli.output import encodable, on_terminal, write
from simstudio.transport.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console

    from simstudio.traces.trace import Trace


_NARROW = 40
"""Width of a terminal, in characters, below which nothing is shown in columns."""
_GAP = 2
"""Spaces between two columns."""
_SQUEEZED = 12
"""Characters that a column may be squeezed to, where it has a longer word."""
_DRAWN = "█░▏▸✗…·"
"""Characters of the picture of a trace."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


def show_fields(fields: Iterable[tuple[str, Any]]) -> None:
    """Print names and values in two columns; None is left out. A word, such as an id, is never broken."""
    from rich.text import Text

    known = [(_readable(name), _readable(value)) for name, value in fields if value is not None]
    console = _console()
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        if console.width < _NARROW:
            shown = Text(f"{name}: {value}")
        else:
            lines = [part for line in value.split("\n") for part in _wrap(line, console.width - width - 2)]
            rest = "".join(f"\n{' ' * (width + 2)}{line}".rstrip(" ") for line in lines[1:])
            shown = Text.assemble((name.ljust(width), "bold"), "  ", (f"{lines[0]}{rest}", _style_of(name, value)))
        console.print(shown, soft_wrap=True)


def show_table(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], whole: Collection[str] = (), less: Sequence[str] = ()
) -> None:
    """Print rows under headings; None is a dash. If the terminal is too narrow for ids and times, each row is fields.

    A time is never broken, and is shown in a row without its fraction of a second.

    Args:
        headings: One for each column.
        whole: The headings of columns with ids, times and amounts, which are never broken or cut.
        less: The headings of columns that are left out, the last one first, until the others have room.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    console = _console()
    rows = list(rows)
    shown = [[_TIME.sub(r"\1\2", _readable(value)) for value in row] for row in rows]
    columns = [_layout(heading, [row[at] for row in shown], whole) for at, heading in enumerate(headings)]
    kept = list(range(len(columns)))
    for heading in reversed(less):
        if _width_of(columns[at] for at in kept) > console.width:
            kept.remove(headings.index(heading))
    if shown and (console.width < _NARROW or _width_of(columns[at] for at in kept) > console.width):
        for values in rows:
            show_fields(zip(headings, map(_readable, values), strict=True))
            console.print()
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for at in kept:
        table.add_column(Text(headings[at]), overflow="fold", no_wrap=columns[at].is_whole)
    for row in shown:
        table.add_row(*(Text(row[at], style=_style_of(headings[at], row[at])) for at in kept))
    console.print(table)


def show_words(words: Iterable[Any], status: Any) -> None:
    """Print values on one line, however long; that of a status has its colour."""
    from rich.text import Text

    texts = [Text(_readable(word), status_style(word) if word == status else "") for word in words]
    _console().print(Text("  ").join(texts), soft_wrap=True)


class _Layout(NamedTuple):
    """A column: its smallest width, and whether its values are never broken."""

    width: int
    is_whole: bool


def _layout(heading: str, values: Sequence[str], whole: Collection[str]) -> _Layout:
    is_whole = heading in whole or heading in _STATUSES or any(map(_TIME.fullmatch, values))
    pieces = values if is_whole else [word for value in values for word in value.split()]
    longest = max(map(_cells, pieces), default=0)
    return _Layout(max(_cells(heading), longest if is_whole else min(longest, _SQUEEZED)), is_whole)


def _width_of(columns: Iterable[_Layout]) -> int:
    return sum(column.width + _GAP for column in columns) - _GAP


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


_STATUSES = ("status", "level")
_COLOURS = {
    **dict.fromkeys(("failed", "error"), "red"),
    **dict.fromkeys(("running", "pending", "processing", "queued", "redacting", "waiting", "created"), "yellow"),
    **dict.fromkeys(("completed", "done", "succeeded", "finished", "active"), "green"),
    "paused": "magenta",
}


def status_style(status: object) -> str:
    """The colour of a status, as a style of rich; empty for any other word."""
    return _COLOURS.get(re.split(r"[\s:,]", str(status), maxsplit=1)[0].lower(), "")


def _style_of(heading: str, value: str) -> str:
    return status_style(value) if heading in _STATUSES else ""


_STYLES = {
    "bold": "bold",
    "dim": "dim",
    "failed": "bold red",
    "handled": "yellow",
    "critical": "cyan",
    "bar": "blue",
    "added": "green",
    "changed": "yellow",
    "removed": "red",
    "": "",
}


def show_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Print lines, each with the name of its style, in colour where the terminal has it."""
    if encodable("→…") != "→…":
        lines = [(text.replace("→", "->").replace("…", "..."), style) for text, style in lines]
    if not on_terminal():
        write("".join(f"{text}\n" for text, _ in lines))
        return
    from rich.text import Text

    console = _console()
    for text, style in lines:
        console.print(Text(_readable(text), _STYLES[style]), soft_wrap=True)


def show_picture(trace: Trace, limit: int | None) -> None:
    """Print the bars of a trace, in colour where the terminal has it; in ASCII if its encoding lacks block characters.

    Args:
        limit: Largest number of spans; None for all.
    """
    from rich.text import Text

    from simstudio.traces.text import draw

    console = _console()
    ascii_only = encodable(_DRAWN) != _DRAWN
    for line in draw(trace, console.width, ascii_only=ascii_only, limit=limit, heading=False):
        shown = Text.assemble(*((encodable(text), _STYLES[style]) for text, style in line))
        shown.rstrip()
        console.print(shown, soft_wrap=True)


def attribute(model: Any, *names: str) -> Any:
    """The value at a path of attributes; None where the server sent none, or something without them."""
    for name in names:
        model = getattr(model, name, None)
    return model


def ratio(part: Any, whole: Any) -> str | None:
    """``part of whole``; None where either is missing."""
    return None if part is None or whole is None else f"{_readable(part)} of {_readable(whole)}"


def _readable(value: Any) -> str:
    if value is None:
        return encodable("–")
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return encodable(printable(text))


def _wrap(line: str, width: int) -> list[str]:
    """A line in pieces that are no wider than a width, unless a word is; words are never broken."""
    from rich.cells import cell_len

    pieces = [""]
    for word in re.findall(r"\s*\S+", line.rstrip()):
        if pieces[-1] and cell_len(pieces[-1] + word) > width:
            pieces.append(word.lstrip())
        else:
            pieces[-1] += word
    return pieces


def _console() -> Console:
    from rich.console import Console

    # rich takes a dumb terminal to be 80 characters wide, whatever its width is.
    is_dumb = os.environ.get("TERM") in ("dumb", "unknown")
    width, height = shutil.get_terminal_size() if is_dumb else (None, None)
    return Console(soft_wrap=False, highlight=False, width=width, height=height)
