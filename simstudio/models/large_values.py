"""Values that a response does not hold in full, because they are too large (over 8 MiB).

Sim sends a reference in place of a text or an object, and a manifest in place of a list. Both have eight keys, so that
as plain dicts they would pass for objects of eight fields. As :class:`LargeValueRef` and :class:`LargeArrayManifest`
they keep their keys, and cannot be iterated or measured like the value that they stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VALUE_MARK = "__simLargeValueRef"
_ARRAY_MARK = "__simLargeArrayManifest"


class _StandIn(dict[str, Any]):
    """JSON data as the server sent it, in place of a value that was too large."""

    def __iter__(self) -> Iterator[str]:
        raise self._refusal()

    def __len__(self) -> int:
        raise self._refusal()

    def __bool__(self) -> bool:
        return True

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Return the schema with which pydantic and FastAPI validate and serialize the reference."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(cls, handler(dict[str, Any]))

    def _refusal(self) -> TypeError:
        return TypeError(
            f"{self!r} stands for a value that was too large for the response: only its preview was sent. Select a "
            "smaller part of the output, or have the workflow write the value to a file."
        )

    def _text(self, name: str) -> str | None:
        value = self.get(name)
        return value if isinstance(value, str) else None

    def _number(self, name: str) -> int | None:
        value = self.get(name)
        return value if type(value) is int else None

    @property
    def kind(self) -> str | None:
        """``array``, ``object``, ``string`` or ``json``."""
        return self._text("kind")

    @property
    def preview(self) -> Any:
        """A part of the value; None if the server sent none."""
        return self.get("preview")


class LargeValueRef(_StandIn):
    """A reference in place of a value that was too large to be sent; a dict of JSON data as the server sent it.

    Blocks of the same run can read the value; an API client cannot. Select a smaller part of the output, or have the
    workflow write the value to a file. ``len()`` and iteration raise ``TypeError``.

    Example:
        >>> LargeValueRef({"__simLargeValueRef": True, "id": "lv_1", "kind": "string", "size": 12_000_000}).size
        12000000
    """

    @property
    def id(self) -> str:
        """Id of the value: ``lv_…``."""
        return self._text("id") or ""

    @property
    def size(self) -> int | None:
        """Bytes."""
        return self._number("size")

    @property
    def key(self) -> str | None:
        """Key of the value in the server's storage."""
        return self._text("key")

    @property
    def execution_id(self) -> str | None:
        """Id of the run that the value belongs to."""
        return self._text("executionId")

    def __repr__(self) -> str:
        return f"LargeValueRef(id={self.id!r}, kind={self.kind!r}, size={self.size!r})"


class LargeArrayManifest(_StandIn):
    """A manifest in place of a list that was too large to be sent; a dict of JSON data as the server sent it.

    ``len()`` is the length of the list. Its items cannot be read by an API client: iteration raises ``TypeError``.

    Example:
        >>> len(LargeArrayManifest({"__simLargeArrayManifest": True, "kind": "array", "totalCount": 9000}))
        9000
    """

    @property
    def total_count(self) -> int | None:
        """Number of items in the list."""
        return self._number("totalCount")

    @property
    def size(self) -> int | None:
        """Bytes."""
        return self._number("byteSize")

    @property
    def chunks(self) -> list[LargeValueRef]:
        """References to the parts of the list, in order."""
        chunks = self.get("chunks")
        refs = [chunk.get("ref") for chunk in chunks if isinstance(chunk, dict)] if isinstance(chunks, list) else []
        return [LargeValueRef(ref) for ref in refs if isinstance(ref, dict)]

    def __len__(self) -> int:
        if self.total_count is None or self.total_count < 0:
            raise self._refusal()
        return self.total_count

    def __repr__(self) -> str:
        return f"LargeArrayManifest(total_count={self.total_count!r}, size={self.size!r})"


def with_references(data: Any) -> Any:
    """JSON data with every reference and manifest as its type; the same object if it holds none."""
    try:
        return _replace(data)
    except RecursionError:  # nested deeper than Python code can follow; json itself can
        return data


def _replace(data: Any) -> Any:
    made: Any
    if type(data) is dict:
        if data.get(_VALUE_MARK) is True:
            return LargeValueRef(data)
        if data.get(_ARRAY_MARK) is True:
            return LargeArrayManifest(data)
        made = data
        for name, value in data.items():
            if type(value) is dict or type(value) is list:
                typed = _replace(value)
                if typed is not value:
                    made = dict(data) if made is data else made
                    made[name] = typed
        return made
    if type(data) is list:
        made = data
        for index, value in enumerate(data):
            if type(value) is dict or type(value) is list:
                typed = _replace(value)
                if typed is not value:
                    made = list(data) if made is data else made
                    made[index] = typed
        return made
    return data
