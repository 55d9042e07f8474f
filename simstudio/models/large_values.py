"""References that Sim sends in place of values that are too large for a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MARK = "__simLargeValueRef"


class LargeValueRef(dict[str, Any]):
    """In place of a value that was too large to be sent; plain JSON data all the same, as it came.

    The run's own blocks can read the value; an API client sees what is here. Select a smaller part of the output, or
    have the workflow put the value into a file.

    Example:
        >>> LargeValueRef({"__simLargeValueRef": True, "id": "lv_1", "kind": "array", "size": 12_000_000}).size
        12000000
    """

    @property
    def id(self) -> str:
        """The server's id of the value, beginning with ``lv_``."""
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
        """Where the server keeps it."""
        key = self.get("key")
        return key if isinstance(key, str) else None

    @property
    def execution_id(self) -> str | None:
        """The run it belongs to."""
        execution_id = self.get("executionId")
        return execution_id if isinstance(execution_id, str) else None

    @property
    def preview(self) -> Any:
        """A part of the value, where the server sends one."""
        return self.get("preview")

    def __repr__(self) -> str:
        return f"LargeValueRef(id={self.id!r}, kind={self.kind!r}, size={self.size!r})"


def with_references(data: Any) -> Any:
    """JSON data in which every reference is a :class:`LargeValueRef`; what holds none is returned as it is."""
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
    """Whether a body is worth looking through."""
    return _MARK.encode() in content
