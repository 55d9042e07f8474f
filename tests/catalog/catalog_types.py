"""The type grammar of the digest, parsed: ``{id:string,tags?:string[]}|null`` and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

_TOKEN = re.compile(r"'[^']*'|<recursive>|[A-Za-z][A-Za-z0-9_/-]*(?::(?:date-time|binary))?\??|[0-9]+|[{}()<>\[\],:|&]")


@attrs.frozen
class Scalar:
    """``string``, ``number``, ``integer``, ``boolean``, ``null``, ``any``, ``object``, or one with a format."""

    name: str


@attrs.frozen
class Literal:
    """One value: a text, a number, or true."""

    value: Any


@attrs.frozen
class Array:
    """A list."""

    of: Type


@attrs.frozen
class Table:
    """``map<T>``: an object with any keys."""

    of: Type


@attrs.frozen
class Record:
    """An object with known fields: type, and whether it may be absent."""

    fields: Mapping[str, tuple[Type, bool]]


@attrs.frozen
class Union:
    """One of several."""

    options: tuple[Type, ...]


Type = Scalar | Literal | Array | Table | Record | Union
NULL = Scalar("null")


def parse(text: str) -> Type:
    """The type that a text of the digest names."""
    tokens = _TOKEN.findall(text)
    assert "".join(tokens) == text, f"the grammar has no name for something in {text!r}"
    found = _union(tokens)
    assert not tokens, f"left over in {text!r}: {tokens}"
    return found


def options(kind: Type) -> tuple[Type, ...]:
    """The options of a union, or the type alone."""
    return kind.options if isinstance(kind, Union) else (kind,)


def without_null(kind: Type) -> Type:
    """The type without null."""
    return union(*(each for each in options(kind) if each != NULL))


def union(*kinds: Type) -> Type:
    """One type of several."""
    flat = tuple(each for kind in kinds for each in options(kind))
    return flat[0] if len(flat) == 1 else Union(flat)


def _union(tokens: list[str]) -> Type:
    found = [_suffixed(tokens)]
    while tokens and tokens[0] == "|":
        tokens.pop(0)
        found.append(_suffixed(tokens))
    *records, last = found
    if records and isinstance(last, Array) and all(isinstance(each, Record) for each in (*records, last.of)):
        return Array(union(*records, last.of))  # `A|B[]` means an array of A or B
    return union(*found)


def _suffixed(tokens: list[str]) -> Type:
    found = _atom(tokens)
    while tokens[:1] in (["["], ["&"]):
        if tokens.pop(0) == "&":  # with a map: other fields may be there too
            _atom(tokens)
        else:
            assert tokens.pop(0) == "]"
            found = Array(found)
    return found


def _atom(tokens: list[str]) -> Type:
    token = tokens.pop(0)
    if token == "(":
        found = _union(tokens)
        assert tokens.pop(0) == ")"
        return found
    if token == "{":
        return _record(tokens)
    if token == "map":
        assert tokens.pop(0) == "<"
        found = Table(_union(tokens))
        assert tokens.pop(0) == ">"
        return found
    if token == "<recursive>":
        return Array(Scalar("any"))
    if token == "true":
        return Literal(True)
    if token.isdigit():
        return Literal(int(token))
    return Literal(token[1:-1]) if token.startswith("'") else Scalar(token)


def _record(tokens: list[str]) -> Record:
    fields: dict[str, tuple[Type, bool]] = {}
    while tokens[0] != "}":
        name = tokens.pop(0)
        assert tokens.pop(0) == ":"
        fields[name.rstrip("?")] = (_union(tokens), name.endswith("?"))
        if tokens[0] == ",":
            tokens.pop(0)
    tokens.pop(0)
    return Record(fields)
