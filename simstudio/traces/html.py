"""The picture of a trace as HTML: nested ``<details>`` that a keyboard opens, bars as SVG.

There is no script, no ``style`` attribute and no address of anything to load, so that it works under a strict content
security policy; the page carries one of its own, which allows its style sheet and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from simstudio.core.display import hide_secrets
from simstudio.traces.layout import Row, lay_out
from simstudio.traces.words import cost_words, duration_words, kind_words, one_line

if TYPE_CHECKING:
    from simstudio.traces.record import RunRecord
    from simstudio.traces.span import Span

_DEEPEST = 12
"""Levels of indentation, as the style sheet has them."""
_DEEPEST_NESTING = 100
"""Levels of nested elements; browsers give up after some hundreds. Deeper spans stand below each other."""
_LONGEST = 2_000
"""Characters of an input, an output or an error."""


def fragment(trace: RunRecord, *, limit: int | None = None) -> str:
    """The picture for a notebook: one element with its style sheet, without inputs and outputs."""
    return f"<style>{_style()}</style>{_picture(trace, content=False, limit=limit, heading='h3')}"


def page(trace: RunRecord, *, content: bool = False, limit: int | None = None) -> str:
    """The picture as a page."""
    style = _style() + _page_style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    title = " ".join(filter(None, (_title(trace), trace.run_id)))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{_text(title)}</title><style>{style}</style></head>"
        f"<body><main>{_picture(trace, content=content, limit=limit, heading='h1')}</main></body></html>\n"
    )


def _style() -> str:
    return files("simstudio.traces").joinpath("trace.css").read_text(encoding="utf-8")


def _page_style() -> str:
    return files("simstudio.traces").joinpath("page.css").read_text(encoding="utf-8")


def _title(trace: RunRecord) -> str:
    return trace.workflow_name or trace.workflow_id or "Trace"


def _text(value: str) -> str:
    return escape(one_line(value))


def _picture(trace: RunRecord, *, content: bool, limit: int | None, heading: str) -> str:
    rows = lay_out(trace, limit)
    failed = " sim-failed" if trace.status == "failed" else ""
    run = f" <code>{_text(trace.run_id)}</code>" if trace.run_id else ""
    parts = [
        f'<section class="sim-trace" aria-label="Trace of a run"><{heading}>{_text(_title(trace))}{run}</{heading}>',
        f'<p class="sim-summary{failed}">{_text(" · ".join(trace.summary()))}</p>',
    ]
    if trace.error and not any(row.span and row.span.error and row.span.error in trace.error for row in rows):
        parts.append(f'<p class="sim-failed">{_text(_shorten(trace.error))}</p>')
    if rows:
        parts.append(_head(trace))
        parts += _nest(rows, content=content)
        parts.append(
            '<p class="sim-legend"><i class="sim-k"></i> critical path <i class="sim-b"></i> beside it '
            '<i class="sim-x"></i> failed</p>'
        )
    else:
        parts.append("<p>No spans.</p>")
    parts.append("</section>")
    return "".join(parts)


def _head(trace: RunRecord) -> str:
    return (
        '<div class="sim-row sim-head"><span>Step</span>'
        f'<span class="sim-ruler"><span>0</span><span>{_text(duration_words(trace.duration))}</span></span>'
        "<span>Duration</span><span>Tokens</span><span>Cost</span></div>"
    )


def _nest(rows: list[Row], *, content: bool) -> Iterator[str]:
    open_elements: list[int] = []  # depths of the elements that are open
    for row in rows:
        while open_elements and open_elements[-1] >= min(row.depth, _DEEPEST_NESTING):
            open_elements.pop()
            yield "</details>"
        if row.span is None:
            yield f'<p class="sim-more sim-d{min(row.depth, _DEEPEST)}">… {row.left_out:,} more</p>'
            continue
        yield from _row(row, row.span, content=content)
        open_elements.append(min(row.depth, _DEEPEST_NESTING))
    yield "</details>" * len(open_elements)


def _row(row: Row, span: Span, *, content: bool) -> Iterator[str]:
    state = "" if not span.failed else " sim-handled" if span.error_handled else " sim-failed"
    mark = "" if not span.failed else '<b title="failed, handled">!</b> ' if span.error_handled else "<b>✗</b> "
    kind = kind_words(span)
    opened = " open" if span.children or span.failed else ""
    tokens = f"{span.tokens:,.0f}" if span.tokens else ""
    cost = cost_words(span.cost) if span.cost else ""
    yield (
        f'<details{opened}><summary class="sim-row{state}"><span class="sim-name sim-d{min(row.depth, _DEEPEST)}">'
        f"{mark}{_text(span.name)} <small>{_text(kind)}</small></span>{_bar(row, state)}"
        f"<span>{duration_words(span.duration, unknown='…' if row.open else '')}</span><span>{tokens}</span>"
        f"<span>{cost}</span></summary>"
    )
    if span.error and span.failed and not row.has_failed_child:
        yield f'<pre class="sim-error">{_block(span.error)}</pre>'
    facts = [
        ("start", span.start.isoformat(timespec="milliseconds") if span.start else None),
        ("block id", span.block_id),
        ("input tokens", f"{span.input_tokens:,.0f}" if span.input_tokens else None),
        ("output tokens", f"{span.output_tokens:,.0f}" if span.output_tokens else None),
        ("on the critical path", "yes" if row.critical else None),
    ]
    known = "".join(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in facts if value)
    more = f"<dl>{known}</dl>" if known and not (span.is_container and span.children) else ""
    for name, value in (("Input", span.input), ("Output", span.output)):
        if content and value not in (None, {}, [], ""):
            more += f"<p>{name}</p><pre>{_block(_json(value))}</pre>"
    if more:  # below a span with others inside it, closed
        yield f'<details class="sim-facts"><summary>details</summary>{more}</details>' if span.children else more


def _bar(row: Row, state: str) -> str:
    if row.bar is None:
        return '<span class="sim-bar"></span>'
    start, end = row.bar
    left = min(start * 1000, 997)
    width = max((end - start) * 1000, 3)
    kind = "sim-x" if state == " sim-failed" else "sim-k" if row.critical else "sim-b"
    dashed = ' stroke-dasharray="8 4"' if row.open else ""
    return (
        '<svg class="sim-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{kind}" x="{left:.1f}" y="1" width="{min(width, 1000 - left):.1f}" height="8"{dashed}/></svg>'
    )


def _json(value: Any) -> str:
    """A value as text, without values whose names are those of secrets: pages are passed on to others."""
    value = hide_secrets(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … [{len(text) - _LONGEST:,} more characters]"


def _block(text: str) -> str:
    """Text of several lines, escaped."""
    return "\n".join(escape(_line(line)) for line in _shorten(text).splitlines())


def _line(line: str) -> str:
    """A line with its indentation."""
    stripped = line.lstrip(" ")
    return " " * (len(line) - len(stripped)) + one_line(stripped)
