"""What an annotation accepts of JSON data, judged by JSON types alone.

A value that is accepted is kept, or becomes a model, or a list or an object of models. Nothing is coerced, and a value
that no member of the annotation accepts is kept too, after it was noted as a deviation.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

if TYPE_CHECKING:
    from typing import TypeAlias

    Note: TypeAlias = Callable[[Any, str, str], None]
    """Takes a deviation: the model's class, the field's name, and what is wrong with its value."""
    Convert: TypeAlias = Callable[[Any, tuple[Any, str], Note], Any]
    """Converts an accepted value; the pair names the model's class and the field, for deviations inside the value."""
    Shapes: TypeAlias = Mapping[type, Convert | None]
    """How to convert an accepted value, by its Python type; None keeps it."""

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
_UNFIT: Any = object()


def shapes_of(annotation: Any) -> Shapes | None:
    """The JSON types that an annotation accepts; None where it accepts all of them."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        merged: dict[type, Convert | None] = {}
        for member in get_args(annotation):
            shapes = shapes_of(member)
            if shapes is None:
                return None
            merged = {**shapes, **merged}
        return merged
    if annotation in (list, dict) or origin in (list, dict):
        container = origin or annotation
        inner = shapes_of((get_args(annotation) or (Any,))[-1])
        if inner is None:
            return {container: None}
        return {container: _list_of(inner) if container is list else _object_of(inner)}
    if annotation is type(None) or annotation in _LEAVES:
        return dict.fromkeys(_LEAVES.get(annotation, (annotation,)))
    if is_model(annotation):
        return {dict: lambda value, _, note: annotation._structured(value, note)}
    return None


def is_model(kind: Any) -> bool:
    """Whether a type is a model: a class that makes itself of an object of JSON data."""
    return hasattr(kind, "_structured")


def holds_models(annotation: Any) -> bool:
    """Whether an annotation is a model, or a list, an object or a union of models."""
    return is_model(annotation) or any(holds_models(inner) for inner in get_args(annotation))


def fit(value: Any, shapes: Shapes, place: tuple[Any, str], note: Note) -> Any:
    """A value converted, or as it came where no member of its type accepts it."""
    convert = shapes.get(type(value), _UNFIT)
    if convert is _UNFIT:
        if not (isinstance(value, dict) and dict in shapes):  # a LargeValueRef stands for an object
            note(*place, mismatch(value, shapes))
        return value
    return value if convert is None else convert(value, place, note)


def mismatch(value: Any, shapes: Shapes) -> str:
    """What is wrong with a value, in words."""
    expected = [_NAMES.get(kind, f"a {kind.__name__}") for kind in shapes if kind is not type(None)]
    if "a number" in expected:
        expected.remove("a whole number")
    return f"{name_of(value)} and not {' or '.join(expected)}"


def name_of(value: Any) -> str:
    """The JSON type of a value, in words."""
    return _NAMES.get(type(value), type(value).__name__)


def _list_of(inner: Shapes) -> Convert:
    return lambda value, place, note: [fit(item, inner, place, note) for item in value]


def _object_of(inner: Shapes) -> Convert:
    return lambda value, place, note: {name: fit(item, inner, place, note) for name, item in value.items()}
