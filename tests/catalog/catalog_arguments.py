"""Arguments for the operations of the catalogue: each value as Python takes it and as it must be on the wire."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
from catalog_digest import Documented, DocumentedOperation
from catalog_types import Array, parse
from catalog_values import Maker

from simstudio.catalog import Operation, Parameter
from simstudio.core.options import Unset

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)

FILTER = {"all": [{"any": [{"field": "qty", "op": "gt", "value": 2}]}, {"field": "sku", "op": "isNull"}]}


@attrs.frozen
class Argument:
    """One value.

    Attributes:
        python: What the caller gives.
        wire: What arrives: a text in path, query and header, JSON data in a body, bytes in a form.
    """

    python: Any
    wire: Any


def annotations(operation: Operation) -> Mapping[str, Any]:
    """What the operation's method accepts, by Python name."""
    return get_type_hints(route_of(operation).function)


def route_of(operation: Operation) -> Any:
    """The route behind an operation of the catalogue."""
    from simstudio import SimStudioClient

    method = operation.of(SimStudioClient("sk-sim-test", "https://sim.test"))
    return inspect.getattr_static(method.__self__, method.__name__).flow.route


def parameters(operation: Operation) -> Mapping[str, inspect.Parameter]:
    """The signature that a caller sees."""
    from simstudio import SimStudioClient

    return inspect.signature(operation.of(SimStudioClient("sk-sim-test", "https://sim.test"))).parameters


def python_names(operation: Operation) -> Mapping[Parameter, str]:
    """The Python name of each parameter on the wire."""
    return {parameter: name for name, parameter in operation.parameters.items()}


def members(annotation: Any) -> set[Any]:
    """The kinds of a union, or the one kind."""
    import types
    from typing import Union

    inner = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return {get_origin(each) or each for each in inner}


def literals(annotation: Any) -> list[str]:
    """The words that an annotation names, where it names all that it takes."""
    options = [each for each in members(annotation) if each not in (type(None), Unset)]
    return [word for word in _literals(annotation) if isinstance(word, str)] if options == [Literal] else []


def _literals(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(word for each in get_args(annotation) for word in _literals(each))


def argument(parameter: Documented, annotation: Any) -> Argument:
    """A value that the digest allows and the signature takes."""
    kinds = members(annotation)
    in_text = parameter.place in ("path", "query", "header")
    if parameter.is_flag:
        return Argument(True, "true" if in_text else True)
    if parameter.choices:
        return Argument(parameter.choices[-1], parameter.choices[-1])
    if words := literals(annotation):  # the digest says only that it is text
        return Argument(words[-1], words[-1])
    if parameter.name == "folderPaths":
        paths = ["/Q%201/%C3%A4", "/b"]
        return Argument([["Q 1", "ä"], "/b"], ",".join(paths) if in_text else paths)
    if {str, Sequence} <= kinds and parameter.name.lower().endswith("path"):
        return Argument(["Q 1", "ä"], "/Q%201/%C3%A4")
    if parameter.type == "bytes":
        return Argument(b"\x00bytes", b"\x00bytes")
    if parameter.type == "string:binary":
        return Argument(("a.txt", b"bytes", "text/plain"), b"bytes")
    if in_text and Sequence in kinds:
        return Argument(["one", "two words"], "one,two words")
    if in_text and Mapping in kinds:
        given = {"column": "asc"}
        return Argument(given, json.dumps(given, separators=(",", ":")))
    if in_text and datetime in kinds:
        return Argument(MOMENT, "2026-01-02T03:04:05.678Z")
    if parameter.type in ("integer", "number", "number|'active'"):
        number = int(parameter.low) if parameter.low is not None else 7
        return Argument(number, str(number) if in_text else number)
    if parameter.type in ("string", "string:date-time", "string|null"):
        text = f"{parameter.name}/ä &1" if parameter.place != "header" else parameter.name
        if parameter.unit == "chars" and parameter.low is not None:
            text = text.ljust(int(parameter.low), "x")
        return Argument(text, text)
    value = FILTER if parameter.name in ("filter", "predicate") else Maker().make(parse(parameter.type))
    return Argument(value, value)


def arguments(
    operation: Operation, known: DocumentedOperation, *, optional: bool = True
) -> dict[str, tuple[Documented, Argument]]:
    """A value for each parameter that is required, or for all, by Python name."""
    hints, names = annotations(operation), python_names(operation)
    found = {}
    for each in known.parameters:
        if each.required or optional:
            name = names[Parameter(each.name, each.place)]  # type: ignore[arg-type]
            found[name] = (each, argument(each, hints[name]))
    return found


def outside(parameter: Documented) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Values just outside what the digest allows, and what of the limits the error must name."""
    if parameter.is_flag or parameter.place == "path" or parameter.unit == "clamped":
        return
    if parameter.choices:
        yield "no such word", tuple(repr(each) for each in parameter.choices)
        yield parameter.choices[0].upper() + "X", ()
    for end, step in ((parameter.low, -1), (parameter.high, 1)):
        if end is None or (parameter.unit and step == -1 and end == 0):
            continue
        size = int(end) + step
        said = (f"{int(end):,}",)
        if parameter.unit == "chars":
            yield "x" * size, said
        elif parameter.unit == "items":
            kind = parse(parameter.type)
            yield [Maker().make(kind.of) if isinstance(kind, Array) else "x"] * size, said
        else:
            yield size, said


def at_the_end(parameter: Documented) -> Iterator[Any]:
    """The least and the greatest value that the digest allows."""
    if parameter.place == "path" or parameter.unit == "clamped":
        return
    for end in (parameter.low, parameter.high):
        size = 0 if end is None else int(end)
        if end is None or (parameter.unit and not size):
            continue
        if parameter.unit == "chars":
            yield "x" * size
        elif parameter.unit == "items":
            kind = parse(parameter.type)
            yield [Maker().make(kind.of) if isinstance(kind, Array) else "x"] * size
        else:
            yield size
