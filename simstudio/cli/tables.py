"""What a terminal shows in place of JSON. Values are shown as text: nothing in them is markup."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any


def show_fields(fields: Iterable[tuple[str, Any]]) -> None:
    """Print names and values in two columns; None is left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields:
        if value is not None:
            table.add_row(Text(name, style="bold"), Text(_readable(value)))
    _print(table)


def show_table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under headings; None is a dash."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    for row in rows:
        table.add_row(*(Text("–" if value is None else _readable(value)) for value in row))
    _print(table)


def printable(text: str) -> str:
    """Text without the control characters by which a server could steer the terminal."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def seconds(milliseconds: Any) -> str | None:
    """Milliseconds, readably; None of what is no number.

    Example:
        >>> seconds(1530)
        '1.53 s'
    """
    known = isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool)
    return f"{milliseconds / 1000:.6g} s" if known else None


def size(count: float) -> str:
    """Bytes, readably.

    Example:
        >>> size(5 * 1024**3)
        '5.0 GiB'
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _readable(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return printable(value)


def _print(table: Any) -> None:
    from rich.console import Console

    Console(soft_wrap=False, highlight=False).print(table)
