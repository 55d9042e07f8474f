"""References in place of values that are too large for a response (over 8 MiB)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MARK = "__simLargeValueRef"


class LargeValueRef(dict[str, Any]):
    """A reference in place of a value that was too large to be sent; a dict of JSON data as the server sent it.

    Blocks of the same run can read the value; an API client cannot. Select a smaller part of the output, or have the
    workflow write the value to a file.

    Example:
        >>> LargeValueRef({"__simLargeValueRef": True, "id": "lv_1", "kind": "array", "size": 12_000_000}).size
        12000000
    """

    @property
    def id(self) -> str:
        """Id of the value: ``lv_…``."""
        return str(self.get("id", ""))

    @property
    def kind(self) -> str | None:
        """``array``, ``object``, ``string`` or ``json``."""
        kind = self.get("kind")
        return kind if isinstance(kind, str) else None

    @property
    def size(self) -> int | None:
        """Bytes."""
        size = self.get("size")
        return size if type(size) is int else None

    @property
    def key(self) -> str | None:
        """Key of the value in the server's storage."""
        key = self.get("key")
        return key if isinstance(key, str) else None

    @property
    def execution_id(self) -> str | None:
        """Id of the run that the value belongs to."""
        execution_id = self.get("executionId")
        return execution_id if isinstance(execution_id, str) else None

    @property
    def preview(self) -> Any:
        """A part of the value; None if the server sent none."""
        return self.get("preview")

    def __repr__(self) -> str:
        return f"LargeValueRef(id={self.id!r}, kind={self.kind!r}, size={self.size!r})"


def with_references(data: Any) -> Any:
    """JSON data with every reference as a :class:`LargeValueRef`; the same object if it holds none."""
    if isinstance(data, Mapping):
        if data.get(_MARK) is True:
            return LargeValueRef(data)
        made = {name: with_references(value) for name, value in data.items()}
        return made if any(made[name] is not data[name] for name in made) else data
    if isinstance(data, list):
        items = [with_references(value) for value in data]
        return items if any(new is not old for new, old in zip(items, data, strict=True)) else data
    return data


def may_hold_references(content: bytes) -> bool:
    """Whether a body contains the mark of a reference."""
    return _MARK.encode() in content
