"""JSON as the server's JavaScript reads and writes it.

Every number is a double there: an integer beyond 2**53 loses digits, what is too large becomes ``null``, and a whole
number is written without a fraction. Text is compact and not ASCII-escaped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

_EXACT_DIGITS = 15
_FIXED_NOTATION_BELOW = 1e21


def loads(data: bytes) -> object:
    """Parse one JSON text.

    Raises:
        ValueError: the text is not JSON; ``NaN`` and ``Infinity`` are not.
    """
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        result: object = json.loads(text, parse_int=_integer, parse_float=_double_of, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return result


def dumps(value: object, *, indent: int | None = None) -> str:
    """Write the result of `plain`, compact without ``indent``."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(value, ensure_ascii=False, separators=separators, indent=indent, allow_nan=False)


def encode(value: object) -> bytes:
    """`plain`, `dumps` and UTF-8 in one step; a lone surrogate is escaped, as JSON.stringify does."""
    value = plain(value)
    try:
        return dumps(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def plain(value: object) -> object:
    """Copy a value into dicts, lists and JavaScript numbers.

    Raises:
        TypeError: something in it has no JSON form; the message names its type.
    """
    return copy_value(value, _scalar)


def copy_value(value: object, scalar: Callable[[object], object]) -> object:
    """Copy a value of any depth: mappings and sequences into dicts and lists, other values by a function.

    Raises:
        TypeError: a mapping or a sequence contains itself.
    """
    found: list[object] = [None]
    todo: list[tuple[Any, Any, object]] = [(found, 0, value)]
    around: set[int] = set()
    while todo:
        place, key, item = todo.pop()
        if place is None:  # all within the item was copied
            around.remove(id(item))
            continue
        if isinstance(item, (Mapping, list, tuple)):
            if id(item) in around:
                raise TypeError("a value that contains itself has no JSON form")
            around.add(id(item))
            todo.append((None, None, item))
        made: Any
        if isinstance(item, Mapping):
            made = dict.fromkeys(map(_key, item))
            todo += [(made, _key(name), each) for name, each in item.items()]
        elif isinstance(item, (list, tuple)):
            made = [None] * len(item)
            todo += [(made, index, each) for index, each in enumerate(item)]
        else:
            made = scalar(item)
        place[key] = made
    return found[0]


def _scalar(value: object) -> object:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        return _to_json_number(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


def type_name(value: object) -> str:
    """The JavaScript name of a JSON value's type, as validation messages give it."""
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "boolean"),
        (str, "string"),
        ((int, float), "number"),
        (list, "array"),
        (Mapping, "object"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, int):
        return dumps(key)
    raise TypeError(f"a key of type {type(key).__name__} has no JSON form")


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _EXACT_DIGITS else _double_of(text)


def _double_of(text: str) -> int | float:
    return _shortest(float(text))


def _to_json_number(number: float) -> int | float | None:
    if isinstance(number, int):
        if abs(number) <= 2**53:
            return int(number)
        try:
            number = float(number)
        except OverflowError:
            return None
    return _shortest(number) if math.isfinite(number) else None


def _shortest(number: float) -> int | float:
    """A whole double as the integer JavaScript prints: its shortest digits, then zeros."""
    if math.isfinite(number) and number.is_integer() and abs(number) < _FIXED_NOTATION_BELOW:
        return int(Decimal(repr(number)))
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
