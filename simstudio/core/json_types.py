"""The JSON types that an annotation accepts, and the conversion of an accepted value.

A value is judged by its JSON type alone, and never coerced. An accepted value stays as it is, or becomes a model, or a
list or an object of models. A value of another type also stays as it is, and is reported as a deviation.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

if TYPE_CHECKING:
    from typing import TypeAlias

    Report: TypeAlias = Callable[[Any, str, str], None]
    """Takes the model's class, the field's name, and what is wrong with the field."""
    Convert: TypeAlias = Callable[[Any, tuple[Any, str], Report], Any]
    """Converts a value; the pair is the model's class and the field's name, for deviations inside the value."""
    JSONTypes: TypeAlias = Mapping[type, Convert | None]
    """The conversion of a value by the Python type that ``json.loads`` gives it; None keeps the value."""

_LEAVES: dict[Any, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (float, int), str: (str,)}
_NAMES = {
    type(None): "null",
    bool: "a bool",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
_NOT_ACCEPTED: Any = object()


def json_types(annotation: Any) -> JSONTypes | None:
    """The JSON types that an annotation accepts; None if it accepts all of them."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        merged: dict[type, Convert | None] = {}
        for member in get_args(annotation):
            accepted = json_types(member)
            if accepted is None:
                return None
            merged = {**accepted, **merged}
        return merged
    if annotation in (list, dict) or origin in (list, dict):
        container = origin or annotation
        inner = json_types((get_args(annotation) or (Any,))[-1])
        if inner is None:
            return {container: None}
        return {container: _list_converter(inner) if container is list else _object_converter(inner)}
    if annotation is type(None) or annotation in _LEAVES:
        return dict.fromkeys(_LEAVES.get(annotation, (annotation,)))
    if is_model(annotation):
        return {dict: lambda value, _, report: annotation._from_json(value, report)}
    return None


def with_converter(accepted: JSONTypes | None, converter: Callable[[Any], Any]) -> JSONTypes:
    """The same JSON types, with objects and lists converted further."""
    every: JSONTypes = dict.fromkeys((bool, int, float, str, list, dict)) if accepted is None else accepted

    def then(inner: Convert | None) -> Convert:
        if inner is None:
            return lambda value, *_: converter(value)
        return lambda value, place, report: converter(inner(value, place, report))

    return {kind: then(inner) if kind in (list, dict) else inner for kind, inner in every.items()}


def is_model(kind: Any) -> bool:
    """Whether a type is a model class."""
    return hasattr(kind, "_from_json")


def holds_models(annotation: Any) -> bool:
    """Whether an annotation is a model class, or a list, an object or a union of model classes."""
    return is_model(annotation) or any(holds_models(inner) for inner in get_args(annotation))


def convert(value: Any, accepted: JSONTypes, place: tuple[Any, str], report: Report) -> Any:
    """Convert a value, or report that no member of its annotation accepts it and return it unchanged."""
    converter = accepted.get(type(value), _NOT_ACCEPTED)
    if converter is _NOT_ACCEPTED:
        if not (isinstance(value, dict) and dict in accepted):  # a typed JSON object, such as a LargeValueRef
            report(*place, describe_mismatch(value, accepted))
        return value
    return value if converter is None else converter(value, place, report)


def describe_mismatch(value: Any, accepted: JSONTypes) -> str:
    """The type of a value and the accepted ones, in words: ``text and not a bool``."""
    expected = [_NAMES.get(kind, f"a {kind.__name__}") for kind in accepted if kind is not type(None)]
    if "a number" in expected:
        expected.remove("a whole number")
    return f"{describe_type(value)} and not {' or '.join(expected)}"


def describe_type(value: Any) -> str:
    """The JSON type of a value, in words."""
    return _NAMES.get(type(value), type(value).__name__)


def _list_converter(inner: JSONTypes) -> Convert:
    return lambda value, place, report: [convert(item, inner, place, report) for item in value]


def _object_converter(inner: JSONTypes) -> Convert:
    return lambda value, place, report: {name: convert(item, inner, place, report) for name, item in value.items()}
