"""Text that arrives in pieces, each of which may end within a character.

Sim cuts texts as JavaScript does, between UTF-16 code units, so that the two halves of a surrogate pair may come in
different pieces. The first half is kept until the next piece. A half whose other half never comes becomes U+FFFD, so
that the text can always be encoded.
"""

from __future__ import annotations

import codecs
import re

MOST_TEXT = 64 * 1024 * 1024
"""Characters of text, and of the ids of its blocks, that a stream may deliver: all of it is kept for the result."""
_HALF = re.compile("[\ud800-\udfff]")
_JOIN_AFTER = 1024


class PairJoiner:
    r"""Joins surrogate pairs that were cut in two.

    Attributes:
        pending: Whether the last piece ended in half of a pair.

    Example:
        >>> joiner = PairJoiner()
        >>> joiner.feed("Hi \ud83d"), joiner.feed("\ude00!") == "\N{GRINNING FACE}!"
        ('Hi ', True)
    """

    __slots__ = ("_decoder", "pending")

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")
        self.pending = False

    def feed(self, piece: str) -> str:
        """Return the characters that a piece completes."""
        if not self.pending and _HALF.search(piece) is None:
            return piece
        whole = self._decoder.decode(piece.encode("utf-16-le", "surrogatepass"))
        self.pending = bool(self._decoder.getstate()[0])
        return whole

    def end(self) -> str:
        """Return U+FFFD if the pieces ended in half of a pair, else an empty text."""
        self.pending = False
        return self._decoder.decode(b"", final=True)


class StreamedText:
    """A text built from many small pieces, joined from time to time so that no object is kept for each piece."""

    __slots__ = ("_joined", "_joiner", "_pieces")

    def __init__(self) -> None:
        self._joiner = PairJoiner()
        self._joined: list[str] = []
        self._pieces: list[str] = []

    def append(self, piece: str) -> str:
        """Add a piece, and return the characters that it completes."""
        return self._add(self._joiner.feed(piece))

    def end(self) -> str:
        """End the text, and return what this adds to it: U+FFFD for half of a surrogate pair, else nothing."""
        return self._add(self._joiner.end())

    def _add(self, whole: str) -> str:
        self._pieces.append(whole)
        if len(self._pieces) >= _JOIN_AFTER:
            self._joined.append("".join(self._pieces))
            self._pieces.clear()
        return whole

    def __str__(self) -> str:
        return "".join([*self._joined, *self._pieces, "\ufffd" if self._joiner.pending else ""])
