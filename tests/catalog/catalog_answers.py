"""Plausible answers of every operation, and whether a result says what its answer said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin

import attrs
from catalog_digest import DocumentedOperation
from catalog_reading import of
from catalog_shapes import attribute_of, fields, is_model, kinds, place_of
from catalog_values import Maker

from simstudio.core.model import Model
from simstudio.models.v2.custom_tools import ToolSchema

FILE = b"\x00bytes of a file"


def answer(known: DocumentedOperation, maker: Maker) -> Any:
    """The body of an answer: JSON data, or the bytes of a file."""
    if not known.answer.fields:
        return FILE
    made = maker.record(known.answer)
    if known.version == "v1":
        return {**made, "nextCursor": None} if "nextCursor" in made else made
    return {"data": [made], "nextCursor": None} if of(known).is_list else {"data": made}


def at_result(known: DocumentedOperation, body: Any) -> Any:
    """What of an answer the result is made of."""
    for name in ("data",) if known.version == "v2" else place_of(known):
        body = body[name]
    return body


def change_result(known: DocumentedOperation, body: Any, change: Callable[[Any], Any]) -> Any:
    """The same answer with something else in the result's place."""
    names = ("data",) if known.version == "v2" else place_of(known)
    if not names:
        return change(body)
    holder = body
    for name in names[:-1]:
        holder = holder[name]
    holder[names[-1]] = change(holder[names[-1]])
    return body


def least(kind: type[Model], data: Any, *, null: bool) -> Any:
    """The data with only what the model cannot be without; the rest is null, or gone."""
    needed = {field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING}
    hints, made = fields(kind), {}
    for name, value in data.items():
        if attribute_of(kind).get(name) in needed:
            made[name] = _least(hints[name], value, null=null)
        elif null:
            made[name] = None
    return made


def _least(annotation: Any, value: Any, *, null: bool) -> Any:
    for kind in kinds(annotation):
        if is_model(kind) and isinstance(value, dict):
            return least(kind, value, null=null)
        if get_origin(kind) is list and isinstance(value, list):
            return [_least(get_args(kind)[0], each, null=null) for each in value]
        if get_origin(kind) is dict and isinstance(value, dict):
            return {name: _least(get_args(kind)[1], each, null=null) for name, each in value.items()}
    return value


def unknown_fields(result: Any) -> Iterator[str]:
    """The fields that the models in a result do not know. Schemas of tools have keys of their own."""
    if isinstance(result, ToolSchema):
        return
    if isinstance(result, Model):
        yield from (f"{type(result).__name__}.{name}" for name in result.extra)
        values: Any = [getattr(result, name, None) for name in result._wire_names]
    else:
        values = result.values() if type(result) is dict else result if isinstance(result, (list, tuple)) else ()
    for value in values:
        yield from unknown_fields(value)


def says(result: Any, data: Any, where: str = "") -> None:
    """Check that a result holds what came: known fields as attributes, unknown ones in ``extra``."""
    if isinstance(result, Model) and data is None:
        assert result == type(result)(), where  # of nothing, a model of nothing
    elif isinstance(result, Model):
        for name, value in data.items():
            attribute = attribute_of(type(result)).get(name)
            found = result.extra[name] if attribute is None else getattr(result, attribute)
            says(found, value, f"{where}.{name}")
    elif isinstance(data, list):
        assert len(result) == len(data), where
        for index, (each, value) in enumerate(zip(result, data, strict=True)):
            says(each, value, f"{where}[{index}]")
    elif isinstance(data, Mapping):
        assert set(result) == set(data), where
        for name, value in data.items():
            says(result[name], value, f"{where}[{name!r}]")
    else:
        assert result == data, where
        assert type(result) is type(data), where
