"""Durations and amounts, as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simstudio.traces.span import ITERATIONS

if TYPE_CHECKING:
    from simstudio.traces.span import Span

_JOINERS = "\u200c\u200d"
"""Characters that a terminal does not print by themselves, and that belong to text and emoji."""


def duration_words(milliseconds: float | None, unknown: str = "") -> str:
    """A duration.

    Example:
        >>> [duration_words(each) for each in (0.4, 62.5, 3752.6, 125_000, 7_380_000)]
        ['0.4 ms', '62 ms', '3.75 s', '2 min 05 s', '2 h 03 min']
    """
    if milliseconds is None:
        return unknown
    if milliseconds < 999.5:
        return f"{milliseconds:.1f} ms".replace(".0 ", " ") if milliseconds < 9.95 else f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02} min"


def cost_words(cost: float) -> str:
    """A cost, with at most six decimals.

    Example:
        >>> cost_words(0.0123), cost_words(12.5)
        ('0.0123', '12.50')
    """
    return f"{cost:,.2f}" if cost >= 1 else f"{cost:.6f}".rstrip("0").rstrip(".")


def count_words(count: float, noun: str) -> str:
    """A number with its noun.

    Example:
        >>> count_words(1, "span"), count_words(1824, "token")
        ('1 span', '1,824 tokens')
    """
    return f"{count:,.0f} {noun}{'' if count == 1 else 's'}"


def kind_words(span: Span) -> str:
    """The type and the model of a span; the name of an iteration says that it is one."""
    return one_line(" ".join(filter(None, ("" if span.type in ITERATIONS else span.type, span.model))))


def one_line(text: str) -> str:
    r"""Text on one line, with spaces for line ends, and a replacement for characters that could steer a terminal.

    Example:
        >>> one_line("two\nlines\x1b[2J")
        'two lines�[2J'
    """
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() or each in _JOINERS else "\ufffd" for each in line)
