"""Python literals and names of texts that come from a server."""

from __future__ import annotations

import keyword
import unicodedata


def is_name(text: str) -> bool:
    """Whether a text can be the name of an argument: an identifier, no keyword, and as the parser normalizes it."""
    return text.isidentifier() and not keyword.iskeyword(text) and unicodedata.normalize("NFKC", text) == text


def string_literal(text: str) -> str:
    r"""Return a Python literal of a text, on one line and in printable characters, quoted as formatters quote it.

    Example:
        >>> print(string_literal('say "hi"\n'), string_literal("it's"))
        'say "hi"\n' "it's"
    """
    quote = "'" if text.count('"') > text.count("'") else '"'
    parts = (f"\\{letter}" if letter == quote else letter if letter in "\"'" else repr(letter)[1:-1] for letter in text)
    return f"{quote}{''.join(parts)}{quote}"
