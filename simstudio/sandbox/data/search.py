"""Chunks of texts, and the similarity of two texts.

The real server compares embeddings, which a provider computes. The sandbox compares words: the similarity is the cosine
between the sets of words of two texts, from 0 (none in common) to 1 (the same words). It is the same on every machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import attrs

_CHARACTERS_PER_TOKEN = 4
_WORD = re.compile(r"\w+")


@attrs.frozen
class Chunking:
    """Sizes of the chunks into which a text is split.

    Attributes:
        max_size: Tokens of four characters.
        min_size: Characters.
        overlap: Tokens.
        strategy: Other settings of v2, which are kept but do not change how a text is split.
    """

    max_size: int = 1024
    min_size: int = 100
    overlap: int = 200
    strategy: Mapping[str, object] = attrs.field(factory=dict)

    def to_dict(self) -> dict[str, object]:
        """The settings as the API shows them."""
        return {"maxSize": self.max_size, "minSize": self.min_size, "overlap": self.overlap, **self.strategy}

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Chunking:
        """The settings that a request gives, with defaults for those it leaves out."""
        given = {**cls().to_dict(), **config}
        return cls(given.pop("maxSize"), given.pop("minSize"), given.pop("overlap"), given)


def tokens(text: str) -> int:
    """Number of tokens of a text, at four characters a token."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def pieces(text: str, chunking: Chunking) -> list[tuple[int, str]]:
    """Split a text into pieces of at most ``max_size`` tokens, each with the position of its first character.

    A piece ends between two words and begins with the end of the piece before. A last piece shorter than ``min_size``
    belongs to the piece before.
    """
    most = chunking.max_size * _CHARACTERS_PER_TOKEN
    overlap = min(chunking.overlap * _CHARACTERS_PER_TOKEN, most // 2)
    found: list[tuple[int, str]] = []
    begin, text = len(text) - len(text.lstrip()), text.rstrip()
    while begin < len(text):
        end = _cut(text, begin, begin + most)
        if len(text) - end < chunking.min_size:
            end = len(text)
        piece = text[begin:end]
        found.append((begin + len(piece) - len(piece.lstrip()), piece.strip()))
        if end == len(text):
            break
        begin = _after_space(text, end - overlap, end) if end - overlap > begin else end
    return [(position, piece) for position, piece in found if piece]


def similarity(one: str, other: str) -> float:
    """Overlap of the words of two texts, from 0 to 1."""
    left, right = _words(one), _words(other)
    if not left or not right:
        return 0.0
    return len(left & right) / math.sqrt(len(left) * len(right))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def _cut(text: str, begin: int, end: int) -> int:
    """Position of the last space up to ``end``, or ``end``."""
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", begin + 1, end + 1)
    return end if space <= begin else space


def _after_space(text: str, begin: int, end: int) -> int:
    space = text.find(" ", begin, end)
    return begin if space < 0 else space + 1
