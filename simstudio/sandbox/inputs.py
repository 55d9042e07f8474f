"""The declared fields of a workflow's Start block.

A declared field is looked for inside ``input`` first and then at the top level, is coerced to its type, and takes its
default when it is missing. Other fields are passed on unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs

from simstudio.sandbox import jsontext


@attrs.frozen
class Missing:
    """Placeholder for the default of a field without one.

    Attributes:
        kind: the type of the field.
    """

    kind: str


def start_output(fields: Mapping[str, object], received: object) -> object:
    """The input of the workflow function.

    Args:
        fields: declared names with their defaults; the type of a default is the type of the field.
        received: the request body without control keys.
    """
    if not fields or not isinstance(received, Mapping):
        return received
    inner = received.get("input")
    nested: Mapping[object, object] = inner if isinstance(inner, Mapping) else {}
    result = dict(received)
    for name, default in fields.items():
        value = nested.get(name, received.get(name, default))
        if not isinstance(value, Missing):
            result[name] = _coerce(value, default.kind if isinstance(default, Missing) else jsontext.type_name(default))
    return result


def _coerce(value: object, kind: str) -> object:
    """A value as the declared type; unchanged if it cannot be converted."""
    if kind == "string":
        return value if value is None or isinstance(value, str) else jsontext.dumps(jsontext.plain(value))
    if not isinstance(value, str):
        return value
    text = value.strip()
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), value)
    if kind in ("number", "object", "array"):
        try:
            parsed = jsontext.loads(text.encode())
        except ValueError:
            return value
        if jsontext.type_name(parsed) == kind and not (isinstance(parsed, float) and math.isinf(parsed)):
            return parsed
    return value
