"""Routes of a REST surface, and how the arguments of a method get onto the wire.

A :class:`Route` is read off the method that sends it (see :mod:`simstudio.core.endpoint`): each parameter of the
signature is one on the wire, under its name in camelCase, in the place that its verb suggests. What is not so is said
at the method. Before anything is sent, every argument is checked against the method's own annotations (types, the
values of a ``Literal``) and against the limits that the digest gives.

What travels: ``None`` of a query or header parameter, and ``UNSET`` anywhere, is left out; ``None`` of a body field is
JSON's null. In a query a list is joined by commas, a mapping is JSON, a ``datetime`` is ISO 8601 in UTC.
"""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs

from simstudio.core.model import wire_name
from simstudio.core.options import Unset
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.message import Headers

if TYPE_CHECKING:
    from typing import TypeAlias

Place: TypeAlias = Literal["path", "query", "header", "body"]

_IN_PATH = re.compile(r"\{([^}]+)\}")
_BODIED = ("POST", "PUT", "PATCH")
_WORDS: dict[type, str] = {str: "text", bool: "True or False", int: "a whole number", float: "a number"}


@attrs.frozen
class Parameter:
    """Where a parameter goes.

    Attributes:
        wire: Its name on the wire.
        place: ``path``, ``query``, ``header`` or ``body``.
    """

    wire: str
    place: Place


@attrs.frozen
class Bounds:
    """How small and how large something may be; see :func:`between`, :func:`length`, :func:`items`."""

    low: float | None
    high: float | None
    unit: str = ""

    def check(self, name: str, value: Any) -> None:
        """Refuse what is outside.

        Raises:
            InvalidInputError: It is; the message names the parameter and its limits.
        """
        size = len(value) if self.unit else value
        if (self.low is None or size >= self.low) and (self.high is None or size <= self.high):
            return
        got = f"{size:,} {self.unit}" if self.unit else repr(value)
        raise InvalidInputError(
            f"{name} must have {self}, not {got}." if self.unit else f"{name} must be {self}: {got}."
        )

    def __str__(self) -> str:
        low, high = (None if end is None else f"{end:,}" for end in (self.low, self.high))
        unit = f" {self.unit}" if self.unit else ""
        if low is None:
            return f"at most {high}{unit}"
        return f"at least {low}{unit}" if high is None else f"from {low} to {high}{unit}"


def between(low: float | None = None, high: float | None = None) -> Bounds:
    """A number's least and greatest value."""
    return Bounds(low, high)


def length(low: int | None = None, high: int | None = None) -> Bounds:
    """A text's least and greatest number of characters."""
    return Bounds(low, high, "characters")


def items(low: int | None = None, high: int | None = None) -> Bounds:
    """A list's least and greatest number of items."""
    return Bounds(low, high, "items")


@attrs.frozen
class Accepted:
    """What an annotation accepts, as far as can be told at run time: kinds and ``Literal`` values, one level deep."""

    kinds: tuple[type, ...] = ()
    values: tuple[object, ...] = ()
    anything: bool = False

    @classmethod
    def of(cls, annotation: Any) -> Accepted:
        """Read an annotation."""
        members = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
        kinds: list[type] = []
        values: list[object] = []
        for member in members:
            origin = get_origin(member) or member
            if origin is Literal:
                values += get_args(member)
            elif is_typeddict(origin):
                kinds.append(Mapping)
            elif isinstance(origin, type) and _tells_its_own(origin):
                kinds.append(origin)
            else:
                return cls(anything=True)
        return cls(tuple(kinds), tuple(values), object in kinds)

    def check(self, name: str, value: Any) -> None:
        """Refuse what the annotation does not accept.

        Raises:
            InvalidInputError: The message names the parameter and what it may be.
        """
        if self.anything or any(value is each or value == each for each in self.values) or self._is_of_a_kind(value):
            return
        raise InvalidInputError(f"{name} must be {self}, not {_shown(value)}.")

    def _is_of_a_kind(self, value: Any) -> bool:
        kind = type(value)
        if kind in (bool, str, bytes, bytearray):  # the last three are sequences, but not lists of anything
            return any(kind is each for each in self.kinds)
        return isinstance(value, self.kinds) or (kind is int and float in self.kinds)

    def __str__(self) -> str:
        options = [repr(value) for value in self.values]
        options += [
            _WORDS.get(kind) or ("None" if kind is types.NoneType else f"a {kind.__name__.lower()}")
            for kind in self.kinds
            if kind is not Unset
        ]
        return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _tells_its_own(kind: type) -> bool:
    """Whether ``isinstance`` works for a kind: not for Any, typing's files, nor for protocols of type checkers only."""
    if kind is Any:  # a class since Python 3.11
        return False
    if getattr(kind, "_is_protocol", False):
        return bool(getattr(kind, "_is_runtime_protocol", False))
    return not issubclass(kind, IO)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else type(value).__name__


@attrs.frozen(eq=False)
class Route:
    """One operation of a REST surface, as its method sends it.

    Attributes:
        id: What Sim calls it.
        verb: ``GET``, ``POST`` …
        path: With the names of the wire in braces.
        parameters: By Python name, in the order of the signature.
        only_true: Flags that must be left out rather than be false: Sim reads any text as true (NOTES 9).
    """

    id: str
    verb: str
    path: str
    function: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    limits: Mapping[str, Bounds]
    only_true: frozenset[str]
    _accepted: dict[str, Accepted] = attrs.field(factory=dict, init=False)

    @classmethod
    def read(
        cls,
        function: Callable[..., Any],
        verb: str,
        path: str,
        operation_id: str,
        *,
        names: Mapping[str, str] | None = None,
        query: Sequence[str] = (),
        body: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        local: Sequence[str] = (),
        only_true: Sequence[str] = (),
        limits: Mapping[str, Bounds] | None = None,
    ) -> Route:
        """The route of a method; see :class:`simstudio.core.endpoint.Placing` for the arguments."""
        names, headers, limits = names or {}, headers or {}, limits or {}
        in_path = set(_IN_PATH.findall(path))
        usual: Place = "body" if verb in _BODIED else "query"
        parameters: dict[str, Parameter] = {}
        for name in list(inspect.signature(function).parameters)[2:]:  # without self and send
            wire = headers.get(name) or names.get(name) or wire_name(name)
            if name in local:
                continue
            place: Place = (
                "path" if wire in in_path
                else "header" if name in headers
                else "query" if name in query
                else "body" if name in body
                else usual
            )  # fmt: skip
            parameters[name] = Parameter(wire, place)
        said = {*names, *query, *body, *headers, *only_true, *limits}
        missing = in_path - {each.wire for each in parameters.values() if each.place == "path"}
        if not said <= set(parameters) or missing:
            raise TypeError(f"{operation_id}: no parameters {sorted(missing or said - set(parameters))}")
        return cls(operation_id, verb, path, function, parameters, dict(limits), frozenset(only_true))

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that the route does not take.

        Raises:
            InvalidInputError: The message names the parameter and what it may be.
        """
        accepted = self._accepted or self._read_annotations()
        for name, parameter in self.parameters.items():
            value = arguments[name]
            accepted[name].check(name, value)
            limit = self.limits.get(name)
            if limit is not None and value is not None and not isinstance(value, Unset) and parameter.place != "path":
                limit.check(name, value)

    def _read_annotations(self) -> dict[str, Accepted]:
        hints = get_type_hints(self.function)
        self._accepted.update({name: Accepted.of(hints[name]) for name in self.parameters})
        return self._accepted

    def placed(self, arguments: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """The arguments that go to one place, under their wire names; what is left out is not among them."""
        found: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            value = arguments[name]
            if parameter.place != place or isinstance(value, Unset):
                continue
            if value is None and place in ("query", "header"):
                continue
            if value is False and name in self.only_true:
                continue
            found[parameter.wire] = as_text(name, value) if place in ("query", "header") else value
            if place == "header":
                _check_header(name, parameter.wire, found[parameter.wire])
        return found


def as_text(name: str, value: Any) -> str:
    """A value of a query or a header.

    Raises:
        InvalidInputError: A list has members that cannot be joined by commas, a ``datetime`` has no time zone, a number
            is none.
    """
    if isinstance(value, Mapping):
        from simstudio.core.resource import encode_json

        return encode_json(value).decode()
    if isinstance(value, (bytes, bytearray)) or not isinstance(value, Sequence) or isinstance(value, str):
        return _as_word(name, value)
    texts = [_as_word(name, item) for item in value]
    if not texts:
        raise InvalidInputError(f"{name} must have at least one member; leave it out to filter nothing.")
    wrong = next((text for text in texts if not text or "," in text), None)
    if wrong is not None:
        raise InvalidInputError(f"{name} is sent joined by commas, so no member may be empty or hold one: {wrong!r}.")
    return ",".join(texts)


def _as_word(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str.__str__(value)  # of an Enum's member too, whose str() is its name
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInputError(f"{name} must be a number that can be sent, not {value!r}.")
        return float.__repr__(value)
    if isinstance(value, datetime):
        return utc(name, value)
    if value is None or isinstance(value, (bytes, bytearray, Mapping, Sequence)):
        raise InvalidInputError(f"{name} cannot be sent as text: {_shown(value)}.")
    return str(value)


def _check_header(name: str, wire: str, value: str) -> None:
    try:
        Headers({wire: value})
    except InvalidInputError:
        raise InvalidInputError(
            f"{name} travels in a header: it must be printable ASCII without line breaks, not {_shown(value)}."
        ) from None


def utc(name: str, moment: datetime) -> str:
    """A moment as Sim takes it: ISO 8601 in UTC with ``Z``.

    Raises:
        InvalidInputError: It has no time zone, or UTC has no such year.
    """
    if moment.utcoffset() is None:
        raise InvalidInputError(
            f"{name} is a datetime without a time zone, so it names no moment. "
            "Give it one: datetime.now(timezone.utc), or .replace(tzinfo=…)."
        )
    try:
        text = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    except OverflowError:
        raise InvalidInputError(f"{name} is out of range: {moment.isoformat()} is no moment in UTC.") from None
    return text.replace("+00:00", "Z")
