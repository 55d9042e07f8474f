"""From JSON data to models, in one place, by cattrs.

Policy lives here as hooks on one converter, never on a model:

* leaves are checked, never coerced: ``"false"`` is no bool and ``"5"`` no int;
* a wrong type in a required field is an :class:`~simstudio.errors.InvalidResponseError` that names its path; in an
  optional one the value stays as it came;
* unknown fields are kept by the model, unknown enum values stay text, and cattrs' own exceptions never come out.

What JSON itself consists of is checked by the converter's hooks without the converter: the result of an execution holds
nothing else, and a program that only executes need not import cattrs (a tenth of the time to a first result).
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast, get_args, get_origin

import attrs

from simstudio.core.model import Model, wire_names
from simstudio.transport.errors import InvalidResponseError

if TYPE_CHECKING:
    from cattrs import Converter

    from simstudio.transport.message import Response

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]


class _Mismatch(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, expected: str, got: Any, path: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.got = got
        self.path = path

    def within(self, name: str) -> _Mismatch:
        self.path = f"{name}{self.path}" if self.path.startswith("[") else f"{name}.{self.path}" if self.path else name
        return self


def structure(data: Any, into: type[T], *, response: Response | None = None, known: dict[str, Any] | None = None) -> T:
    """JSON data as a model, or as any type that cattrs understands.

    Args:
        data: What ``json.loads`` gave.
        into: A model class, another attrs class or dataclass, ``list[Model]`` …
        response: Where it came from, for errors.
        known: Values of attributes that the data itself does not give.

    Raises:
        InvalidResponseError: The data is not of that shape; the message names the place.
    """
    try:
        if hasattr(into, "_attribute_of"):  # one of our models: its hook, without the converter's dispatch
            made: T = _model_hook(cast("Any", into))(data, into, known)
            return made
        made = _converter().structure(data, into)
    except _Mismatch as error:
        where = f"at {error.path}" if error.path else "as a whole"
        raise _invalid(into, f"{where} it has {_kind(error.got)} and not {error.expected}", response) from None
    except Exception as error:  # what cattrs raises is not part of our interface
        raise _invalid(into, _explain(error), response) from error
    return made


def _invalid(into: Any, problem: str, response: Response | None) -> InvalidResponseError:
    name = getattr(into, "__name__", str(into))
    asked = f"{response.method} {response.path} answered {response.status}, but the" if response is not None else "The"
    return InvalidResponseError(
        f"{asked} body is no {name}: {problem}. The body is in error.response.content.",
        status=response.status if response is not None else None,
        response=response,
        history=response.history if response is not None else (),
    )


def _explain(error: BaseException) -> str:
    from cattrs import transform_error

    try:
        return "; ".join(transform_error(error))
    except Exception:  # noqa: BLE001 - only a text is wanted
        return str(error) or type(error).__name__


def _kind(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    names = {type(None): "null", bool: "a bool", int: "a number", float: "a number", str: "text", dict: "an object"}
    return names.get(type(value), "a list" if isinstance(value, list) else type(value).__name__)


_MISSING = object()


def _exactly(expected: str, *accepted: type) -> Hook:
    kinds = frozenset(accepted)

    def check(value: Any, _: Any) -> Any:
        if type(value) in kinds:
            return value
        raise _Mismatch(expected, value)

    return check


_LEAVES: dict[Any, Hook] = {
    bool: _exactly("a bool", bool),
    int: _exactly("a whole number", int),
    float: _exactly("a number", int, float),
    str: _exactly("text", str),
}


@lru_cache(maxsize=1)
def _converter() -> Converter:
    from simstudio.transport.fork import unforked

    with unforked:
        from cattrs import Converter

        converter = Converter()
    for kind, hook in _LEAVES.items():
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook_factory(_is_model, _model_hook)
    converter.register_structure_hook_factory(_is_list, _list_hook)
    converter.register_structure_hook_factory(_is_object, _object_hook)
    return converter


def _is_model(kind: Any) -> bool:
    return get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, Model)  # 3.10: list[…] is a type


def _is_list(kind: Any) -> bool:
    return kind is list or get_origin(kind) is list


def _is_object(kind: Any) -> bool:
    return kind is dict or get_origin(kind) is dict


def _list_hook(kind: Any) -> Hook:
    (inner,) = get_args(kind) or (Any,)
    hook = _hook(inner)

    def structure_list(value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            raise _Mismatch("a list", value)
        if hook is None:
            return value
        made = []
        for index, item in enumerate(value):
            try:
                made.append(hook(item, inner))
            except _Mismatch as error:
                raise error.within(f"[{index}]") from None
        return made

    return structure_list


def _object_hook(kind: Any) -> Hook:
    _, inner = get_args(kind) or (str, Any)
    hook = _hook(inner)

    def structure_object(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise _Mismatch("an object", value)
        if hook is None:
            return value
        made = {}
        for name, item in value.items():
            try:
                made[name] = hook(item, inner)
            except _Mismatch as error:
                raise error.within(name) from None
        return made

    return structure_object


def _hook(kind: Any) -> Hook | None:
    """How to structure what a list, an object or a field holds; None where it stays as it came."""
    if get_origin(kind) in (Union, types.UnionType) and _without_none(kind) is kind:
        return _union_hook(kind)
    if kind is Any:
        return None
    if _is_list(kind):
        return _list_hook(kind)
    if _is_object(kind):
        return _object_hook(kind)
    leaf = _LEAVES.get(kind) if isinstance(kind, type) else None
    return leaf or _converter().get_structure_hook(kind)


def _union_hook(kind: Any) -> Hook | None:
    """The first of a union's models, or lists or objects of models, that fits; what fits none stays as it came."""
    hooks = [(inner, _hook(inner)) for inner in get_args(kind) if _holds_models(inner)]
    if not hooks:
        return None

    def structure_union(value: Any, _: Any) -> Any:
        for inner, hook in hooks:
            try:
                return value if hook is None else hook(value, inner)
            except _Mismatch:
                continue
        return value

    return structure_union


def _holds_models(kind: Any) -> bool:
    return _is_model(kind) or any(_holds_models(inner) for inner in get_args(kind))


@cache
def _fields_of(kind: type[Model]) -> list[tuple[str, tuple[str, ...], bool, Hook | None, Any]]:
    attrs.resolve_types(kind)
    fields = []
    for field in attrs.fields(kind):
        inner = _without_none(field.type)
        hook = _hook(inner)
        required = field.default is attrs.NOTHING
        fields.append((field.alias, wire_names(field), required, hook, inner))
    return fields


@cache
def _model_hook(kind: type[Model]) -> Callable[..., Any]:
    assign = object.__setattr__

    def structure_model(value: Any, _: Any, known: dict[str, Any] | None = None) -> Any:
        if type(value) is not dict:
            raise _Mismatch("an object", value)
        arguments = dict(known) if known else {}
        for name, names, required, hook, inner in _fields_of(kind):  # read now: a model may hold others of its kind
            for wire in names:
                raw = value.get(wire)
                if raw is not None:
                    break
            else:
                if required and name not in arguments:
                    raise _Mismatch("a value", value.get(names[0], _MISSING), names[0])
                continue
            if hook is not None:
                try:
                    raw = hook(raw, inner)
                except _Mismatch as error:
                    if required:
                        raise error.within(wire) from None
            arguments[name] = raw
        made = kind(**arguments)
        assign(made, "_wire", value)
        return made

    return structure_model


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        rest = [inner for inner in get_args(kind) if inner is not type(None)]
        return rest[0] if len(rest) == 1 else kind
    return kind
