"""``Model``, the base of all models: a frozen attrs class that is also a mapping over its wire names.

A field has a Python name and one or more wire names: ``limits.rate_limit.sync.reset_at`` and
``limits["rateLimit"]["sync"]["resetAt"]`` are the same value. Unknown fields are kept.

A *deviation* is a required field that is missing or null, or a value that fits no member of its field's type. The value
stays as the server sent it. A missing required field leaves its attribute unset, and only reading the attribute raises
:class:`~simstudio.MissingFieldError`.
"""

from __future__ import annotations

import inspect
import keyword
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import attr  # the library of attrs, without the six modules that only rename it

from simstudio.core.errors import MissingFieldError
from simstudio.core.json_types import convert, json_types, with_converter

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Self, dataclass_transform

    from simstudio.core.json_types import JSONTypes, Report

    C = TypeVar("C", bound="type[Model]")
    M = TypeVar("M", bound="Model")
else:  # only type checkers read it, and Python 3.10 has none of its own

    def dataclass_transform(**_options):
        """Return the function as it is."""
        return lambda function: function


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(attr.field,))
def model(cls: C) -> C:
    """Class decorator: make a subclass of :class:`Model` a frozen, slotted attrs class."""
    made = attr.frozen(cls, eq=False, repr=False, slots=True)
    made._wire_names = {field.name: made._wire_names_of(field) for field in attr.fields(made)}
    made._converters = {field.name: field.converter for field in attr.fields(made) if field.converter is not None}
    made._attribute_of = {wire: name for name, wires in made._wire_names.items() for wire in wires}
    made._spellings = {wires[0]: wires for wires in made._wire_names.values() if len(wires) > 1}
    return made


def wire_name(name: str) -> str:
    """The wire name of a Python name: in camelCase, without the underscore that keeps it from being a keyword."""
    if name.endswith("_") and keyword.iskeyword(name[:-1]):
        name = name[:-1]
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


class Model(Mapping[str, Any]):
    """A frozen attrs class that is also a mapping over its wire names; see the module.

    Equality, copies and pickles go by the JSON object that the server sent. Of a model that was constructed in Python,
    that object consists of its fields under their wire names.
    """

    __slots__ = ("_preset", "_wire")
    _wire: dict[str, Any]
    """The JSON object that the server sent; unset until it is needed in a model that was constructed in Python."""
    _preset: dict[str, Any]
    """Values of attributes that were not read from ``_wire``; unset if there are none."""
    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[tuple[attr.Attribute[Any], ...]]
    _snake_case: ClassVar[bool] = False
    """Whether wire names are in snake_case; a service's own base class says so."""
    _public_module: ClassVar[str | None] = None
    """The module under which the class is public, if that is none of the packages that hold its own module."""
    _wire_names: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The wire names of each field, the documented one first."""
    _converters: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """The attrs converters of the fields that have one; they are applied to objects and lists from JSON as well."""
    _attribute_of: ClassVar[Mapping[str, str]] = {}
    """The field of each wire name."""
    _spellings: ClassVar[Mapping[object, tuple[str, ...]]] = {}
    """All wire names of a field that has several, by the documented one."""

    @classmethod
    def _wire_names_of(cls, field: attr.Attribute[Any]) -> tuple[str, ...]:
        names = field.metadata.get("wire")
        if names is None:
            return (field.name if cls._snake_case else wire_name(field.name),)
        return (names,) if isinstance(names, str) else tuple(names)

    @classmethod
    def _from_json(
        cls,
        data: dict[str, Any],
        report: Report,
        fallbacks: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a model of a JSON object; the arguments are those of :func:`~simstudio.core.conversion.structure`."""
        made = object.__new__(cls)
        put = object.__setattr__
        fields = _fields_of(cls)
        if fallbacks or overrides:
            preset = cls._select_preset(data, fallbacks or {}, overrides or {})
            fields = [field for field in fields if field[0] not in preset]
            for name, value in preset.items():
                put(made, name, cls._converters[name](value) if name in cls._converters else value)
            put(made, "_preset", preset)
        for name, wire, others, default, factory, accepted in fields:
            value = data.get(wire)
            if value is None and others:
                value = next((data[other] for other in others if data.get(other) is not None), None)
            if value is not None:
                if accepted is not None and accepted.get(type(value), convert) is not None:  # most values are kept
                    value = convert(value, accepted, (cls, name), report)
            elif factory is not None:
                value = factory()
            elif default is not attr.NOTHING:
                value = default
            elif wire in data or any(other in data for other in others):
                report(cls, name, "null")
            else:
                report(cls, name, "missing")
                continue
            put(made, name, value)
        put(made, "_wire", data)
        return made

    @classmethod
    def _select_preset(
        cls, data: dict[str, Any], fallbacks: Mapping[str, Any], overrides: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The overrides, and the fallbacks of fields that are missing or null; names of no field are left out."""
        names = cls._wire_names
        preset = {
            name: value
            for name, value in fallbacks.items()
            if value is not None and name in names and all(data.get(wire) is None for wire in names[name])
        }
        return {**preset, **{name: value for name, value in overrides.items() if name in names}}

    if not TYPE_CHECKING:  # a type checker that sees __getattr__ reports no unknown attribute

        def __getattr__(self, name: str) -> Any:  # called only if normal lookup fails, as it does for an unset slot
            kind = type(self)
            if name in kind._wire_names:
                if sys._getframe(1).f_code in _ATTRS_COPY_FUNCTIONS:
                    return None
                raise _missing_field(self, name)
            attribute = getattr(kind, name, None)
            if isinstance(attribute, property):  # its getter raised an AttributeError, which Python has discarded
                return attribute.__get__(self)
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")

    @property
    def extra(self) -> dict[str, Any]:
        """The fields that the server sent and the class does not declare, under their wire names."""
        return {name: value for name, value in self._mapping().items() if name not in self._attribute_of}

    def to_dict(self) -> dict[str, Any]:
        """The JSON object that the server sent; of a model constructed in Python, its fields that are not None."""
        return dict(self._mapping())

    def _mapping(self) -> dict[str, Any]:
        try:
            return self._wire
        except AttributeError:  # constructed in Python
            values = {wires[0]: getattr(self, name) for name, wires in self._wire_names.items() if wires}
            wire = {name: _plain(value) for name, value in values.items() if value is not None}
            object.__setattr__(self, "_wire", wire)
            return wire

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        attribute = self._attribute_of.get(name)
        return self._mapping()[name] if attribute is None else getattr(self, attribute)

    def __contains__(self, name: object) -> bool:
        """Whether the server sent a field under this or another of its wire names."""
        wire = self._mapping()
        return name in wire or any(spelling in wire for spelling in self._spellings.get(name, ()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping())

    def __len__(self) -> int:
        return len(self._mapping())

    def __repr__(self) -> str:
        """Short: long values end with ``…``; ``to_dict()`` has them whole."""
        from simstudio.core.display import model_repr

        return model_repr(self)

    def _shown_fields(self) -> Iterator[tuple[str, Any]]:
        """Names and values of the fields in the representation: those that are required or hold something."""
        for field in attr.fields(type(self)):
            value = getattr(self, field.name, _MISSING)
            if field.repr and (not is_empty(value) or _is_required(field)):
                yield field.name, value

    def _repr_html_(self) -> str:
        from simstudio.core.display import table_html

        return table_html(type(self).__name__, self._attributes_to_show().items())

    def _attributes_to_show(self) -> dict[str, Any]:
        """The attributes that a notebook shows: those of the representation that say something."""
        values = {field.name: getattr(self, field.name, None) for field in attr.fields(type(self)) if field.repr}
        return {name: value for name, value in values.items() if not is_empty(value)}

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Model):
            if type(other) is not type(self):
                return False
            return self._mapping() == other._mapping() and self._not_on_wire() == other._not_on_wire()
        return self._mapping() == dict(other) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def _not_on_wire(self) -> dict[str, Any]:
        """The attributes that have no wire name."""
        return {name: getattr(self, name) for name, wires in self._wire_names.items() if not wires}

    def _state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arguments of :func:`restore_model` beside the class."""
        return self._mapping(), {**getattr(self, "_preset", {}), **self._not_on_wire()}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Return the schema with which pydantic and FastAPI validate and serialize the model."""
        from simstudio.core.pydantic_schema import core_schema_of

        return core_schema_of(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        """Return the JSON schema for pydantic and FastAPI."""
        return {"type": "object", "title": cls.__name__}

    def __reduce__(self) -> tuple[Callable[..., Model], tuple[Any, ...]]:
        return restore_model, (_public_name(type(self)), *self._state())


def restore_model(kind: type[M] | tuple[str, str], wire: dict[str, Any], preset: Mapping[str, Any]) -> M:
    """Make the model that a pickle or a copy holds. Deviations are neither logged nor errors.

    Args:
        kind: The class, or its public module and name.
        wire: The JSON object that the server sent.
        preset: Values of attributes that are not read from it. Names that this version's class lacks are ignored.
    """
    cls: Any = kind if isinstance(kind, type) else getattr(import_module(kind[0]), kind[1])
    made: M = cls._from_json(wire, lambda *_: None, overrides=preset)
    return made


restore_model.__module__ = "simstudio"  # pickles name this function by its public module


@cache
def _public_name(kind: type[Model]) -> tuple[str, str] | type[Model]:
    """The public module of a class, else the shortest module path that has it, and its name; the class if none has."""
    if kind._public_module is not None:
        return kind._public_module, kind.__qualname__
    parts = kind.__module__.split(".")
    for length in range(1, len(parts) + 1):
        module = ".".join(parts[:length])
        if getattr(sys.modules.get(module), kind.__qualname__, None) is kind:
            return module, kind.__qualname__
    return kind


_Field: TypeAlias = "tuple[str, Any, tuple[str, ...], Any, Callable[[], Any] | None, JSONTypes | None]"
"""The parts of reading one field from a JSON object:

* the attribute;
* the documented wire name; None, which is no key in JSON, if the field has no wire name;
* the other wire names;
* the value if the field is missing or null; ``attr.NOTHING`` if it is required;
* what makes that value, if not None;
* the JSON types that the field accepts; None for all."""


@cache
def _fields_of(kind: type[Model]) -> list[_Field]:
    """The fields of a model class; read when its first instance is made, as annotations may name classes below it."""
    hints: dict[str, Any] = {}
    for base in reversed(kind.__mro__[: kind.__mro__.index(Model)]):
        hints |= _evaluate(inspect.get_annotations(base), base)
    found: list[_Field] = []
    for field in attr.fields(kind):
        factory = getattr(field.default, "factory", None)
        wire, *others = kind._wire_names[field.name] or (None,)
        accepted = json_types(hints[field.name])
        if field.converter is not None:
            accepted = with_converter(accepted, field.converter)
        found.append((field.name, wire, tuple(others), field.default, factory, accepted))
    return found


def _evaluate(annotations: Mapping[str, Any], kind: type[Any]) -> dict[str, Any]:
    """The annotations of a class as types.

    They are compiled first: after a Ctrl-C while ``eval()`` runs a text, CPython ends by the signal, whoever caught it.
    """
    texts = [f"{name!r}: {value}" for name, value in annotations.items() if isinstance(value, str)]
    code = compile(f"{{{', '.join(texts)}}}", f"<annotations of {kind.__name__}>", "eval")
    return {**annotations, **eval(code, vars(sys.modules[kind.__module__]), dict(vars(kind)))}  # noqa: S307


class _Missing:
    def __repr__(self) -> str:
        return "<missing>"


_MISSING = _Missing()

# `attrs.asdict` and `attrs.astuple` read each attribute by getattr, and must not raise: they get None.
_ATTRS_COPY_FUNCTIONS = frozenset({attr.asdict.__code__, attr.astuple.__code__})


def _missing_field(made: Model, name: str) -> MissingFieldError:
    wires = type(made)._wire_names[name]
    sent = ", ".join(sorted(made._mapping())) or "an empty object"
    return MissingFieldError(
        f"{type(made).__name__}.{name}: the server did not send {' or '.join(map(repr, wires))}. It sent: {sent}."
    )


def is_empty(value: Any) -> bool:
    """Whether the value of a field says nothing: None, or an empty tuple."""
    return value is None or (type(value) is tuple and not value)


def _is_required(field: attr.Attribute[Any]) -> bool:
    return field.default is attr.NOTHING


def _plain(value: Any) -> Any:
    """Plain JSON data of a value that may hold models."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if type(value) is dict:
        return {name: _plain(item) for name, item in value.items()}
    return value
