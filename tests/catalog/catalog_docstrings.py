"""Google-style docstrings, taken apart."""

from __future__ import annotations

import inspect
import re

import attrs

_SECTION = re.compile(r"^(Args|Returns|Raises|Example|Examples|Attributes|Yields):$", re.MULTILINE)
_ENTRY = re.compile(r"^(\w+): *(.*(?:\n +.*)*)", re.MULTILINE)


@attrs.frozen
class Docstring:
    """What a docstring says.

    Attributes:
        summary: Its first line.
        sections: What stands under each heading, without its indentation.
    """

    summary: str
    sections: dict[str, str]

    @classmethod
    def of(cls, text: str) -> Docstring:
        parts = _SECTION.split(inspect.cleandoc(text))
        sections = {name: inspect.cleandoc(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}
        return cls(parts[0].partition("\n")[0].strip(), sections)

    def entries(self, section: str) -> dict[str, str]:
        """The names of a section, and what is said of each."""
        return {name: " ".join(text.split()) for name, text in _ENTRY.findall(self.sections.get(section, ""))}
