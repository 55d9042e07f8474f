"""What a terminal shows in place of JSON. Values are shown as text: nothing in them is markup."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from simstudio.cli.output import encodable
from simstudio.transport.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console

    from simstudio.traces.trace import Trace


_NARROW = 40
"""Characters below which a terminal has no room for two columns of fields."""
_SQUEEZED = 12
"""Characters that a column may be squeezed to, where it has a longer word."""
_LARGEST = 2.0**100
"""Bytes beyond which a number is no size."""
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
            lines = [part for line in value.split("\n") for part in _wrapped(line, console.width - width - 2)]
            rest = "".join(f"\n{' ' * (width + 2)}{line}".rstrip(" ") for line in lines[1:])
            shown = Text.assemble((name.ljust(width), "bold"), f"  {lines[0]}{rest}")
        console.print(shown, soft_wrap=True)


def show_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], whole: Collection[str] = ()) -> None:
    """Print rows under headings; None is a dash. If the terminal is too narrow for ids and times, each row is fields.

    A time is never broken, and is shown in a row without its fraction of a second.

    Args:
        headings: One for each column.
        rows: The values.
        whole: The headings of columns with ids, which are never broken or cut.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    console = _console()
    rows = list(rows)
    shown = [[_TIME.sub(r"\1\2", _readable(value)) for value in row] for row in rows]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    least = 0
    for number, heading in enumerate(headings):
        words = [heading, *(word for row in shown for word in row[number].split())]
        longest = max(map(len, words))
        is_whole = heading in whole or any(_TIME.fullmatch(row[number]) for row in shown)
        least += (longest if is_whole else max(len(heading), min(longest, _SQUEEZED))) + 3
        table.add_column(Text(heading), overflow="fold", no_wrap=is_whole)
    if shown and least - 1 > console.width:
        for values in rows:
            show_fields(zip(headings, map(_readable, values), strict=True))
            console.print()
        return
    for row in shown:
        table.add_row(*map(Text, row))
    console.print(table)


_STYLES = {
    "bold": "bold",
    "dim": "dim",
    "failed": "bold red",
    "handled": "yellow",
    "critical": "cyan",
    "bar": "blue",
    "": "",
}


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


def number(value: Any, form: str = ",g") -> Any:
    """A number, readably; anything else as it came.

    Example:
        >>> number(12345.5), number("12345.5"), number(2, ".2f")
        ('12,345.5', '12345.5', '2.00')
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    try:
        return format(value, form)
    except OverflowError:  # an integer of hundreds of digits
        return value


def seconds(milliseconds: Any) -> str | None:
    """Milliseconds, readably; None of what is no number.

    Example:
        >>> seconds(1530)
        '1.53 s'
    """
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        return None
    try:
        return f"{milliseconds / 1000:.6g} s"
    except OverflowError:
        return None


def size(count: Any) -> Any:
    """Bytes, readably; anything else as it came.

    Example:
        >>> size(5 * 1024**3)
        '5.0 GiB'
    """
    if isinstance(count, bool) or not isinstance(count, (int, float)) or count > _LARGEST:
        return count
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


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


def _wrapped(line: str, width: int) -> list[str]:
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

    return Console(soft_wrap=False, highlight=False)
