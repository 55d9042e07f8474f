"""The base of all models: a frozen attrs class that is also a mapping over the names of the wire.

``limits.rate_limit.sync.reset_at`` and ``limits["rateLimit"]["sync"]["resetAt"]`` are the same value: the first is
how Python reads, the second what Sim's documents show. Whatever the server sent beyond the known fields is kept.

A model tolerates *deviations*: a required field that is missing or null, a value that fits no member of its type. The
value stays as it came. A required field that is missing leaves its attribute unset, and only reading the attribute
raises :class:`~simstudio.MissingFieldError`.
"""

from __future__ import annotations

import keyword
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, get_type_hints

import attr
import attrs

from simstudio.core.errors import MissingFieldError
from simstudio.core.shapes import fit, shapes_of

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform

    from simstudio.core.shapes import Note, Shapes
else:  # only type checkers read it, and Python 3.10 has none of its own

    def dataclass_transform(**_options):
        """Return the function as it is."""
        return lambda function: function


C = TypeVar("C", bound="type[Model]")
M = TypeVar("M", bound="Model")


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(attrs.field,))
def model(cls: C) -> C:
    """Class decorator: a frozen, slotted attrs class whose equality and pickling are :class:`Model`'s."""
    made = attrs.frozen(cls, eq=False, repr=False, slots=True)
    made._wire_names = {field.name: made._names_on_wire(field) for field in attrs.fields(made)}
    made._attribute_of = {wire: name for name, wires in made._wire_names.items() for wire in wires}
    made._spellings = {wires[0]: wires for wires in made._wire_names.values() if len(wires) > 1}
    return made


def wire_name(name: str) -> str:
    """A Python name as the wire has it: camelCase, without the underscore that keeps it from being a keyword."""
    if name.endswith("_") and keyword.iskeyword(name[:-1]):
        name = name[:-1]
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


class Model(Mapping[str, Any]):
    """A frozen model; see the module.

    A subclass with ``_snake_case = True`` belongs to a service whose wire names are snake_case, as its attributes are.
    """

    __slots__ = ("_given", "_wire")
    _wire: dict[str, Any]
    """What came; unset until it is asked for in a model made by hand."""
    _given: dict[str, Any]
    """Attributes whose values are not read from ``_wire``; unset where there are none."""
    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[tuple[attrs.Attribute[Any], ...]]
    _snake_case: ClassVar[bool] = False
    _wire_names: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The wire names of each field, the documented one first."""
    _attribute_of: ClassVar[Mapping[str, str]] = {}
    _spellings: ClassVar[Mapping[object, tuple[str, ...]]] = {}

    @classmethod
    def _names_on_wire(cls, field: attrs.Attribute[Any]) -> tuple[str, ...]:
        given = field.metadata.get("wire")
        if given is None:
            return (field.name if cls._snake_case else wire_name(field.name),)
        return (given,) if isinstance(given, str) else tuple(given)

    @classmethod
    def _structured(
        cls,
        data: dict[str, Any],
        note: Note,
        known: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Self:
        """A model of what came; the arguments are those of :func:`~simstudio.core.conversion.structure`."""
        made = object.__new__(cls)
        put = object.__setattr__
        fields = _fields_of(cls)
        if known or given:
            values = cls._provided(data, known or {}, given or {})
            fields = [field for field in fields if field.name not in values]
            for name, value in values.items():
                put(made, name, value)
            put(made, "_given", values)
        for name, wire, others, default, factory, shapes in fields:
            value = data.get(wire)
            if value is None and others:
                value = next((data[other] for other in others if data.get(other) is not None), None)
            if value is not None:
                if shapes is not None and shapes.get(type(value), fit) is not None:  # else it is kept, as most are
                    value = fit(value, shapes, (cls, name), note)
            elif factory is not None:
                value = factory()
            elif default is not attrs.NOTHING:
                value = default
            elif wire in data or any(other in data for other in others):
                note(cls, name, "null")
            else:
                note(cls, name, "missing")
                continue
            put(made, name, value)
        put(made, "_wire", data)
        return made

    @classmethod
    def _provided(cls, data: dict[str, Any], known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that are not read from what came."""
        wires = cls._wire_names
        missing = {name for name in known if name in wires and all(data.get(wire) is None for wire in wires[name])}
        values = {name: value for name, value in known.items() if name in missing and value is not None}
        return {**values, **{name: value for name, value in given.items() if name in wires}}

    if not TYPE_CHECKING:  # type checkers must go on reporting unknown attributes

        def __getattr__(self, name: str) -> Any:  # Python calls it where a slot is unset, or there is none
            kind = type(self)
            if name in kind._wire_names:
                if sys._getframe(1).f_code in _COPIERS:
                    return None
                raise _missing(self, name)
            attribute = getattr(kind, name, None)
            if isinstance(attribute, property):  # its getter raised an AttributeError, which Python has dropped
                return attribute.__get__(self)
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")

    @property
    def extra(self) -> dict[str, Any]:
        """What the server sent beyond the known fields, under its wire names."""
        return {name: value for name, value in self._mapping().items() if name not in self._attribute_of}

    def to_dict(self) -> dict[str, Any]:
        """What came, as plain JSON data under its wire names (of a model made by hand: its fields)."""
        return dict(self._mapping())

    def _mapping(self) -> dict[str, Any]:
        try:
            return self._wire
        except AttributeError:  # made by hand
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
        """Whether a name came, under this or another of its spellings (``limit``, ``requestsPerMinute``)."""
        wire = self._mapping()
        return name in wire or any(spelling in wire for spelling in self._spellings.get(name, ()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping())

    def __len__(self) -> int:
        return len(self._mapping())

    def __repr__(self) -> str:
        values = ((field, getattr(self, field.name, _MISSING)) for field in attrs.fields(type(self)))
        shown = [f"{field.name}={value!r}" for field, value in values if value is not None or _is_required(field)]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Model):
            if type(other) is not type(self):
                return False
            return self._mapping() == other._mapping() and self._unsent() == other._unsent()
        return self._mapping() == dict(other) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def _unsent(self) -> dict[str, Any]:
        """The attributes that have no wire name."""
        return {name: getattr(self, name) for name, wires in self._wire_names.items() if not wires}

    def _state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What :func:`restore_model` makes the same model of: what came, and attributes that are not read from it."""
        return self._mapping(), {**getattr(self, "_given", {}), **self._unsent()}

    def __reduce__(self) -> tuple[Callable[..., Model], tuple[Any, ...]]:
        return restore_model, (_public_name(type(self)), *self._state())


def restore_model(kind: type[M] | tuple[str, str], wire: dict[str, Any], given: Mapping[str, Any]) -> M:
    """A model of what came once, for pickles and copies. Deviations in it are neither noted nor errors.

    Args:
        kind: The class, or the module and the name it is public under.
        wire: What came.
        given: Attributes that are not read from it; those that the class does not have (any more) are left out.
    """
    cls: Any = kind if isinstance(kind, type) else getattr(import_module(kind[0]), kind[1])
    made: M = cls._structured(wire, lambda *_: None, given=given)
    return made


restore_model.__module__ = "simstudio"  # pickles name it, so it must be where the next version has it too


@cache
def _public_name(kind: type[Model]) -> tuple[str, str] | type[Model]:
    """The shortest module that has a class under its name; the class itself where none does."""
    parts = kind.__module__.split(".")
    for length in range(1, len(parts) + 1):
        module = ".".join(parts[:length])
        if getattr(sys.modules.get(module), kind.__qualname__, None) is kind:
            return module, kind.__qualname__
    return kind


class _Field(NamedTuple):
    """How one field is read from what came.

    Attributes:
        name: The attribute.
        wire: Its documented name on the wire; None, which is no name there, where it has none.
        others: Its other names there.
        default: What it is when it is missing; ``attrs.NOTHING`` where it is required.
        factory: Makes the default instead, where it is not None.
        shapes: What it accepts; None for anything.
    """

    name: str
    wire: Any
    others: tuple[str, ...]
    default: Any
    factory: Callable[[], Any] | None
    shapes: Shapes | None


@cache
def _fields_of(kind: type[Model]) -> list[_Field]:
    """The fields of a model; read when the first one is made, as a model may hold others of its kind."""
    hints = get_type_hints(kind)
    found = []
    for field in attrs.fields(kind):
        factory = getattr(field.default, "factory", None)
        wire, *others = kind._wire_names[field.name] or (None,)
        shapes = shapes_of(hints[field.name])
        found.append(_Field(field.name, wire, tuple(others), field.default, factory, shapes))
    return found


class _Missing:
    def __repr__(self) -> str:
        return "<missing>"


_MISSING = _Missing()

# `attrs.asdict` and `attrs.astuple` read attribute by attribute: a missing one is None to them.
_COPIERS = frozenset({attr.asdict.__code__, attr.astuple.__code__})


def _missing(made: Model, name: str) -> MissingFieldError:
    wires = type(made)._wire_names[name]
    came = ", ".join(sorted(made._mapping())) or "an empty object"
    return MissingFieldError(
        f"{type(made).__name__}.{name}: the server did not send {' or '.join(map(repr, wires))}. It sent: {came}."
    )


def _is_required(field: attrs.Attribute[Any]) -> bool:
    return field.default is attrs.NOTHING


def _plain(value: Any) -> Any:
    """A value of a model made by hand as JSON data."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if type(value) is dict:
        return {name: _plain(item) for name, item in value.items()}
    return value
