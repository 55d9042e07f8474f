"""Which blocks and values a streaming caller selected.

``selectedOutputs`` entries come in three forms: ``blockname.path`` (any case, spaces ignored), ``<uuid>_path`` and
``<uuid>.path``. Names nobody has are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import attrs

from simstudio.sandbox.workflow import normalised

_BY_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[._](.+)", re.IGNORECASE)

MISSING = object()
"""What `value_at` returns when nothing is there."""


@attrs.frozen
class BlockOutput:
    """One block that has finished."""

    id: str
    name: str
    output: object
    streamed: bool = False


@attrs.frozen
class Selection:
    """The parsed ``selectedOutputs`` of a request."""

    entries: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, selected: Iterable[str]) -> Selection:
        """Split every entry into a block (name or id) and a path."""
        entries = []
        for text in selected:
            by_id = _BY_ID.fullmatch(text)
            block, path = (by_id[1].lower(), by_id[2]) if by_id else text.partition(".")[::2]
            entries.append((normalised(block), path))
        return cls(tuple(entries))

    def __bool__(self) -> bool:
        return bool(self.entries)

    def paths(self, block_id: str, name: str) -> tuple[str, ...]:
        """The paths asked of one block, in the caller's order."""
        return tuple(path for block, path in self.entries if block in (block_id, normalised(name)))


def value_at(output: object, path: str) -> object:
    """The value at a dotted path (list indexes allowed), or `MISSING`."""
    value = output
    for key in path.split(".") if path else ():
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value
