"""Routes of a REST API, and the way from a method's arguments to a request.

A :class:`Route` is read from the method that sends it (see :mod:`simstudio.core.endpoint`). Each parameter of the
signature is sent under its name in camelCase: in the path if the path names it, else in the body for POST, PUT and
PATCH, else in the query. Exceptions stand in the decorator. Before anything is sent, each argument is checked against
the method's annotations (types, ``Literal`` values) and limits.

``None`` for a query parameter or a header, and ``UNSET`` anywhere, is left out; ``None`` for a body field is JSON's
null. In a query a list is joined by commas, a mapping is JSON, and a ``datetime`` is ISO 8601 in UTC.
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
    """Where a parameter is sent.

    Attributes:
        wire: Name on the wire.
        place: ``path``, ``query``, ``header`` or ``body``.
    """

    wire: str
    place: Place


@attrs.frozen
class Bounds:
    """Bounds of an argument, both included; made by :func:`between`, :func:`length` and :func:`items`.

    Attributes:
        low: Least value; None for no bound.
        high: Greatest value; None for no bound.
        unit: Unit of the size, such as ``characters``; empty for the bounds of a number.
    """

    low: float | None
    high: float | None
    unit: str = ""

    def check(self, name: str, value: Any) -> None:
        """Raise if the value is out of bounds.

        Raises:
            InvalidInputError: The value is out of bounds; the message names the parameter and the bounds.
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
    """Bounds of a number."""
    return Bounds(low, high)


def length(low: int | None = None, high: int | None = None) -> Bounds:
    """Bounds of the number of characters of a text."""
    return Bounds(low, high, "characters")


def items(low: int | None = None, high: int | None = None) -> Bounds:
    """Bounds of the number of items of a list."""
    return Bounds(low, high, "items")


@attrs.frozen
class Accepted:
    """The values that an annotation accepts, as far as one level of it can be checked at run time.

    Attributes:
        kinds: Accepted types.
        values: Accepted ``Literal`` values.
        anything: Whether every value is accepted, because the annotation cannot be checked.
    """

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
            elif isinstance(origin, type) and _supports_isinstance(origin):
                kinds.append(origin)
            else:
                return cls(anything=True)
        return cls(tuple(kinds), tuple(values), object in kinds)

    def check(self, name: str, value: Any) -> None:
        """Raise if the annotation does not accept the value.

        Raises:
            InvalidInputError: The message names the parameter and the accepted values.
        """
        if self.anything or any(value is each or value == each for each in self.values) or self._is_accepted(value):
            return
        raise InvalidInputError(f"{name} must be {self}, not {_abbreviate(value)}.")

    def _is_accepted(self, value: Any) -> bool:
        kind = type(value)
        # bool is an int, and the others are sequences, but none of them is meant by such an annotation.
        if kind in (bool, str, bytes, bytearray):
            return any(kind is each for each in self.kinds)
        return isinstance(value, self.kinds) or (kind is int and float in self.kinds)

    def __str__(self) -> str:
        # typing caches unions of Literals without regard to their order: that of the annotation may be lost.
        options = sorted(repr(value) for value in self.values)
        options += [
            _WORDS.get(kind) or ("None" if kind is types.NoneType else f"a {kind.__name__.lower()}")
            for kind in self.kinds
            if kind is not Unset
        ]
        return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _supports_isinstance(kind: type) -> bool:
    """Whether ``isinstance`` works: not for ``Any``, ``typing.IO`` and protocols that are not ``runtime_checkable``."""
    if kind is Any:  # a class since Python 3.11
        return False
    if getattr(kind, "_is_protocol", False):
        return bool(getattr(kind, "_is_runtime_protocol", False))
    return not issubclass(kind, IO)


def _abbreviate(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else type(value).__name__


@attrs.frozen(eq=False)
class Route:
    """One operation of a REST API.

    Attributes:
        id: Id of the operation in the service's documents.
        verb: HTTP verb in upper case.
        path: Path with the wire names of its parameters in braces.
        function: The method that sends it.
        parameters: Parameters by Python name, in the order of the signature.
        limits: Bounds by Python name.
        only_true: Flags that are left out if False.
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
        """Read the route of a method; see :class:`simstudio.core.endpoint.RouteOptions` for the arguments."""
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
        named = {*names, *query, *body, *headers, *only_true, *limits}
        missing = in_path - {each.wire for each in parameters.values() if each.place == "path"}
        if not named <= set(parameters) or missing:
            raise TypeError(f"{operation_id}: no parameters {sorted(missing or named - set(parameters))}")
        return cls(operation_id, verb, path, function, parameters, dict(limits), frozenset(only_true))

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raise if an argument has a wrong type or is out of bounds.

        Raises:
            InvalidInputError: The message names the parameter and the accepted values.
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

    def arguments_for(self, place: Place, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that are sent in one place, by wire name."""
        sent: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            value = arguments[name]
            if parameter.place != place or isinstance(value, Unset):
                continue
            if value is None and place in ("query", "header"):
                continue
            if value is False and name in self.only_true:
                continue
            sent[parameter.wire] = encode_text(name, value) if place in ("query", "header") else value
            if place == "header":
                _check_header(name, parameter.wire, sent[parameter.wire])
        return sent


def encode_text(name: str, value: Any) -> str:
    """Encode the value of a query parameter or a header.

    Raises:
        InvalidInputError: A list is empty or has members that cannot be joined by commas, a ``datetime`` has no time
            zone, a number is not finite, or the value has no form as text.
    """
    if isinstance(value, Mapping):
        from simstudio.core.resource import encode_json

        return encode_json(value).decode()
    if isinstance(value, (bytes, bytearray)) or not isinstance(value, Sequence) or isinstance(value, str):
        return _encode_scalar(name, value)
    texts = [_encode_scalar(name, item) for item in value]
    if not texts:
        raise InvalidInputError(f"{name} must have at least one member; leave it out to filter nothing.")
    wrong = next((text for text in texts if not text or "," in text), None)
    if wrong is not None:
        raise InvalidInputError(f"{name} is sent joined by commas, so no member may be empty or hold one: {wrong!r}.")
    return ",".join(texts)


def _encode_scalar(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str.__str__(value)  # str() of a member of a str Enum is its name
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInputError(f"{name} must be a number that can be sent, not {value!r}.")
        return float.__repr__(value)
    if isinstance(value, datetime):
        return format_utc(name, value)
    if value is None or isinstance(value, (bytes, bytearray, Mapping, Sequence)):
        raise InvalidInputError(f"{name} cannot be sent as text: {_abbreviate(value)}.")
    return str(value)


def _check_header(name: str, wire: str, value: str) -> None:
    try:
        Headers({wire: value})
    except InvalidInputError:
        raise InvalidInputError(
            f"{name} travels in a header: it must be printable ASCII without line breaks, not {_abbreviate(value)}."
        ) from None


def format_utc(name: str, moment: datetime) -> str:
    """Format a moment as ISO 8601 in UTC with milliseconds and ``Z``.

    Raises:
        InvalidInputError: The ``datetime`` has no time zone, or its year does not exist in UTC.
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
