"""Checks of input that report like the server's validator (zod 3): every issue at once, each with its path.

A fatal issue means that a value could not be read at all; rules on whole objects are then not tried.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from simstudio.sandbox import jsontext

Path = tuple[str | int, ...]
Bound = tuple[int, str | None]
"""A limit, and the message for what is beyond it; None is the validator's own."""


class _Missing:
    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()
"""A value that is not there, which is not the same as null."""


@attrs.frozen
class Issue:
    """One thing that is wrong."""

    fields: Mapping[str, object]
    fatal: bool = True


Issues = list[Issue]


class Check(ABC):
    """Reads one value."""

    @abstractmethod
    def read(self, value: object, path: Path, issues: Issues) -> object:
        """The value to go on with; what is wrong with it is added to ``issues``."""


def details(check: Check, value: object) -> tuple[Any, list[object]]:
    """What a check makes of a value, and its issues as an answer lists them."""
    issues: Issues = []
    read = check.read(value, (), issues)
    return read, [issue.fields for issue in issues]


@attrs.frozen(kw_only=True)
class Text(Check):
    """A string."""

    least: Bound | None = None
    most: Bound | None = None
    pattern: tuple[str, str] | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Type, length, pattern."""
        if not isinstance(value, str):
            issues.append(_wrong_type("string", value, path))
            return value
        _check_bounds("string", len(value), self.least, self.most, path, issues)
        if self.pattern is not None and not re.fullmatch(self.pattern[0], value, re.ASCII):
            fields = {"validation": "regex", "code": "invalid_string", "message": self.pattern[1], "path": list(path)}
            issues.append(Issue(fields, fatal=False))
        return value


@attrs.frozen(kw_only=True)
class Number(Check):
    """A number.

    Args:
        least: the smallest.
        most: the largest.
        whole: the message for a fraction; None allows it.
        convert: what is done to the value first: a query holds numbers as text.
    """

    least: Bound | None = None
    most: Bound | None = None
    whole: str | None = None
    convert: Callable[[object], object] | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Type, wholeness, range."""
        number = value if self.convert is None else self.convert(value)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or math.isnan(number):
            issues.append(_wrong_type("number", number, path))
            return number
        is_whole = math.isfinite(number) and number == int(number)
        if self.whole is not None and not is_whole:
            kinds = {"code": "invalid_type", "expected": "integer", "received": "float"}
            issues.append(Issue({**kinds, "message": self.whole, "path": list(path)}, fatal=False))
        _check_bounds("number", number, self.least, self.most, path, issues)
        return int(number) if is_whole else number


@attrs.frozen
class Flag(Check):
    """True or false."""

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Type."""
        if not isinstance(value, bool):
            issues.append(_wrong_type("boolean", value, path))
        return value


@attrs.frozen
class OneOf(Check):
    """One of some texts."""

    options: tuple[str, ...]
    message: str | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Type, then membership."""
        named = " | ".join(f"'{option}'" for option in self.options)
        if not isinstance(value, str):
            issues.append(_wrong_type(named, value, path, self.message))
        elif value not in self.options:
            fields = {
                "received": value,
                "code": "invalid_enum_value",
                "options": list(self.options),
                "path": list(path),
                "message": self.message or f"Invalid enum value. Expected {named}, received '{value}'",
            }
            issues.append(Issue(fields))
        return value


@attrs.frozen(kw_only=True)
class Record(Check):
    """An object with any keys, each value read by ``values`` if there is one.

    Args:
        required: the message when it is missing.
        values: reads the values.
    """

    required: str | None = None
    values: Check | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Type, then values."""
        if not isinstance(value, Mapping):
            issues.append(_wrong_type("object", value, path, self.required if value is MISSING else None))
            return value
        if self.values is None:
            return dict(value)
        return {name: self.values.read(item, (*path, name), issues) for name, item in value.items()}


@attrs.frozen(kw_only=True)
class ListOf(Check):
    """An array."""

    item: Check
    required: str | None = None
    least: Bound | None = None
    most: Bound | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Type, length, items."""
        if not isinstance(value, list):
            issues.append(_wrong_type("array", value, path, self.required if value is MISSING else None))
            return value
        _check_bounds("array", len(value), self.least, self.most, path, issues)
        return [self.item.read(item, (*path, index), issues) for index, item in enumerate(value)]


@attrs.frozen
class Optional(Check):
    """A value that may be missing."""

    check: Check
    default: object = MISSING

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """The default, or what the check reads."""
        return self.default if value is MISSING else self.check.read(value, path, issues)


@attrs.frozen
class Shape(Check):
    """An object with known keys; others are dropped."""

    fields: Mapping[str, Check]

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """The keys that are there."""
        if not isinstance(value, Mapping):
            issues.append(_wrong_type("object", value, path))
            return value
        return {
            name: check.read(value.get(name, MISSING), (*path, name), issues) for name, check in self.fields.items()
        }


@attrs.frozen
class Ruled(Check):
    """A value that must obey a rule besides.

    Args:
        check: reads it.
        rule: true of what was read.
        message: says that it is not.
    """

    check: Check
    rule: Callable[[Any], bool]
    message: str

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """The check, then the rule unless the value could not be read."""
        found: Issues = []
        read = self.check.read(value, path, found)
        if not any(issue.fatal for issue in found) and not self.rule(read):
            found.append(Issue({"code": "custom", "message": self.message, "path": list(path)}, fatal=False))
        issues.extend(found)
        return read


@attrs.frozen
class AnyOf(Check):
    """What the first of some checks accepts.

    Without one, the issues of the first that could read the value are reported, else those of all.
    """

    checks: tuple[Check, ...]

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Try them in turn."""
        tried: list[Issues] = []
        for check in self.checks:
            found: Issues = []
            read = check.read(value, path, found)
            if not found:
                return read
            tried.append(found)
        readable = next((found for found in tried if not any(issue.fatal for issue in found)), None)
        if readable is not None:
            issues.extend(readable)
            return value
        errors = [{"issues": [issue.fields for issue in found], "name": "ZodError"} for found in tried]
        kinds = {"code": "invalid_union", "unionErrors": errors, "path": list(path), "message": "Invalid input"}
        issues.append(Issue(kinds))
        return value


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not missing."""
    return {name: value for name, value in fields.items() if value is not MISSING}


def number_or_missing(value: object) -> object:
    """A query's text as a number; what is missing or empty stays missing."""
    return MISSING if value in (None, "") or value is MISSING else as_number(value)


def as_number(value: object) -> float:
    """JavaScript's ``Number(…)`` of a query's text."""
    text = str(value).strip()
    if not text:
        return 0
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return math.nan if "_" in text or text.lower() in ("inf", "-inf", "infinity", "-infinity") else number


class Limit(Check):
    """An optional number of a query or a body, which is left out when it is missing, null or empty."""

    def __init__(self, check: Number) -> None:
        self._check = check

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """`MISSING` or the number."""
        number = number_or_missing(value)
        return number if number is MISSING else self._check.read(number, path, issues)


def _wrong_type(expected: str, value: object, path: Path, message: str | None = None) -> Issue:
    if value is MISSING:
        received, own = "undefined", "Required"
    else:
        is_nan = isinstance(value, float) and math.isnan(value)
        received = "nan" if is_nan else jsontext.type_name(value)
        own = f"Expected {expected}, received {received}"
    kinds = {"code": "invalid_type", "expected": expected, "received": received}
    return Issue({**kinds, "path": list(path), "message": message or own})


_TOO_SMALL = {
    "string": "String must contain at least {} character(s)",
    "number": "Number must be greater than or equal to {}",
    "array": "Array must contain at least {} element(s)",
}
_TOO_BIG = {
    "string": "String must contain at most {} character(s)",
    "number": "Number must be less than or equal to {}",
    "array": "Array must contain at most {} element(s)",
}


def _check_bounds(kind: str, size: float, least: Bound | None, most: Bound | None, path: Path, issues: Issues) -> None:
    if least is not None and size < least[0]:
        message = least[1] or _TOO_SMALL[kind].format(least[0])
        issues.append(_beyond("too_small", "minimum", least[0], kind, message, path))
    if most is not None and size > most[0]:
        message = most[1] or _TOO_BIG[kind].format(most[0])
        issues.append(_beyond("too_big", "maximum", most[0], kind, message, path))


def _beyond(code: str, name: str, bound: int, kind: str, message: str, path: Path) -> Issue:
    kinds = {"type": kind, "inclusive": True, "exact": False}
    return Issue({"code": code, name: bound, **kinds, "message": message, "path": list(path)}, fatal=False)
