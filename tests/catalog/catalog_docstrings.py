"""Google-style docstrings: their sections and entries, and lines that say nothing."""

from __future__ import annotations

import inspect
import re

import attrs

_SECTION = re.compile(r"^(Args|Returns|Raises|Example|Examples|Attributes|Yields):$", re.MULTILINE)
_ENTRY = re.compile(r"^(\w+): *(.*(?:\n +.*)*)", re.MULTILINE)
_EMPTY_WORDS = frozenset({
    "a", "all", "an", "and", "any", "are", "as", "be", "been", "begin", "by", "came", "come", "else", "error",
    "failure", "for", "from", "give", "given", "has", "have", "in", "into", "is", "it", "none", "not", "nothing",
    "of", "on", "only", "or", "other", "that", "the", "their", "them", "there", "they", "thing", "this", "those",
    "to", "was", "what", "when", "where", "which", "who", "whose", "with",
})  # fmt: skip


@attrs.frozen
class Docstring:
    """The parts of a docstring.

    Attributes:
        summary: The first line.
        sections: Text by heading, without indentation.
    """

    summary: str
    sections: dict[str, str]

    @classmethod
    def of(cls, text: str) -> Docstring:
        parts = _SECTION.split(inspect.cleandoc(text))
        sections = {name: inspect.cleandoc(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}
        return cls(parts[0].partition("\n")[0].strip(), sections)

    def entries(self, section: str) -> dict[str, str]:
        """The texts of a section by name."""
        return {name: " ".join(text.split()) for name, text in _ENTRY.findall(self.sections.get(section, ""))}


def is_filler(name: str, line: str) -> bool:
    """Whether a line adds nothing to the name of a parameter, an error or a type."""
    return not _words(line) - _words(name) - _EMPTY_WORDS


def _words(text: str) -> set[str]:
    """Words in lower case and in the singular; names in camelCase and snake_case are split."""
    found = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+", text.replace("'s", ""))
    return {word.lower().removesuffix("s") for word in found}
