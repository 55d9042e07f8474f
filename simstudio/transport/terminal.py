"""Text for a terminal: control characters of a server or a workflow could steer it (title, clipboard, screen)."""

from __future__ import annotations

import re
from typing import Final, TextIO

CONTROL: Final = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
"""Pattern of control characters and those that change the order of text; joiners and wide spaces are text."""


def printable(text: str) -> str:
    """Text with its control characters, but line ends and tabs, replaced; carriage returns are dropped."""
    return re.sub(CONTROL, "\ufffd", text.replace("\r", ""))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal (a closed one, None, is not)."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed by its owner
        return False
