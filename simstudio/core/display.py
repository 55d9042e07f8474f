"""Representations of objects: short ones for a shell, and tables in HTML for a notebook.

Everything that a server sent is escaped in HTML.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

_LONGEST_TEXT = 60
_MOST_ENTRIES = (4, 4, 2)
"""Entries of a mapping or list that are shown, by depth; deeper ones are ``…``."""
_LONGEST_MEMBER = 100
"""Characters of the fields of a model inside another one, before the rest is ``…``."""
_LONGEST_CELL = 80
_LONGEST_DETAIL = 2000
_MOST_ROWS = 100
_CELL = "text-align:left;vertical-align:top;white-space:pre-wrap"


def short_repr(value: Any, depth: int = 0) -> str:
    """A representation of a value in which long texts, and mappings and lists with many entries, end with ``…``."""
    if isinstance(value, (str, bytes)):
        return repr(value) if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]!r}…"
    if depth and hasattr(value, "_shown_fields"):
        return model_repr(value, _LONGEST_MEMBER)
    if depth and isinstance(value, BaseException):
        return f"{type(value).__name__}({short_repr(str(value))})"
    is_mapping = isinstance(value, Mapping) and type(value).__repr__ is dict.__repr__
    if not is_mapping and type(value) not in (list, tuple):
        return repr(value)
    opening, closing = "{}" if is_mapping else "[]"
    if depth >= len(_MOST_ENTRIES):
        return f"{opening}…{closing}" if value else opening + closing
    most = _MOST_ENTRIES[depth]
    entries = [
        f"{each!r}: {short_repr(value[each], depth + 1)}" if is_mapping else short_repr(each, depth + 1)
        for each in islice(value, most)
    ]
    if len(value) > most:
        entries.append(f"… {len(value) - most} more")
    return f"{opening}{', '.join(entries)}{closing}"


def hide_secrets(value: Any) -> Any:
    """JSON data with ``***`` for values whose names are those of secrets; ``…`` if it has too many levels."""
    from simstudio.transport.secret_fields import redact_value  # imported late: most representations do not need it

    try:
        return redact_value(value, lambda _: "***")
    except RecursionError:
        return "…"


def model_repr(model: Any, longest: float = math.inf) -> str:
    """The representation of a model, with ``…`` after the field that exceeds a number of characters."""
    shown: list[str] = []
    length = 0
    for name, value in model._shown_fields():
        if length > longest:
            shown.append("…")
            break
        shown.append(f"{name}={short_repr(value, 1)}")
        length += len(shown[-1])
    return f"{type(model).__name__}({', '.join(shown)})"


def table_html(title: str, rows: Iterable[tuple[str, Any]]) -> str:
    """An HTML table with a row for each name and value."""
    body = "".join(
        f'<tr><th style="{_CELL}">{html.escape(name)}</th><td style="{_CELL}">{_cell(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table><caption>{html.escape(title)}</caption><tbody>{body}</tbody></table>"


def rows_html(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """An HTML table with a row for each mapping; the columns are the keys of all, in the order of first appearance."""
    shown = rows[:_MOST_ROWS]
    columns = list(dict.fromkeys(key for row in shown for key in row))
    head = "".join(f'<th style="{_CELL}">{html.escape(str(column))}</th>' for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td style={_CELL!r}>{_cell(row.get(column))}</td>' for column in columns)}</tr>"
        for row in shown
    )
    more = f", {len(rows) - len(shown):,} more" if len(rows) > len(shown) else ""
    caption = f"<caption>{html.escape(title)}{more}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    """A value in a cell; a long one unfolds."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else _text(value)
    if len(text) <= _LONGEST_CELL:
        return html.escape(text)
    detail = text if len(text) <= _LONGEST_DETAIL else f"{text[:_LONGEST_DETAIL]}…"
    return f"<details><summary>{html.escape(text[:_LONGEST_CELL])}…</summary><pre>{html.escape(detail)}</pre></details>"


def _text(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        try:
            return json.dumps(value, ensure_ascii=False, indent=1, default=dict)
        except (TypeError, ValueError, RecursionError):
            return short_repr(value)
    return str(value)
