"""The notation the API's reference gives types in, and whether a JSON value has such a type.

``{name:string,count?:number}[]``, ``'a'|'b'|null``, ``map<any>``: objects (``?`` marks what may be missing), arrays,
unions, literals, maps. In a union of objects a final ``[]`` belongs to all of them: ``{…}|{…}[]`` is a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import attrs

from simstudio.sandbox.jsontext import type_name

Json = Any
"""A parsed JSON value."""

Path = tuple["str | int", ...]

_TOKEN = re.compile(
    r"""\s*(
        '(?:[^'\\]|\\.)*' | <recursive> | -?\d+ | \[\]
        | [A-Za-z_$][\w$-]*(?::date(?:-time)?)?
        | [{}()|&<>,?:\[\]]
    )""",
    re.VERBOSE,
)


@attrs.frozen
class Issue:
    """What is wrong at one place of a value."""

    path: Path
    expected: str
    received: str

    def json(self) -> dict[str, object]:
        """As the server's validator reports it."""
        missing = self.received == "undefined"
        message = "Required" if missing else f"Expected {self.expected}, received {self.received}"
        return {
            "code": "invalid_type",
            "expected": self.expected,
            "received": self.received,
            "path": list(self.path),
            "message": message,
        }


@attrs.frozen
class Shape:
    """A parsed type: its name for messages, and the check."""

    text: str
    check: Callable[[Json, Path], list[Issue]]
    fields: tuple[str, ...] | None = None
    """The names of an object; None for anything else."""
    item: Shape | None = None
    """What an array holds; None for anything else."""

    def issues(self, value: Json, path: Path = ()) -> list[Issue]:
        """What is wrong with a value; empty when nothing is."""
        return self.check(value, path)


@cache
def shape(text: str) -> Shape:
    """Parse a type.

    Raises:
        ValueError: the text is no type.
    """
    parser = _Parser(text)
    parsed = parser.union()
    parser.end()
    return parsed


class _Parser:
    """Recursive descent over the notation."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0

    def union(self) -> Shape:
        members = [self._intersection()]
        while self._accept("|"):
            members.append(self._intersection())
        if len(members) == 1:
            return members[0]
        last = members[-1]
        inner = last.item
        if inner is not None and all(member.fields is not None for member in (inner, *members[:-1])):
            return _array(_union([*members[:-1], inner]))
        return _union(members)

    def _intersection(self) -> Shape:
        first = self._postfix()
        while self._accept("&"):
            self._postfix()  # only ever `map<any>`: more keys are allowed, as they are anyway
        return first

    def _postfix(self) -> Shape:
        item = self._atom()
        while self._accept("[]"):
            item = _array(item)
        return item

    def _atom(self) -> Shape:
        word = self._next()
        if word == "{":
            return self._object()
        if word == "(":
            inner = self.union()
            self._expect(")")
            return inner
        if word.startswith("'"):
            return _literal(word, word[1:-1])
        if word == "map":
            self._expect("<")
            inner = self.union()
            self._expect(">")
            return _map(inner)
        if word in ("any", "<recursive>"):
            return Shape("any", _anything)
        if word.lstrip("-").isdecimal():
            return _literal(word, int(word))
        if word in ("true", "false"):
            return _literal(word, word == "true")
        return _primitive(word.partition(":")[0], self._text)

    def _object(self) -> Shape:
        fields: dict[str, tuple[bool, Shape]] = {}
        while not self._accept("}"):
            name = self._next().strip("'")
            optional = self._accept("?")
            self._expect(":")
            fields[name] = (optional, self.union())
            if not self._accept(","):
                self._expect("}")
                break
        return _object(fields)

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise ValueError(f"{self._text!r} is no type: {self._tokens[self._at]!r} is left over")

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise ValueError(f"{self._text!r} is no type: it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, word: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == word
        self._at += found
        return found

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise ValueError(f"{self._text!r} is no type: {word!r} is missing")


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text!r} is no type: it stops making sense at {text[at : at + 10]!r}")
        yield match[1]
        at = match.end()


def _issue(path: Path, expected: str, value: Json) -> Issue:
    return Issue(path, expected, type_name(value))


def _anything(value: Json, path: Path) -> list[Issue]:
    del value, path
    return []


def _literal(text: str, wanted: str | int) -> Shape:
    def check(value: Json, path: Path) -> list[Issue]:
        same = type(value) is type(wanted) and value == wanted
        return [] if same else [_issue(path, text, value)]

    return Shape(text, check)


def _primitive(name: str, text: str) -> Shape:
    kinds = {"string": ("string",), "number": ("number",), "integer": ("number",), "boolean": ("boolean",)}
    kinds |= {"null": ("null",), "object": ("object",)}
    if name not in kinds:
        raise ValueError(f"{text!r} is no type: {name!r} is unknown")
    allowed = kinds[name]

    def check(value: Json, path: Path) -> list[Issue]:
        whole = name != "integer" or isinstance(value, int)
        return [] if type_name(value) in allowed and whole else [_issue(path, name, value)]

    return Shape(name, check)


def _array(item: Shape) -> Shape:
    def check(value: Json, path: Path) -> list[Issue]:
        if not isinstance(value, list):
            return [_issue(path, "array", value)]
        return [issue for number, each in enumerate(value) for issue in item.check(each, (*path, number))]

    return Shape(f"{item.text}[]", check, item=item)


def _map(item: Shape) -> Shape:
    def check(value: Json, path: Path) -> list[Issue]:
        if not isinstance(value, dict):
            return [_issue(path, "object", value)]
        return [issue for key, each in value.items() for issue in item.check(each, (*path, key))]

    return Shape(f"map<{item.text}>", check)


def _object(fields: dict[str, tuple[bool, Shape]]) -> Shape:
    def check(value: Json, path: Path) -> list[Issue]:
        if not isinstance(value, dict):
            return [_issue(path, "object", value)]
        issues: list[Issue] = []
        for name, (optional, inner) in fields.items():
            if name in value:
                issues += inner.check(value[name], (*path, name))
            elif not optional and inner.text != "any":
                issues.append(Issue((*path, name), inner.text, "undefined"))
        return issues

    shown = ",".join(f"{name}{'?' * optional}:{inner.text}" for name, (optional, inner) in fields.items())
    return Shape(f"{{{shown}}}", check, tuple(fields))


def _union(members: list[Shape]) -> Shape:
    text = "|".join(member.text for member in members)

    def check(value: Json, path: Path) -> list[Issue]:
        found = [member.check(value, path) for member in members]
        if any(not issues for issues in found):
            return []
        nearest = max(found, key=lambda issues: min(len(issue.path) for issue in issues))
        deeper = min(len(issue.path) for issue in nearest) > len(path)
        return nearest if deeper else [_issue(path, text, value)]

    return Shape(text, check)
