"""The input fields that a workflow function declares by its parameters: ``def greet(name: str = "Ada")``."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Collection, Mapping
from inspect import Parameter
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from simstudio.sandbox import jsontext

_CLASSES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (str, "string"),
    (int, "number"),
    (float, "number"),
    (Mapping, "object"),
    (Collection, "array"),
)
_ARGUMENT = re.compile(r"\s+\*{0,2}(\w+)(?: \([^)]*\))?: *(.*)")


@attrs.frozen
class InputField:
    """A field of a workflow's input.

    Attributes:
        kind: its type: ``string``, ``number``, ``boolean``, ``object`` or ``array``.
        default: what the workflow gets if it is left out.
        required: whether it has no default; None if unknown, as on a real Sim.
        description: from the function's docstring; may be empty.
    """

    name: str
    kind: str
    default: object = None
    required: bool | None = None
    description: str = ""


@attrs.frozen
class Parameters:
    """The parameters of a function that takes its input as keyword arguments.

    Attributes:
        fields: the input fields.
        context: the name of the parameter for the `Context`; None without one.
    """

    fields: tuple[InputField, ...]
    context: str | None

    def arguments(self, received: object, context: object) -> dict[str, Any]:
        """The keyword arguments of a call."""
        given = received if isinstance(received, Mapping) else {}
        named = {each.name: given[each.name] for each in self.fields if each.name in given}
        return named if self.context is None else {**named, self.context: context}


def read_parameters(function: Callable[..., Any]) -> Parameters | None:
    """The input fields that the parameters of a function declare; None if it takes the input as a whole.

    Parameters declare fields if they are keyword-only, or if the first one is not called ``input`` and has a default or
    is annotated as a text, a number, a boolean or a list. A parameter called ``context`` is no field.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some builtins have no signature
        return None
    named = [each for each in parameters if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
    if not named or named[0] is not parameters[0]:
        return None
    try:
        hints = get_type_hints(function)
    except Exception:  # noqa: BLE001 - annotations are the user's own code
        hints = {}
    described = describe_arguments(function)
    fields = tuple(_field(each, hints.get(each.name), described) for each in named if each.name != "context")
    first = named[0]
    if first.kind is not Parameter.KEYWORD_ONLY and (
        first.name in ("input", "context")
        or (first.default in (None, Parameter.empty) and _kind_of(hints.get(first.name)) in (None, "object"))
    ):
        return None
    return Parameters(fields, "context" if len(fields) < len(named) else None)


def describe_fields(function: Callable[..., Any], defaults: Mapping[str, object]) -> tuple[InputField, ...]:
    """Fields with these defaults and the types of the defaults."""
    described = describe_arguments(function)
    return tuple(
        InputField(name, _kind_of_value(default) or "string", default, description=described.get(name, ""))
        for name, default in defaults.items()
    )


def describe_arguments(function: Callable[..., Any]) -> dict[str, str]:
    """The texts of the section ``Args:`` of a function's docstring, by argument."""
    lines = (inspect.getdoc(function) or "").splitlines()
    start = next((number for number, line in enumerate(lines, 1) if line.strip() in ("Args:", "Arguments:")), None)
    found: dict[str, str] = {}
    name, indent = "", 0
    for line in lines[start:] if start is not None else ():
        deep = len(line) - len(line.lstrip())
        if line.strip() and deep == 0:
            break
        argument = _ARGUMENT.fullmatch(line)
        if argument is not None and (not name or deep <= indent):
            name, indent = argument[1], deep
            found[name] = argument[2]
        elif name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".lstrip()
    return found


def _field(parameter: Parameter, annotation: object, described: Mapping[str, str]) -> InputField:
    required = parameter.default is Parameter.empty
    default = None if required else parameter.default
    kind = _kind_of(annotation) or _kind_of_value(default) or "object"
    return InputField(parameter.name, kind, default, required, described.get(parameter.name, ""))


def _kind_of_value(value: object) -> str | None:
    kind = jsontext.type_name(value)
    return None if kind == "null" else kind


def _kind_of(annotation: object) -> str | None:
    """The type of a field with an annotation; None without an annotation or for several types."""
    origin: Any = get_origin(annotation) or annotation
    if origin in (Union, types.UnionType):
        kinds = {_kind_of(each) for each in get_args(annotation) if each is not types.NoneType}
        return kinds.pop() if len(kinds) == 1 else None
    if origin is Literal:
        return _kind_of_value(get_args(annotation)[0])
    if not isinstance(origin, type):
        return None
    return next((kind for known, kind in _CLASSES if issubclass(origin, known)), None)
