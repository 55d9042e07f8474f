"""Routes of a REST API, and the way from a method's arguments to a request.

A :class:`Route` is read from the method that sends it (see :mod:`simstudio.core.endpoint`). Each parameter of the
signature is sent under its name in camelCase: in the path if the path names it, else in the body for POST, PUT and
PATCH, else in the query. What differs is said in its annotation, like its limits (:mod:`simstudio.core.parameters`).
Each argument is checked against its annotation before anything is sent.

``None`` for a query parameter or a header, and ``UNSET`` anywhere, is left out; ``None`` for a body field is JSON's
null. In a query a list is joined by commas, a mapping or a list of mappings is JSON, and a ``datetime`` is ISO 8601 in
UTC.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

import attrs

from simstudio.core.model import wire_name
from simstudio.core.options import Unset
from simstudio.core.parameters import Argument, Place, abbreviate
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.message import Headers

if TYPE_CHECKING:
    from typing import TypeAlias

Evidence: TypeAlias = Literal["recorded", "documented"]

_IN_PATH = re.compile(r"\{([^}]+)\}")
_BODIED = ("POST", "PUT", "PATCH")


@attrs.frozen
class Parameter:
    """The place of a parameter in the request.

    Attributes:
        wire: Name on the wire.
        place: ``path``, ``query``, ``header`` or ``body``.
    """

    wire: str
    place: Place


class Route:
    """One operation of a REST API. The annotations of its method are read when they are first needed.

    Attributes:
        id: Id of the operation in the service's documents.
        verb: HTTP verb in upper case.
        path: Path with the wire names of its parameters in braces.
        function: The method that sends it.
        evidence: ``recorded`` if a real server was seen to carry it out, else ``documented``; None: as its class.
    """

    def __init__(
        self, function: Callable[..., Any], verb: str, path: str, operation_id: str, evidence: Evidence | None = None
    ) -> None:
        self.function = function
        self.verb = verb
        self.path = path
        self.id = operation_id
        self.evidence = evidence

    @cached_property
    def arguments(self) -> Mapping[str, Argument]:
        """The facts in the annotations, by Python name."""
        hints = get_type_hints(self.function, include_extras=True)
        names = list(inspect.signature(self.function).parameters)[2:]  # without self and send
        return {name: Argument.of(hints[name]) for name in names}

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Parameters that are sent, by Python name, in the order of the signature."""
        in_path = set(_IN_PATH.findall(self.path))
        usual: Place = "body" if self.verb in _BODIED else "query"
        found: dict[str, Parameter] = {}
        for name, (_, _, sent) in self.arguments.items():
            if sent.place != "local":
                wire = sent.wire or wire_name(name)
                found[name] = Parameter(wire, sent.place or ("path" if wire in in_path else usual))
        missing = in_path - {each.wire for each in found.values() if each.place == "path"}
        if missing:
            raise TypeError(f"{self.id}: no parameters {sorted(missing)}")
        return found

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """Python names of the parameters whose values no error shows."""
        return tuple(name for name, each in self.arguments.items() if each.sent.secret)

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raise if an argument has a wrong type or is out of bounds.

        Raises:
            InvalidInputError: The message names the parameter and the accepted values.
        """
        for name in self.parameters:
            self.arguments[name].check(name, arguments[name])

    def arguments_for(self, place: Place, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that are sent in one place, by wire name."""
        sent: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            value = arguments[name]
            if parameter.place != place or isinstance(value, Unset):
                continue
            if value is None and place in ("query", "header"):
                continue
            how = self.arguments[name].sent
            if value is False and how.only_true:
                continue
            if value is not None and how.convert is not None:
                value = how.convert(name, value)
            sent[parameter.wire] = encode_text(name, value) if place in ("query", "header") else value
            if place == "header":
                _check_header(name, parameter.wire, sent[parameter.wire], secret=how.secret)
        return sent


def encode_text(name: str, value: Any) -> str:
    """Encode the value of a query parameter or a header.

    Raises:
        InvalidInputError: A list is empty or has members that cannot be joined by commas, a ``datetime`` has no time
            zone, a number is not finite, or the value has no form as text.
    """
    is_list = isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray))
    if isinstance(value, Mapping) or (is_list and value and all(isinstance(item, Mapping) for item in value)):
        from simstudio.core.resource import encode_json

        return encode_json(value).decode()
    if not is_list:
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
        raise InvalidInputError(f"{name} cannot be sent as text: {abbreviate(value)}.")
    return str(value)


def _check_header(name: str, wire: str, value: str, *, secret: bool) -> None:
    try:
        Headers({wire: value})
    except InvalidInputError:
        given = "" if secret else f", not {abbreviate(value)}"
        raise InvalidInputError(
            f"{name} travels in a header: it must be printable ASCII without line breaks{given}."
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
