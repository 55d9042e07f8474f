"""Checks of requests of v2, made from the signatures of the client's methods.

The annotation of a parameter tells type and limits, its default whether it is required, and its route where it is
sent and under which name (:mod:`simstudio.core.routes`). Typed dicts become shapes, and unions of typed dicts are told
apart by the key that is a ``Literal`` in each.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import attrs

from simstudio.core.options import Unset
from simstudio.core.parameters import Bounds
from simstudio.sandbox.checks import (
    MISSING,
    AnyOf,
    Anything,
    Check,
    Flag,
    Issues,
    ListOf,
    Nullable,
    Number,
    OneOf,
    Optional,
    Parsed,
    Path,
    Record,
    Shape,
    Tagged,
    Text,
    as_number,
)

if TYPE_CHECKING:
    from simstudio.core.routes import Route

_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_SPELLED = {
    **dict.fromkeys(("true", "1", "yes", "on", "y", "enabled"), True),
    **dict.fromkeys(("false", "0", "no", "off", "n", "disabled"), False),
}
_OWN_MESSAGES = {"workspaceId": "Workspace ID is required"}


@attrs.frozen
class Signature:
    """What one method of the client sends.

    Attributes:
        defaults: The server's defaults by wire name.
        spelled: Wire names of flags for which the server also accepts words such as ``yes``.
        clamped: Wire names of numbers that the server moves into their limits.
        texts: Wire names of texts whose form the function checks: dates that may be days.
    """

    route: Route
    defaults: Mapping[str, object]
    spelled: tuple[str, ...] = ()
    clamped: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, method: Any, defaults: Mapping[str, object], **options: Any) -> Signature:
        """Read a method of a resource's class."""
        return cls(method.flow.route, defaults, **options)

    def checks(self) -> dict[str, Check]:
        """Return the checks of path, query and body; no body if none is sent."""
        route = self.route
        hints = get_type_hints(route.function, include_extras=True)
        given = inspect.signature(route.function).parameters
        places: dict[str, dict[str, Check]] = {"path": {}, "query": {}}
        for name, parameter in route.parameters.items():
            wire, place = parameter.wire, parameter.place
            if place == "header":
                continue
            check = self._check(wire, hints[name], is_text=place != "body")
            if given[name].default is not inspect.Parameter.empty:
                check = Optional(check, self.defaults.get(wire, MISSING))
            places.setdefault(place, {})[wire] = check
        return {place: Shape(fields, "refuse") for place, fields in places.items()}

    def _check(self, wire: str, annotation: Any, *, is_text: bool) -> Check:
        if wire in self.texts:
            return Text()
        if wire in self.spelled:
            return Spelled()
        check = check_of(annotation, wire if is_text else "", missing=_OWN_MESSAGES.get(wire))
        return Clamped(check) if wire in self.clamped else check


def check_of(annotation: Any, name: str = "", bounds: Bounds | None = None, missing: str | None = None) -> Check:
    """Make the check of an annotation.

    Args:
        name: Name of the parameter of a path or query, which is a text; empty for JSON.
        bounds: Limits that an outer annotation tells.
    """
    if get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
        bounds = next((mark for mark in marks if isinstance(mark, Bounds)), bounds)
    members = list(get_args(annotation)) if get_origin(annotation) in (Union, UnionType) else [annotation]
    if name and datetime in members:
        return Parsed(partial(_moment, name), Number(missing=missing))
    kinds = [each for each in members if each not in (NoneType, Unset, datetime) and not _is_model(each)]
    shapes = [each for each in kinds if is_typeddict(each)]
    if shapes:
        kinds = shapes  # the client accepts any mapping beside a typed dict, the server does not
    if len(kinds) > 1:
        check: Check = _tagged(kinds) if shapes else AnyOf(tuple(check_of(each, name, bounds) for each in kinds))
    else:
        check = _check_of_kind(kinds[0], name, bounds, missing)
    return Nullable(check) if NoneType in members and not name else check


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and attrs.has(kind)


def _check_of_kind(kind: Any, name: str, bounds: Bounds | None, missing: str | None) -> Check:
    origin = get_origin(kind) or kind
    if origin is Annotated:
        return check_of(kind, name, bounds, missing)
    if origin is Any or origin is object:
        return Optional(Anything())
    if is_typeddict(kind):
        return _shape(kind)
    if origin is Literal:
        return OneOf(get_args(kind))
    least, most = _limits(name, bounds)
    if origin is str:
        return Text(least=least, most=most, missing=missing)
    if origin is bool:
        return Parsed(_boolean, Flag("must be a boolean (true/false)")) if name else Flag()
    if origin in (int, float):
        return _number(name, least, most, whole=origin is int)
    if issubclass(origin, Mapping):
        return Record(values=check_of((*get_args(kind), Any, Any)[1]))
    if issubclass(origin, Sequence):
        listed = ListOf(item=check_of((*get_args(kind), Any)[0]), least=least, most=most)
        return Parsed(_split, listed) if name else listed
    raise TypeError(f"the sandbox cannot check {kind}")


def _limits(
    name: str, bounds: Bounds | None
) -> tuple[tuple[float, str | None] | None, tuple[float, str | None] | None]:
    """Limits with the messages that the server has for numbers of queries."""
    if bounds is None:
        return None, None
    is_number = bool(name) and not bounds.unit
    small, big = (f"{name} must be at least {bounds.low}", f"{name} cannot exceed {bounds.high}")
    low = None if bounds.low is None else (bounds.low, small if is_number else None)
    high = None if bounds.high is None else (bounds.high, big if is_number else None)
    return low, high


def _number(name: str, least: Any, most: Any, *, whole: bool) -> Check:
    if not name:
        return Number(least=least, most=most, whole=whole)
    message = f"{name} must be a whole number" if whole else False
    number = Number(least=least, most=most, whole=message, invalid=f"{name} must be a number")
    return Parsed(as_number, number)


def _shape(kind: Any) -> Shape:
    """The shape of a typed dict; other keys are allowed."""
    hints = get_type_hints(kind, include_extras=True)
    checks = {name: check_of(hint) for name, hint in hints.items()}
    required = kind.__required_keys__
    return Shape({name: each if name in required else Optional(each) for name, each in checks.items()}, "keep")


def _tagged(kinds: list[Any]) -> Check:
    hints = [get_type_hints(kind) for kind in kinds]
    key = next((name for name, hint in hints[0].items() if get_origin(hint) is Literal), None)
    if key is None or not all(get_origin(each.get(key)) is Literal for each in hints):
        return AnyOf(tuple(map(_shape, kinds)))
    tags = [word for each in hints for word in get_args(each[key])]
    if len(set(tags)) < len(tags):
        return AnyOf(tuple(map(_shape, kinds)))
    return Tagged(
        key, {word: _shape(kind) for kind, each in zip(kinds, hints, strict=True) for word in get_args(each[key])}
    )


@attrs.frozen
class Clamped(Check):
    """A number that is moved into its limits."""

    check: Check

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Read the number, and drop issues about its limits."""
        found = Issues()
        number = self.check.read(value, path, found)
        beyond = next((each for each in found if each.code in ("small", "big")), None)
        if beyond is not None:
            return beyond.facts["bound"]
        issues.extend(found)
        return number


@attrs.frozen
class Spelled(Check):
    """A flag that may be written as a word."""

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Return True or False."""
        return _SPELLED.get(str(OneOf(tuple(_SPELLED)).read(value, path, issues)), value)


def _boolean(text: str) -> bool | str:
    return _BOOLEANS.get(text, text)


def _split(text: str) -> list[str]:
    members = [member.strip() for member in text.split(",")]
    if not all(members):
        raise ValueError("A comma-separated list must not have an empty member")
    return members


def _moment(name: str, text: str) -> float:
    return moment(text, name)


def moment(text: str, name: str = "date") -> float:
    """Convert an ISO 8601 timestamp in UTC, with ``Z``, to epoch seconds.

    Raises:
        ValueError: The text is none; offsets and bare dates are refused.
    """
    if _UTC.fullmatch(text) is not None:
        whole, _, fraction = text[:-1].partition(".")
        try:
            return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")
        except ValueError:
            pass
    raise ValueError(f"{name} must be a UTC ISO 8601 timestamp, e.g. 2026-08-06T00:00:00Z")
