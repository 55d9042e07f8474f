"""Annotations of the parameters of an operation: type, limits, and how the value is sent.

For example ``Annotated[bool | None, query]``, ``Annotated[str, wire("id")]`` and ``Annotated[str, length(1, 128)]``.
:mod:`simstudio.core.routes` has the rules for parameters that say nothing.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import (
    IO,
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    is_typeddict,
)

import attrs

from simstudio.core.options import Unset
from simstudio.transport.errors import InvalidInputError

if TYPE_CHECKING:
    from typing import TypeAlias

Place: TypeAlias = Literal["path", "query", "header", "body"]

_UNIONS = (Union, types.UnionType)
_WORDS: dict[type, str] = {str: "text", bool: "True or False", int: "a whole number", float: "a number"}


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
        if self.unit == "items" and isinstance(value, str):
            return  # one item, where a list may be given as well
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
class Sent:
    """The way in which a parameter is sent, where it differs from the rules.

    Attributes:
        place: ``local`` if it is not sent.
        wire: Name on the wire.
        only_true: Whether False is left out.
        secret: Whether no error shows the value.
        convert: Makes the value that is sent from the parameter's name and argument.
    """

    place: Place | Literal["local"] | None = None
    wire: str | None = None
    only_true: bool = False
    secret: bool = False
    convert: Callable[[str, Any], Any] | None = None


query: Final = Sent("query")
"""The parameter of a POST, PUT or PATCH is sent in the query."""
body: Final = Sent("body")
"""The parameter of a GET or DELETE is sent in the body."""
local: Final = Sent("local")
"""The parameter is not sent, such as ``timeout``."""
only_true: Final = Sent(only_true=True)
"""The flag is left out if it is False, because the server reads any text as true."""
secret: Final = Sent(secret=True)
"""The value is a password, a token or a key, or holds one: no error and no frame of an error shows it."""


def wire(name: str) -> Sent:
    """The name on the wire, where it is not the Python name in camelCase."""
    return Sent(wire=name)


def header(name: str) -> Sent:
    """The header that carries the parameter."""
    return Sent("header", name)


def conversion(convert: Callable[[str, Any], Any]) -> Sent:
    """The function that makes the value that is sent from the parameter's name and argument."""
    return Sent(convert=convert)


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
        """Read an annotation, without ``Annotated``."""
        members = get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)
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

    def check(self, name: str, value: Any, *, is_secret: bool = False) -> None:
        """Raise if the annotation does not accept the value.

        Raises:
            InvalidInputError: The message names the parameter and the accepted values, and of a secret only the type.
        """
        if self.anything or any(value is each or value == each for each in self.values) or self._is_accepted(value):
            return
        shown = abbreviate(value) if value is None or not is_secret else f"of type {type(value).__name__}"
        raise InvalidInputError(f"{name} must be {self}, not {shown}.")

    def _is_accepted(self, value: Any) -> bool:
        kind = type(value)
        # bool is an int, a datetime is a date, and the others are sequences, but none is meant by such an annotation.
        if kind in (bool, datetime, str, bytes, bytearray):
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


class Argument(NamedTuple):
    """The facts in an annotation.

    Attributes:
        bounds: Limits of the value; None for no limits.
        sent: Way of sending it, where it differs from the rules.
    """

    accepted: Accepted
    bounds: Bounds | None
    sent: Sent

    @classmethod
    def of(cls, annotation: Any) -> Argument:
        """Read an annotation."""
        plain, marks = _strip(annotation)
        bounds = next((mark for mark in marks if isinstance(mark, Bounds)), None)
        sent = [mark for mark in marks if isinstance(mark, Sent)]
        place: Place | Literal["local"] | None = next((mark.place for mark in sent if mark.place), None)
        name = next((mark.wire for mark in sent if mark.wire), None)
        convert = next((mark.convert for mark in sent if mark.convert), None)
        return cls(Accepted.of(plain), bounds, Sent(place, name, only_true in sent, secret in sent, convert))

    def check(self, name: str, value: Any) -> None:
        """Raise if a value has a wrong type, is out of bounds, or is a secret that is no JSON data.

        Raises:
            InvalidInputError: The message names the parameter and the accepted values.
        """
        self.accepted.check(name, value, is_secret=self.sent.secret)
        if value is None or isinstance(value, Unset):
            return
        if self.bounds is not None:
            self.bounds.check(name, value)
        if self.sent.secret:
            _check_secret(name, value)


def _strip(annotation: Any) -> tuple[Any, list[Any]]:
    """An annotation without ``Annotated``, at its top and in the members of its union, and what these said."""
    marks: list[Any] = []
    if get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
    if get_origin(annotation) in _UNIONS:
        members = [_strip(member) for member in get_args(annotation)]
        annotation = Union[tuple(plain for plain, _ in members)]  # noqa: UP007 - made at run time
        marks += [mark for _, others in members for mark in others]
    return annotation, marks


def _check_secret(name: str, value: Any) -> None:
    from simstudio.core.resource import encode_json

    with contextlib.suppress(InvalidInputError):
        encode_json(value)
        return
    raise InvalidInputError(f"{name} cannot be sent as JSON. It is a secret, so this message does not show where.")


def abbreviate(value: object) -> str:
    """The repr of a value, or the name of its type where that is long."""
    text = repr(value)
    return text if len(text) <= 60 else type(value).__name__
