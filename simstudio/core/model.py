"""The base of all models: a frozen attrs class that is also a mapping over the names of the wire.

``limits.rate_limit.sync.reset_at`` and ``limits["rateLimit"]["sync"]["resetAt"]`` are the same value: the first is
how Python reads, the second what Sim's documents show. Whatever the server sent beyond the known fields is kept.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import attrs

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:  # only type checkers read it, and Python 3.10 has none of its own

    def dataclass_transform(**_options):
        """Return the function as it is."""
        return lambda function: function


C = TypeVar("C", bound="type[Model]")


def wire_names(field: attrs.Attribute[Any]) -> tuple[str, ...]:
    """The names a field has on the wire, the documented one first: from its metadata, else its own in camelCase."""
    given = field.metadata.get("wire")
    if given is not None:
        return (given,) if isinstance(given, str) else tuple(given)
    return (wire_name(field.name),)


def wire_name(name: str) -> str:
    """A Python name as the wire has it: camelCase, without the underscore that keeps it from being a keyword."""
    if name.endswith("_") and keyword.iskeyword(name[:-1]):
        name = name[:-1]
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(attrs.field,))
def model(cls: C) -> C:
    """Class decorator: a frozen, slotted attrs class whose equality and pickling are :class:`Model`'s."""
    made = attrs.frozen(cls, eq=False, repr=False, slots=True, field_transformer=_as_named if cls._snake_case else None)
    made._attribute_of = {name: field.name for field in attrs.fields(made) for name in wire_names(field)}
    made._spellings = {
        name: names for field in attrs.fields(made) for names in (wire_names(field),) for name in names[:1] if names[1:]
    }
    return made


def _as_named(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Fields whose wire names are their own."""
    return [field.evolve(metadata={"wire": field.name, **field.metadata}) for field in fields]


class Model(Mapping[str, Any]):
    """A frozen model; see the module.

    A subclass with ``_snake_case = True`` is of a service whose wire names are snake_case, as its attributes are.
    """

    __slots__ = ("_wire",)
    _wire: dict[str, Any]
    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[tuple[attrs.Attribute[Any], ...]]
    _snake_case: ClassVar[bool] = False
    _attribute_of: ClassVar[Mapping[str, str]] = {}
    _spellings: ClassVar[Mapping[object, tuple[str, ...]]] = {}

    @property
    def extra(self) -> dict[str, Any]:
        """What the server sent beyond the known fields, under its wire names."""
        return {name: value for name, value in self._mapping().items() if name not in self._attribute_of}

    def to_dict(self) -> dict[str, Any]:
        """What came, as plain JSON data under its wire names (of a model made by hand: its fields)."""
        return {name: value.to_dict() if isinstance(value, Model) else value for name, value in self._mapping().items()}

    def _mapping(self) -> dict[str, Any]:
        try:
            return self._wire
        except AttributeError:  # made by hand, not by an answer
            wire: dict[str, Any] = {}
            for name, attribute in self._attribute_of.items():
                value = getattr(self, attribute)
                if value is not None and attribute not in {self._attribute_of[known] for known in wire}:
                    wire[name] = value
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
        pairs = ((field.name, getattr(self, field.name)) for field in attrs.fields(type(self)))
        shown = [f"{name}={value!r}" for name, value in pairs if value is not None]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, type(self)) and type(other) is type(self):
            names = attrs.fields_dict(type(self))
            return self.extra == other.extra and all(getattr(self, name) == getattr(other, name) for name in names)
        if isinstance(other, Mapping) and not isinstance(other, Model):
            return self.to_dict() == dict(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        values = tuple(getattr(self, name) for name in attrs.fields_dict(type(self)))
        return _restore, (type(self), values, getattr(self, "_wire", None))


def _restore(cls: type[Model], values: tuple[Any, ...], wire: dict[str, Any] | None) -> Model:
    made = cls(**dict(zip(_initialisers(cls), values, strict=True)))
    if wire is not None:
        object.__setattr__(made, "_wire", wire)
    return made


def _initialisers(cls: type[Model]) -> list[str]:
    return [field.alias for field in attrs.fields(cls)]


def find_resume(output: Any) -> Mapping[str, Any] | None:
    """The ``_resume`` object by which a paused run says where to go on, wherever an output carries it.

    A paused synchronous run has it in ``output.data._resume`` (recording 094), a job in ``output.output.data._resume``
    (recording 112).
    """
    for _ in range(3):
        if not isinstance(output, Mapping):
            return None
        data = output.get("data")
        for place in (output, data):
            resume = place.get("_resume") if isinstance(place, Mapping) else None
            if isinstance(resume, Mapping):
                return resume
        output = output.get("output")
    return None
