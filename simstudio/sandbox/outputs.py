"""The blocks and values that a streaming caller selected.

``selectedOutputs`` entries come in three forms: ``blockname.path`` (any case, spaces ignored), ``<uuid>_path`` and
``<uuid>.path``. Unknown names are ignored.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

import attrs

from simstudio.sandbox import jsontext
from simstudio.sandbox.workflow import normalise_name

_BY_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[._](.+)", re.IGNORECASE)

_LONGEST_TEXT = 15_000

MISSING = object()
"""Result of `value_at` for a path without a value."""


@attrs.frozen
class BlockOutput:
    """One block that has finished.

    Attributes:
        started: epoch seconds: the end of the block before it.
        ended: epoch seconds.
    """

    id: str
    name: str
    output: object
    streamed: bool = False
    started: float | None = None
    ended: float | None = None


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
            entries.append((normalise_name(block), path))
        return cls(tuple(entries))

    def __bool__(self) -> bool:
        return bool(self.entries)

    def paths(self, block_id: str, name: str) -> tuple[str, ...]:
        """The selected paths of one block, in the caller's order."""
        return tuple(path for block, path in self.entries if block in (block_id, normalise_name(name)))


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


def selected_values(blocks: Iterable[BlockOutput], selectors: Iterable[str]) -> dict[str, object]:
    """The selected values by selector, as the caller wrote it; missing ones are left out."""
    values: dict[str, object] = {}
    finished = list(blocks)
    for text in selectors:
        selection = Selection.parse([text])
        for block in finished:
            for path in selection.paths(block.id, block.name):
                value = value_at(block.output, path)
                if value is not MISSING:
                    values[text] = value
    return values


def without_long_texts(value: object) -> object:
    """A value with its texts cut after 15,000 characters, as servers since v0.8 store them."""
    return jsontext.copy_value(value, _cut)


def _cut(value: object) -> object:
    left = len(value) - _LONGEST_TEXT if isinstance(value, str) else 0
    return f"{str(value)[:_LONGEST_TEXT]}... [truncated {left} chars]" if left > 0 else value


def compact(value: object, limit: int | None, run_id: str) -> object:
    """A value with its too large parts replaced by references, the innermost first.

    Args:
        value: plain JSON.
        limit: bytes a part may have; None for any number.
        run_id: the run it belongs to.
    """
    if limit is None:
        return value
    size = len(jsontext.encode(value))
    if size <= limit:
        return value
    smaller: object = value
    if isinstance(value, dict):
        smaller = {name: compact(item, limit, run_id) for name, item in value.items()}
    elif isinstance(value, list):
        smaller = [compact(item, limit, run_id) for item in value]
    if len(jsontext.encode(smaller)) <= limit or (isinstance(smaller, dict) and smaller != value):
        return smaller
    return _reference(value, size, run_id)


def _reference(value: object, size: int, run_id: str) -> dict[str, object]:
    kind = jsontext.type_name(value)
    key = hashlib.sha256(run_id.encode() + jsontext.encode(value)).hexdigest()[:12]
    return {
        "__simLargeValueRef": True,
        "version": 1,
        "id": f"lv_{key}",
        "kind": kind if kind in ("array", "object", "string") else "json",
        "size": size,
        "executionId": run_id,
    }
