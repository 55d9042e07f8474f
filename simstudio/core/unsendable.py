"""The first value in an input that JSON cannot hold: where it is, what it is, and what to send instead.

Encoding tries ``json.dumps`` first; the input is searched only after that failed.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Set, ValuesView
from fractions import Fraction
from types import ModuleType
from typing import Any, Final

from simstudio.transport.errors import InvalidInputError

_LONGEST = 500
TOO_DEEP: Final = "it nests too deeply, or contains itself"


TEXT_KEYS: Final = (str,)
KEYS: Final = (str, int, float, type(None))
"""The types of keys that ``json.dumps`` takes."""


def find_unsendable(
    value: Any, path: str, is_file: Callable[[Any], bool], keys: tuple[type, ...] = TEXT_KEYS
) -> str | None:
    """The path of the first value that JSON cannot hold, and what is wrong with it, as a sentence; None without any.

    Args:
        path: Path of the value itself, such as ``input``; may be empty.
        is_file: Whether a value that is no JSON data is sent as a file. It may raise InvalidInputError.
        keys: Allowed types of keys.

    Raises:
        RecursionError: The value nests too deeply, or contains itself.

    Example:
        >>> find_unsendable({"rows": [1, {2, 3}]}, "input", lambda _: False)
        'input.rows[1] is of type set, which is no JSON data: send list(value).'
    """
    problem: str | None
    if isinstance(value, Mapping):
        for key, item in value.items():
            problem = _key_problem(key, keys)
            if problem is not None:
                return _sentence(path, problem)
            found = find_unsendable(item, join_path(path, key), is_file, keys)
            if found is not None:
                return found
        return None
    if isinstance(value, (list, tuple)):
        items = (find_unsendable(item, f"{path}[{index}]", is_file, keys) for index, item in enumerate(value))
        return next((found for found in items if found is not None), None)
    problem = _problem(value, is_file)
    return None if problem is None else _sentence(path, problem)


def _sentence(path: str, problem: str) -> str:
    place = path.removeprefix(".") or "it"
    return f"{place if len(place) <= _LONGEST else f'{place[:_LONGEST]}…'} {problem}."


def join_path(path: str, key: Any) -> str:
    """The path of an item of a mapping: ``input.key``, or ``input['a key']``."""
    return f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{key!r}]"


def _key_problem(key: Any, keys: tuple[type, ...]) -> str | None:
    if not isinstance(key, keys):
        return f"has the key {key!r} of type {type_name(key)}. JSON keys are text: use str keys"
    if not isinstance(key, str):
        return None
    half = _half_of_pair(key)
    return None if half is None else f"has the key {_excerpt(key, half)} with {_say_half(key[half])}. {_HALF}"


def _problem(value: Any, is_file: Callable[[Any], bool]) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        half = _half_of_pair(value)
        return None if half is None else f"holds {_say_half(value[half])}: {_excerpt(value, half)}. {_HALF}"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"is {value!r}, which JSON cannot say. Send None or a text instead"
    if isinstance(value, int):
        try:
            int.__repr__(value)
        except ValueError as error:
            return f"is an integer that is too long ({error}). Send its hex() as a text"
        return None
    try:
        return None if is_file(value) else describe_type(value)
    except InvalidInputError as error:
        return f"cannot be sent: {str(error).rstrip('.')}"


def describe_type(value: Any) -> str:
    """The reason why a value of this type is no JSON data, and what to send instead."""
    if isinstance(value, ModuleType):
        return f"is the module {value.__name__}, which is no JSON data"
    if isinstance(value, type):
        return f"is the class {_class_name(value)} itself, which is no JSON data"
    return f"is of type {type_name(value)}, which is no JSON data: {_remedy(value)}"


def type_name(value: Any) -> str:
    """The name of a value's type, with the module unless it is built in: ``numpy.bool``."""
    return _class_name(type(value))


def _class_name(kind: type) -> str:
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


def _remedy(value: Any) -> str:
    try:
        return f"send {_substitute(value)}"
    except Exception:  # noqa: BLE001 - a class of the caller's
        return f"send {_OTHERWISE}"


_OTHERWISE = "it as a text, a number, a list or a dict"


def _substitute(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return "its .value"
    if isinstance(value, (decimal.Decimal, Fraction)):
        return "str(value), or float(value) if it may be rounded"
    if isinstance(value, (bytes, bytearray, memoryview)):
        text = "bytes(value).decode()" if isinstance(value, memoryview) else "value.decode()"
        return f"{text} if it is text, else base64.b64encode(value).decode()"
    if isinstance(value, dt.timedelta):
        return "its .total_seconds()"
    if inspect.isawaitable(value):
        return "what it gives when it is awaited"
    if _is_no_value(value):
        return "None"
    if callable(getattr(value, "isoformat", None)):
        return "its .isoformat()"
    if isinstance(value, (Set, Iterator, ValuesView, range)) or type(value).__module__ in ("collections", "array"):
        return "list(value)"
    scalar = getattr(value, "shape", None) == ()  # of NumPy and its like
    for method in ("model_dump", "to_dict", *(("item", "tolist") if scalar else ("tolist", "item"))):
        if callable(getattr(value, method, None)):
            return f"what its .{method}() returns"
    for module, fields in (("dataclasses", "__dataclass_fields__"), ("attrs", "__attrs_attrs__")):
        if hasattr(value, fields):
            return f"its {module}.asdict()"
    plain: Any = object.__str__
    return _OTHERWISE if type(value).__str__ is plain else "str(value)"


def _is_no_value(value: Any) -> bool:
    """Whether a value is not equal to itself, such as NaT of pandas."""
    try:
        return bool(value != value)  # noqa: PLR0124
    except Exception:  # noqa: BLE001 - a class of the caller's
        return False


def _half_of_pair(text: str) -> int | None:
    """The index of the first half of a surrogate pair, which no encoding has; None without any."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


_HALF: Final = "Texts that were cut hold such halves, and file names that are not UTF-8"


def _say_half(letter: str) -> str:
    return f"{letter!r}, half of a surrogate pair, which cannot be encoded"


def _excerpt(text: str, index: int) -> str:
    return repr(text[max(0, index - 20) : index + 20])
