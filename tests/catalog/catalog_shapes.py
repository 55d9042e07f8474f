"""Where results stand in an answer, and what a type of ours says against what the digest does."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints
from typing import Literal as TypingLiteral
from typing import Union as TypingUnion

import attrs
from catalog_arguments import route_of
from catalog_digest import DocumentedOperation
from catalog_local import AT, KNOWN_BETTER
from catalog_reading import of
from catalog_types import NULL, Array, Literal, Record, Scalar, Table, Type, Union, options, without_null

from simstudio.core.model import Model

_LEAVES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "string:date-time": (str,),
    "number": (float, int),
    "integer": (int, float),
    "boolean": (bool,),
}


def attribute_of(kind: type[Model]) -> Mapping[str, str]:
    """The attribute of each of a model's wire names."""
    return kind._attribute_of


def place_of(known: DocumentedOperation) -> tuple[str, ...]:
    """Where in the answer the result is; in v2 always in ``data``, which the digest leaves out."""
    if known.version == "v2":
        return ()
    return AT.get(known.key, ("data",))


def shape_of(known: DocumentedOperation) -> Record:
    """The documented shape of one result."""
    found: Type = known.answer
    for name in place_of(known):
        assert isinstance(found, Record)
        found = found.fields[name][0]
    found = found.of if isinstance(found, Array) else found
    assert isinstance(found, Record)
    return found


def result_types(known: DocumentedOperation) -> tuple[Any, ...]:
    """What the method says it gives: the classes within ``Flow[…]``, ``Flow[list[…]]`` or ``Pages[…]``."""
    hint = get_type_hints(route_of(of(known)).function)["return"]
    if get_origin(hint) in (TypingUnion, types.UnionType):
        raise AssertionError(f"{known.key} returns {hint}")
    inner = get_args(hint)
    found = kinds(inner[-1] if len(inner) == 3 else inner[0])
    return tuple(get_args(each)[0] if get_origin(each) is list else each for each in found)


def one_of_each_result(among: Sequence[DocumentedOperation]) -> list[DocumentedOperation]:
    """For each type of result, alone or in a list, the first operation that has it."""
    found: dict[tuple[object, ...], DocumentedOperation] = {}
    for known in among:
        found.setdefault((known.version, of(known).is_list, *result_types(known)), known)
    return list(found.values())


def kinds(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the one kind, without None."""
    inner = get_args(annotation) if get_origin(annotation) in (TypingUnion, types.UnionType) else (annotation,)
    return tuple(each for each in inner if each not in (None, type(None)))  # CPython 3.10 keeps None as it is


def is_model(kind: Any) -> bool:
    return get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, Model)


def fields(kind: type[Model]) -> dict[str, Any]:
    """The types of a model's fields, by wire name."""
    hints = get_type_hints(kind)
    return {wire: hints[name] for wire, name in attribute_of(kind).items()}


def differences(kind: type[Model], shape: Record, where: str = "") -> Iterator[str]:
    """Where a model says less than the digest of what it holds."""
    mine = fields(kind)
    required = {
        wire for field in attrs.fields(kind) if field.default is attrs.NOTHING for wire in _first_wire(kind, field)
    }
    for name, (inner, optional) in shape.fields.items():
        at = f"{where}.{name}" if where else name
        if name not in mine:
            yield f"{kind.__name__} has no {at}"
            continue
        if name in required and NULL in options(inner):
            yield f"{kind.__name__} cannot be without {at}, which may be null"
        elif name in required and optional and not _all_optional(shape):
            yield f"{kind.__name__} cannot be without {at}, which may be absent"
        if (kind.__name__, name) not in KNOWN_BETTER:
            yield from _less(mine[name], without_null(inner) if inner != NULL else inner, at)


def _first_wire(kind: type[Model], field: Any) -> list[str]:
    return [wire for wire, name in attribute_of(kind).items() if name == field.name]


def _all_optional(shape: Record) -> bool:
    """Whether the digest calls every field optional, as in v1, whose documents never say what is always there."""
    return all(optional for _, optional in shape.fields.values())


def _less(annotation: Any, kind: Type, at: str) -> Iterator[str]:
    mine = kinds(annotation)
    if isinstance(kind, Record):
        yield from _less_than_record(mine, kind, at)
    elif isinstance(kind, Array):
        yield from _less_than_many(mine, kind.of, at, list)
    elif isinstance(kind, Table):
        yield from _less_than_many(mine, kind.of, at, dict)
    elif isinstance(kind, Union):
        if all(isinstance(each, Literal) for each in kind.options):
            yield from _less(annotation, kind.options[0], at)
    else:
        accepted = (type(kind.value),) if isinstance(kind, Literal) else _LEAVES.get(kind.name, mine)
        if not any(each in accepted or get_origin(each) is TypingLiteral for each in mine):
            yield f"{at} is {annotation}, and not {accepted[0].__name__}"


def _less_than_record(mine: Sequence[Any], kind: Record, at: str) -> Iterator[str]:
    found = [each for each in mine if is_model(each)]
    if not found and kind.fields:
        yield f"{at} is {mine}, no model"
    for each in found:
        yield from differences(each, kind, at)


def _less_than_many(mine: Sequence[Any], of: Type, at: str, holder: type) -> Iterator[str]:
    found = [each for each in mine if get_origin(each) is holder]
    if not found and (holder is list or of != Scalar("any")):
        yield f"{at} is {mine}, no {holder.__name__}"
    for each in found:
        yield from _less(get_args(each)[-1], without_null(of), f"{at}[]")
