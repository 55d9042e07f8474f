"""Plausible values of the digest's types: what a server would answer, and what a caller would send."""

from __future__ import annotations

from typing import Any

import attrs
from catalog_types import NULL, Array, Literal, Record, Scalar, Table, Type, Union, options, without_null

MOMENT = "2026-01-02T03:04:05.678Z"
_SCALARS: dict[str, Any] = {
    "string": "text/ä &?=1",
    "string:date-time": MOMENT,
    "string:binary": "bytes",
    "number": 7,
    "integer": 7,
    "boolean": True,
    "null": None,
    "any": {"any": ["thing", None]},
    "object": {"an": "object"},
}


@attrs.frozen
class Maker:
    """Makes values of a type.

    Attributes:
        optional: Whether what may be absent is there.
        null: Whether what may be null is.
        null_for_absent: Whether what may be absent is null.
        unknown: A field and a value that no document knows, put into every object of known fields.
        new_word: What stands where one of several words is expected, as a newer server may say.
        option: Which of several shapes is made.
    """

    optional: bool = True
    null: bool = False
    null_for_absent: bool = False
    unknown: bool = False
    new_word: str | None = None
    option: int = 0

    def make(self, kind: Type) -> Any:
        """A value."""
        if self.null and NULL in options(kind):
            return None
        kind = without_null(kind) if kind != NULL else kind
        if isinstance(kind, Scalar):
            return _SCALARS[kind.name]
        if isinstance(kind, Literal):
            return self.new_word if self.new_word and isinstance(kind.value, str) else kind.value
        if isinstance(kind, Union):
            return self.make(kind.options[min(self.option, len(kind.options) - 1)])
        if isinstance(kind, Array):
            return [self.make(kind.of)]
        if isinstance(kind, Table):
            return {"any key": self.make(kind.of)}
        return self.record(kind)

    def record(self, kind: Record) -> dict[str, Any]:
        """A value with known fields."""
        made: dict[str, Any] = {"brandNew": {"field": 1}} if self.unknown else {}
        for name, (inner, optional) in kind.fields.items():
            if not optional or self.optional:
                made[name] = None if self.null_for_absent and optional else self.make(inner)
        return made
