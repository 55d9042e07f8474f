"""Texts in chunks, and how similar two texts are.

The real server asks an embedding provider. Here two texts are as similar as they share words: the cosine between
their sets of words, from 0 (none) to 1 (the same), which is the same on every machine.
"""

from __future__ import annotations

import math
import re

import attrs

_CHARACTERS_PER_TOKEN = 4
_WORD = re.compile(r"\w+")


@attrs.frozen
class Chunking:
    """How a text is cut, in tokens of four characters; ``min_size`` is in characters."""

    max_size: int = 1024
    min_size: int = 100
    overlap: int = 200

    def shown(self) -> dict[str, object]:
        """The settings as the API shows them."""
        return {"maxSize": self.max_size, "minSize": self.min_size, "overlap": self.overlap}


def tokens(text: str) -> int:
    """About how many tokens a text has."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def chunks(text: str, chunking: Chunking) -> list[str]:
    """A text in pieces of at most ``max_size``, cut between words, each beginning with the end of the one before.

    A last piece shorter than ``min_size`` belongs to the one before it.
    """
    most = chunking.max_size * _CHARACTERS_PER_TOKEN
    overlap = min(chunking.overlap * _CHARACTERS_PER_TOKEN, most // 2)
    pieces: list[str] = []
    begin, text = 0, text.strip()
    while begin < len(text):
        end = _cut(text, begin, begin + most)
        if len(text) - end < chunking.min_size:
            end = len(text)
        pieces.append(text[begin:end].strip())
        if end == len(text):
            break
        begin = _after_space(text, end - overlap, end) if end - overlap > begin else end
    return [piece for piece in pieces if piece]


def similarity(one: str, other: str) -> float:
    """How many words two texts share, from 0 to 1."""
    left, right = _words(one), _words(other)
    if not left or not right:
        return 0.0
    return len(left & right) / math.sqrt(len(left) * len(right))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def _cut(text: str, begin: int, end: int) -> int:
    """The last place between two words up to ``end``."""
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", begin + 1, end + 1)
    return end if space <= begin else space


def _after_space(text: str, begin: int, end: int) -> int:
    space = text.find(" ", begin, end)
    return begin if space < 0 else space + 1
