"""The picture of a trace as text: a line for each span, with a bar, and below a failed one its error."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import attrs

from simstudio.traces.layout import Row, lay_out
from simstudio.traces.words import cost_words, duration_words, kind_words, one_line

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.traces.record import RunRecord
    from simstudio.traces.span import Span

    Style: TypeAlias = Literal["", "bold", "dim", "failed", "handled", "critical", "bar"]
    Line: TypeAlias = list[tuple[str, Style]]

NARROWEST = 40
_LEAST_BAR = 10
_DEEPEST = 8
"""Levels of indentation; deeper spans stand below each other."""
_ERROR_LINES = 3


@attrs.frozen
class _Glyphs:
    critical: str
    bar: str
    short: str
    open: str
    failed: str
    handled: str
    cut: str
    separator: str


_UNICODE = _Glyphs("█", "░", "▏", "▸", "✗", "!", "…", " · ")
_ASCII = _Glyphs("#", "-", "|", ">", "x", "!", "~", ", ")


@attrs.frozen
class _Columns:
    """Widths of the columns, which are separated by spaces; 0 of a column that is not shown."""

    name: int
    type: int
    bar: int
    took: int
    tokens: int
    cost: int


def draw(
    trace: RunRecord, width: int, *, ascii_only: bool = False, limit: int | None = None, heading: bool = True
) -> list[Line]:
    """The lines of the picture, each a list of texts with their styles. No line is wider than ``width``.

    Args:
        width: Columns; 40 at least.
        heading: Whether to begin with the workflow, the run, and its status.
    """
    width = max(NARROWEST, width)
    glyphs = _ASCII if ascii_only else _UNICODE
    rows = lay_out(trace, limit)
    lines = _heading(trace, width, glyphs) if heading else []
    if not rows:
        return [*lines, [("no spans", "dim")]]
    columns = _columns(rows, width)
    if columns.bar:
        lines.append(_ruler(trace, columns, glyphs))
    for row in rows:
        lines += _row(row, columns, width, glyphs)
    if columns.bar and any(row.bar and not row.critical for row in rows):
        legend: Line = [("  ", ""), (glyphs.critical, "critical"), (" critical path  ", "dim")]
        lines.append([*legend, (glyphs.bar, "bar"), (" beside it", "dim")])
    return lines


def plain(lines: Iterable[Line]) -> str:
    """Lines without their styles."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def _heading(trace: RunRecord, width: int, glyphs: _Glyphs) -> list[Line]:
    name = one_line(trace.workflow_name or trace.workflow_id or "")
    run = f"run {one_line(trace.run_id)}" if trace.run_id else ""
    lines: list[Line] = []
    title = "  ".join(filter(None, (name, run)))
    if title:
        lines.append([(cut(title, width, glyphs.cut), "bold")])
    style: Style = "failed" if trace.status == "failed" else ""
    summary = one_line(glyphs.separator.join(trace.summary()))
    lines.append([(cut(summary, width, glyphs.cut), style)])
    return lines


def _columns(rows: Sequence[Row], width: int) -> _Columns:
    shown = [(row, row.span) for row in rows if row.span is not None]
    took = max((len(duration_words(span.duration)) for _, span in shown), default=0)
    tokens = max((len(_tokens(span)) for _, span in shown), default=0)
    cost = max((len(_cost(span)) for _, span in shown), default=0)
    tokens, cost = tokens and max(tokens, len("tokens")), cost and max(cost, len("cost"))
    rest = width - 2 - sum(size + 1 for size in (took, tokens, cost) if size)
    name = max((_indent(row) + cells(one_line(span.name)) for row, span in shown), default=0)
    name = max(12, min(name, rest * 2 // 5))
    kind = min(max((cells(kind_words(span)) for _, span in shown), default=0), max(0, rest // 4))
    bar = rest - name - kind - 2
    if bar < _LEAST_BAR:
        kind, bar = 0, rest - name - 1
    if bar < _LEAST_BAR:
        name, bar = rest, 0
    return _Columns(name, kind, bar, took, tokens, cost)


def _ruler(trace: RunRecord, columns: _Columns, glyphs: _Glyphs) -> Line:
    before = 2 + columns.name + 1 + (columns.type + 1 if columns.type else 0)
    whole = duration_words(trace.duration)
    line: Line = [(" " * before, ""), (cut("0" + whole.rjust(columns.bar - 1), columns.bar, glyphs.cut), "dim")]
    for size, heading in ((columns.took, ""), (columns.tokens, "tokens"), (columns.cost, "cost")):
        if size:
            line.append((f" {heading.rjust(size)}", "dim"))
    return line


def _row(row: Row, columns: _Columns, width: int, glyphs: _Glyphs) -> list[Line]:
    span, indent = row.span, _indent(row)
    if span is None:
        return [[("  " + " " * indent + f"{glyphs.cut} {row.left_out:,} more", "dim")]]
    style: Style = "" if not span.failed else "handled" if span.error_handled else "failed"
    mark = " " if not span.failed else glyphs.handled if span.error_handled else glyphs.failed
    name = " " * indent + cut(one_line(span.name), columns.name - indent, glyphs.cut)
    line: Line = [(f"{mark} ", style), (fill(name, columns.name), style)]
    if columns.type:
        line.append((" " + fill(cut(kind_words(span), columns.type, glyphs.cut), columns.type), "dim"))
    if columns.bar:
        line.append((" ", ""))
        line += _bar(row, columns.bar, glyphs, style)
    for size, text in (
        (columns.took, duration_words(span.duration)),
        (columns.tokens, _tokens(span)),
        (columns.cost, _cost(span)),
    ):
        if size:
            line.append((f" {text.rjust(size)}", ""))
    return [line, *_errors(row, span, style, width, glyphs)]


def _bar(row: Row, width: int, glyphs: _Glyphs, style: Style) -> Line:
    if row.bar is None:
        return [(" " * width, "")]
    start, end = (fraction * width for fraction in row.bar)
    first = min(round(start), width - 1)
    count = max(1, min(round(end), width) - first)
    short = end - start < 0.5 and not row.open
    letter = glyphs.short if short else glyphs.critical if row.critical else glyphs.bar
    drawn = letter * (1 if short else count)
    if row.open:
        drawn = drawn[:-1] + glyphs.open
    shade: Style = style or ("critical" if row.critical else "bar")
    return [(" " * first, ""), (drawn, shade), (" " * (width - first - len(drawn)), "")]


def _errors(row: Row, span: Span, style: Style, width: int, glyphs: _Glyphs) -> list[Line]:
    """The error of a span in a few lines; that of a span around it would only repeat it."""
    if span.error is None or not span.failed or row.has_failed_child:
        return []
    before = " " * (4 + _indent(row))
    room = width - len(before)
    parts = textwrap.wrap(one_line(span.error), room, break_on_hyphens=False) or [""]
    if len(parts) > _ERROR_LINES:
        parts = [*parts[: _ERROR_LINES - 1], " ".join(parts[_ERROR_LINES - 1 : _ERROR_LINES + 1])]
    return [[(before, ""), (cut(part, room, glyphs.cut), style)] for part in parts]


def _tokens(span: Span) -> str:
    return "" if not span.tokens else f"{span.tokens:,.0f}"


def _cost(span: Span) -> str:
    return "" if not span.cost else cost_words(span.cost)


def _indent(row: Row) -> int:
    return 2 * min(row.depth, _DEEPEST)


# -- columns of a terminal ---------------------------------------------------------------------------------------------


def cells(text: str) -> int:
    """The columns that a text takes: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def cut(text: str, width: int, sign: str) -> str:
    """Text that takes at most ``width`` columns; what was longer ends with ``sign``, which takes one."""
    if cells(text) <= width:
        return text
    room, kept = max(0, width - 1), ""
    for letter in text:
        room -= _cells_of(letter)
        if room < 0:
            break
        kept += letter
    return kept + sign if width > 0 else ""


def fill(text: str, width: int) -> str:
    """Text with spaces up to a width."""
    return text + " " * (width - cells(text))


def _cells_of(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
