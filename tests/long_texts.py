"""Long texts in cassettes: a run of one character is kept by its length, ``⟦15000 × x⟧``, and expanded by readers."""

from __future__ import annotations

import re

_RUN = re.compile(r"([A-Za-z0-9])\1{999,}")
_MARK = re.compile(r"⟦([0-9]+) × ([A-Za-z0-9])⟧")
_CUT = re.compile(r"(?<=([A-Za-z0-9]))\.\.\.\[cut in the middle, ([0-9]+) characters kept before\]\.\.\.(?=\1)")


def shorten(text: str) -> str:
    """Return a text whose runs of 1,000 or more equal letters or digits are marks.

    Example:
        >>> shorten('{"text": "' + 15_000 * "x" + '"}')
        '{"text": "⟦15000 × x⟧"}'
    """
    return _RUN.sub(lambda run: f"⟦{len(run[0])} × {run[1]}⟧", text)


def expand(text: str) -> str:
    """Return a text as it was before `shorten`.

    Example:
        >>> expand("⟦3 × x⟧")
        'xxx'
    """
    return _MARK.sub(lambda mark: int(mark[1]) * mark[2], text)


def restore(text: str) -> str:
    """Return a text as it was before the recorder cut it in the middle, if it did so within a run of one character.

    Example:
        >>> restore("<xx...[cut in the middle, 8 characters kept before]...xx>")
        '<xxxxxx>'
    """
    cut = _CUT.search(text)
    if cut is None:
        return text
    missing = int(cut[2]) - len(text) + len(cut[0])
    return text[: cut.start()] + missing * cut[1] + text[cut.end() :]
