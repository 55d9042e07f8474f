"""Checks of JSON and query values that report like Sim's validator, zod: every issue at once, each with its path.

A check is written by hand where the server has words of its own (v1), or is made from the annotation of the client's
method (:mod:`simstudio.sandbox.signatures`, v2). An :class:`Issue` holds facts only; :mod:`simstudio.sandbox.zod` puts
them into words. A fatal issue means that a value has another type: rules on its object are not tried.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

Path: TypeAlias = tuple[str | int, ...]
Bound: TypeAlias = tuple[int | float, str | None]
"""A limit, and the message for values beyond it; None for the validator's own message."""


class _Missing:
    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()
"""A value that is absent, unlike null."""


@attrs.frozen
class Issue:
    """One thing that is wrong.

    Attributes:
        message: None for the validator's own message.
        facts: Facts of the kind: ``expected`` and ``value``, ``bound`` and ``unit`` …
        fatal: Whether the value has another type.
    """

    code: Literal["type", "enum", "small", "big", "pattern", "union", "unknown", "custom"]
    path: Path
    message: str | None
    facts: Mapping[str, Any] = attrs.field(factory=dict)
    fatal: bool = True


Issues: TypeAlias = list[Issue]


@attrs.frozen(kw_only=True)
class Check(ABC):
    """Reads one value.

    Attributes:
        missing: Message if there is no value; None for the validator's own.
    """

    missing: str | None = None

    @abstractmethod
    def read(self, value: object, path: Path, issues: Issues) -> Any:
        """Return the value as operations get it, and append its issues to ``issues``."""

    def _wrong_type(self, expected: str, value: object, path: Path) -> Issue:
        return Issue("type", path, self.missing if value is MISSING else None, {"expected": expected, "value": value})


@attrs.frozen
class Anything(Check):
    """Any value, or none."""

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """The value."""
        del path, issues
        return value


@attrs.frozen(kw_only=True)
class Text(Check):
    """A string."""

    least: Bound | None = None
    most: Bound | None = None
    pattern: tuple[str, str] | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Check type, length and pattern."""
        if not isinstance(value, str):
            issues.append(self._wrong_type("string", value, path))
            return value
        _check_bounds("string", len(value), self.least, self.most, path, issues)
        if self.pattern is not None and not re.fullmatch(self.pattern[0], value, re.ASCII):
            issues.append(Issue("pattern", path, self.pattern[1], {"pattern": self.pattern[0]}, fatal=False))
        return value


@attrs.frozen(kw_only=True)
class Number(Check):
    """A number.

    Attributes:
        whole: Whether a fraction is refused; a text is the message.
        invalid: Message for a text that is not a number.
    """

    least: Bound | None = None
    most: Bound | None = None
    whole: bool | str = False
    invalid: str | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Check type, wholeness and range."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
            issue = self._wrong_type("number", value, path)
            issues.append(attrs.evolve(issue, message=self.invalid) if isinstance(value, float) else issue)
            return value
        is_whole = math.isfinite(value) and value == int(value)
        if self.whole and not is_whole:
            message = self.whole if isinstance(self.whole, str) else None
            issues.append(Issue("type", path, message, {"expected": "integer", "value": value}, fatal=False))
        _check_bounds("number", value, self.least, self.most, path, issues)
        return int(value) if is_whole else value


@attrs.frozen
class Flag(Check):
    """True or false."""

    message: str | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Check the type."""
        if not isinstance(value, bool):
            issues.append(Issue("type", path, self.message, {"expected": "boolean", "value": value}))
        return value


@attrs.frozen
class OneOf(Check):
    """One of some texts."""

    options: tuple[str, ...]
    message: str | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Check membership."""
        if value not in self.options:
            issues.append(Issue("enum", path, self.message, {"options": self.options, "value": value}))
        return value


@attrs.frozen(kw_only=True)
class Record(Check):
    """An object with any keys."""

    values: Check = Anything()

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Check type and values."""
        if not isinstance(value, Mapping):
            issues.append(self._wrong_type("record", value, path))
            return value
        return {name: self.values.read(item, (*path, name), issues) for name, item in value.items()}


@attrs.frozen(kw_only=True)
class ListOf(Check):
    """An array."""

    item: Check
    least: Bound | None = None
    most: Bound | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Check type, length and items."""
        if not isinstance(value, list):
            issues.append(self._wrong_type("array", value, path))
            return value
        _check_bounds("array", len(value), self.least, self.most, path, issues)
        return [self.item.read(item, (*path, index), issues) for index, item in enumerate(value)]


@attrs.frozen
class Optional(Check):
    """A value that may be missing."""

    check: Check
    default: object = MISSING

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Return the default, or what the check reads."""
        return self.default if value is MISSING else self.check.read(value, path, issues)


@attrs.frozen
class Nullable(Check):
    """A value that may be null."""

    check: Check

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Return None, or what the check reads."""
        return None if value is None else self.check.read(value, path, issues)


@attrs.frozen
class Parsed(Check):
    """A text that stands for another value, as in a query; ``parse`` may raise a ValueError with a message."""

    parse: Callable[[Any], object]
    check: Check

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Parse the text, then check the value."""
        if value is not MISSING:
            try:
                value = self.parse(value)
            except ValueError as error:
                issues.append(Issue("custom", path, str(error)))
                return value
        return self.check.read(value, path, issues)


@attrs.frozen
class Shape(Check):
    """An object with known keys.

    Attributes:
        fields: Checks by key.
        others: Treatment of other keys.
    """

    fields: Mapping[str, Check]
    others: Literal["drop", "keep", "refuse"] = "drop"

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Return the keys that are there, and defaults."""
        if not isinstance(value, Mapping):
            issues.append(self._wrong_type("object", value, path))
            return value
        others = [name for name in value if name not in self.fields]
        found = {
            name: check.read(value.get(name, MISSING), (*path, name), issues) for name, check in self.fields.items()
        }
        if others and self.others == "refuse":
            issues.append(Issue("unknown", path, None, {"keys": others}))
        if self.others == "keep":
            found |= {name: value[name] for name in others}
        return {name: item for name, item in found.items() if item is not MISSING}


@attrs.frozen
class Ruled(Check):
    """A value that must also obey a rule.

    Attributes:
        check: Reads the value.
        rule: Whether what was read is right.
        message: Message if it is not.
    """

    check: Check
    rule: Callable[[Any], bool]
    message: str

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Read the value, then try the rule unless the value has another type."""
        found: Issues = []
        read = self.check.read(value, path, found)
        if not any(issue.fatal for issue in found) and not self.rule(read):
            found.append(Issue("custom", path, self.message, fatal=False))
        issues.extend(found)
        return read


@attrs.frozen
class AnyOf(Check):
    """A value that one of several checks accepts; the first that does converts it.

    If none does, the issues of the first check whose type fits are reported, else those of all.

    Attributes:
        message: Message if none accepts it; None for the validator's own.
    """

    checks: tuple[Check, ...]
    message: str | None = None

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Try the checks in turn."""
        tried: list[Issues] = []
        for check in self.checks:
            found: Issues = []
            read = check.read(value, path, found)
            if not found:
                return read
            tried.append(found)
        readable = next((found for found in tried if not any(issue.fatal for issue in found)), None)
        issues.extend(readable or [Issue("union", path, self.message, {"tried": tried})])
        return value


@attrs.frozen
class Tagged(Check):
    """An object of one of several shapes; the text under one key names it."""

    key: str
    shapes: Mapping[str, Check]

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Read the value with the check that its tag names."""
        if not isinstance(value, Mapping):
            issues.append(self._wrong_type("object", value, path))
            return value
        tag = value.get(self.key, MISSING)
        if not isinstance(tag, str) or tag not in self.shapes:
            issues.append(Issue("union", (*path, self.key), None, {"tried": []}))
            return value
        return self.shapes[tag].read(value, path, issues)


@attrs.frozen
class Limit(Check):
    """An optional number of a query or body; null and empty text count as missing."""

    check: Number

    def read(self, value: object, path: Path, issues: Issues) -> object:
        """Return `MISSING` or the number."""
        if value in (None, "") or value is MISSING:
            return MISSING
        return self.check.read(as_number(value), path, issues)


def as_number(value: object) -> float:
    """Convert a text like JavaScript's ``Number(…)``."""
    text = str(value).strip()
    if not text:
        return 0
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return math.nan if "_" in text or text.lower() in ("inf", "-inf", "infinity", "-infinity") else number


def _check_bounds(unit: str, size: float, least: Bound | None, most: Bound | None, path: Path, issues: Issues) -> None:
    if least is not None and size < least[0]:
        issues.append(Issue("small", path, least[1], {"bound": least[0], "unit": unit}, fatal=False))
    if most is not None and size > most[0]:
        issues.append(Issue("big", path, most[1], {"bound": most[0], "unit": unit}, fatal=False))
