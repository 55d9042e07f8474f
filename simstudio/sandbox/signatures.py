"""Checks of requests of v2, made from the signatures of the client's methods.

The annotation of a parameter gives type and limits, its default whether it is required, and its route the place and
the name under which it is sent (:mod:`simstudio.core.routes`). Typed dicts become shapes, and unions of typed dicts
are distinguished by the key that is a ``Literal`` in each.
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
from simstudio.core.parameters import Bounds, Sent
from simstudio.resources.folder_paths import FolderPaths, encode_folder_path
from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import (
    MISSING,
    AnyOf,
    Anything,
    Bound,
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
    Ruled,
    Shape,
    Tagged,
    Text,
    as_number,
)
from simstudio.sandbox.definitions.folders import ROOT, is_canonical

if TYPE_CHECKING:
    from simstudio.core.routes import Route

_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_SPELLED = {
    **dict.fromkeys(("true", "1", "yes", "on", "y", "enabled"), True),
    **dict.fromkeys(("false", "0", "no", "off", "n", "disabled"), False),
}
_FOLDERS = get_args(FolderPaths)[1]
_OWN_MESSAGES = {"workspaceId": "Workspace ID is required", "name": "name is required"}


@attrs.frozen
class Signature:
    """The request that one method of the client sends.

    Attributes:
        defaults: The server's defaults by wire name.
        spelled: Wire names of flags for which the server also accepts words such as ``yes``.
        clamped: Wire names of numbers that the server replaces by the nearest limit.
        bounds: Limits by wire name that the documents lack.
        own: Checks by wire name that replace those of the annotations.
        more: Checks of optional keys of the body that the method never sends.
        body: Check of the whole body, where more than one method of the client sends the operation.
    """

    route: Route
    defaults: Mapping[str, object]
    spelled: tuple[str, ...] = ()
    clamped: tuple[str, ...] = ()
    bounds: Mapping[str, Bounds] = attrs.field(factory=dict)
    own: Mapping[str, Check] = attrs.field(factory=dict)
    more: Mapping[str, Check] = attrs.field(factory=dict)
    body: Check | None = None

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
            if place == "header" or (place == "body" and self.body is not None):
                continue
            check = self._check(wire, hints[name], place)
            if given[name].default is not inspect.Parameter.empty and not isinstance(check, Optional):
                check = Optional(check, self.defaults.get(wire, MISSING))
            places.setdefault(place, {})[wire] = check
        for wire, check in self.more.items():
            places["body"][wire] = Optional(check)
        checks: dict[str, Check] = {place: Shape(fields, "refuse") for place, fields in places.items()}
        return checks if self.body is None else {**checks, "body": self.body}

    def _check(self, wire: str, annotation: Any, place: str) -> Check:
        if wire in self.own:
            return self.own[wire]
        if wire in self.spelled:
            return Spelled()
        check = _Annotation(wire, place).check(annotation, self.bounds.get(wire), _OWN_MESSAGES.get(wire))
        return Clamped(check) if wire in self.clamped else check


@attrs.frozen
class _Annotation:
    """Makes checks of annotations.

    Attributes:
        name: Wire name of the parameter; empty inside of a JSON value.
        place: ``query`` and ``path`` hold texts, ``body`` holds JSON.
    """

    name: str = ""
    place: str = "body"

    @property
    def is_text(self) -> bool:
        """Whether the value comes as a text."""
        return self.place != "body"

    def check(self, annotation: Any, bounds: Bounds | None = None, missing: str | None = None) -> Check:
        """The check of an annotation; ``bounds`` are those of an annotation around it."""
        if get_origin(annotation) is Annotated:
            annotation, *marks = get_args(annotation)
            bounds = next((mark for mark in marks if isinstance(mark, Bounds)), bounds)
            if any(isinstance(mark, Sent) and mark.convert is encode_folder_path for mark in marks):
                return self._folder()
            if _FOLDERS in marks:
                annotation = Sequence[str]  # the client also accepts lists of names as items
        members = list(get_args(annotation)) if get_origin(annotation) in (Union, UnionType) else [annotation]
        if self.is_text and datetime in members:
            return Parsed(self._moment, Number(missing=missing))
        kinds = [each for each in members if each not in (NoneType, Unset, datetime) and not _is_model(each)]
        shapes = [each for each in kinds if is_typeddict(each)]
        if shapes:
            kinds = shapes  # the client accepts any mapping beside a typed dict, the server does not
        if len(kinds) == 1:
            check = self._check_of_kind(kinds[0], bounds, missing)
        else:
            check = _tell_apart(kinds) if shapes else AnyOf(tuple(self.check(each, bounds) for each in kinds))
        return Nullable(check) if NoneType in members and not self.is_text else check

    def _check_of_kind(self, kind: Any, bounds: Bounds | None, missing: str | None) -> Check:
        origin = get_origin(kind) or kind
        if origin is Annotated:
            return self.check(kind, bounds, missing)
        if origin is Any or origin is object:
            return Optional(Anything())
        if is_typeddict(kind):
            return _shape(kind)
        if origin is Literal:
            return OneOf(get_args(kind))
        least, most = self._limits(bounds)
        if origin is str:
            return Text(least=least, most=most, missing=missing)
        if origin is bool:
            return Parsed(_boolean, Flag("must be a boolean (true/false)")) if self.is_text else Flag()
        if origin in (int, float):
            return self._number(least, most, whole=origin is int)
        if issubclass(origin, Mapping):
            return Record(values=_INNER.check((*get_args(kind), Any, Any)[1]))
        if issubclass(origin, Sequence):
            return self._list((*get_args(kind), Any)[0], least, most)
        raise TypeError(f"the sandbox cannot check {kind}")

    def _limits(self, bounds: Bounds | None) -> tuple[Bound | None, Bound | None]:
        """Limits, with the messages that the server has for numbers of a query and lists of a body."""
        if bounds is None:
            return None, None
        small = big = None
        if self.place == "query" and not bounds.unit:
            small, big = f"{self.name} must be at least {bounds.low}", f"{self.name} cannot exceed {bounds.high}"
        elif self.name and bounds.unit == "items":
            small, big = f"{self.name} cannot be empty", f"{self.name} cannot exceed {bounds.high} entries"
        elif self.name and bounds.unit:
            small, big = f"{self.name} is required", f"{self.name} is too long"
        low = None if bounds.low is None else (bounds.low, small)
        return low, None if bounds.high is None else (bounds.high, big)

    def _folder(self) -> Check:
        """The path of a folder; the root is refused under names of folders that are made, moved or deleted."""
        path = Ruled(Text(), is_canonical, "Path must be a canonical folder path")
        if self.name not in ("path", "destinationPath"):
            return path
        return Ruled(path, lambda path: path != ROOT, "The root path cannot be mutated")

    def _number(self, least: Bound | None, most: Bound | None, *, whole: bool) -> Check:
        if self.place != "query":
            number = Number(least=least, most=most, whole=whole)
        else:
            message = f"{self.name} must be a whole number" if whole else False
            number = Number(least=least, most=most, whole=message, invalid=f"{self.name} must be a number")
        return Parsed(as_number, number) if self.is_text else number

    def _list(self, item: Any, least: Bound | None, most: Bound | None) -> Check:
        listed = ListOf(item=_INNER.check(item), least=least, most=most)
        if not self.is_text:
            return listed
        if any(is_typeddict(each) for each in (item, *get_args(item))):
            return Parsed(self._parse_json, listed)
        words = get_args(item) if get_origin(item) is Literal else ()
        return Parsed(partial(self._split, words), listed)

    def _split(self, words: tuple[str, ...], text: str) -> list[str]:
        members = [member.strip() for member in text.split(",")]
        if not all(members):
            raise ValueError(f"{self.name} must not contain an empty entry")
        if words and not set(members) <= set(words):
            options = " | ".join(f'"{word}"' for word in words)
            raise ValueError(f"{self.name}: expected one or more of {options}")
        return members

    def _parse_json(self, text: str) -> object:
        try:
            return jsontext.loads(text.encode())
        except ValueError:
            raise ValueError(f"{self.name} must be valid JSON") from None

    def _moment(self, text: str) -> float:
        try:
            if _UTC.fullmatch(text) is not None:
                whole, _, fraction = text[:-1].partition(".")
                return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or 0}")
        except ValueError:
            pass
        raise ValueError(f"{self.name} must be a UTC ISO 8601 timestamp, e.g. 2026-08-06T00:00:00Z")


_INNER = _Annotation()


def one_of(name: str, *options: str) -> OneOf:
    """The check of an enumeration whose message names the parameter."""
    listed = " | ".join(f'"{option}"' for option in options)
    return OneOf(options, f"{name}: expected one of {listed}")


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and attrs.has(kind)


def _shape(kind: Any) -> Shape:
    """The shape of a typed dict; other keys are allowed."""
    checks = {name: _INNER.check(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}
    required = kind.__required_keys__
    return Shape({name: each if name in required else Optional(each) for name, each in checks.items()}, "keep")


def _tell_apart(kinds: list[Any]) -> Check:
    """The check of typed dicts that a key with a ``Literal`` distinguishes, else of any of them."""
    hints = [get_type_hints(kind) for kind in kinds]
    shapes = [_shape(kind) for kind in kinds]
    for key in hints[0]:
        words = [get_args(each[key]) for each in hints if get_origin(each.get(key)) is Literal]
        if len(words) == len(kinds) == len({word for each in words for word in each}):
            return Tagged(key, {word: shape for (word,), shape in zip(words, shapes, strict=True)})
    return AnyOf(tuple(shapes))


@attrs.frozen
class Clamped(Check):
    """A number that is rounded, and replaced by the nearest limit."""

    check: Check

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Read the number, and drop issues about its limits and its fraction."""
        found = Issues()
        number = self.check.read(value, path, found)
        beyond = next((each for each in found if each.code in ("small", "big")), None)
        if beyond is not None:
            return beyond.facts["bound"]
        if isinstance(number, float) and [each.facts.get("expected") for each in found] == ["integer"]:
            return int(number)
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
