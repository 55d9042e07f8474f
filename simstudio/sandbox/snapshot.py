"""The data of a sandbox as a JSON document, for state files.

Objects of the sandbox's own classes become JSON objects that name their class; each is written once, and referred to
where it occurs again. Reading makes objects of these classes only, and calls none of their code. Clocks, functions and
settings are not part of the data: what is read gets those of the sandbox that reads it.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any

import attrs

_ROOM = "simstudio.sandbox."
_DATA = (f"{_ROOM}data.", f"{_ROOM}definitions.")
"""Modules whose classes are data."""
_SETTINGS = frozenset({"_part_size", "_plan", "functions", "runnable", "sources"})
"""Attributes of stores that come from the sandbox's configuration."""
_PLAIN = frozenset({str, int, float, bool, type(None)})
_LARGE = 4096
"""Size in bytes from which a content is stored outside the document."""


@attrs.frozen
class Captured:
    """The data at one time: a JSON document, and large contents by digest."""

    document: str
    contents: Mapping[str, bytes]


class Blobs:
    """Digests of large contents, computed once for each."""

    def __init__(self) -> None:
        self._digests: dict[int, tuple[bytes, str]] = {}

    def digest(self, content: bytes) -> str:
        """The digest of a content."""
        known = self._digests.get(id(content))
        if known is None or known[0] is not content:
            known = self._digests[id(content)] = (content, hashlib.sha256(content).hexdigest())
        return known[1]

    def keep(self, contents: Iterable[bytes]) -> None:
        """Forget all others."""
        kept = set(map(id, contents))
        self._digests = {key: known for key, known in self._digests.items() if key in kept}


class Writer:
    """Writes objects as JSON data.

    Args:
        blobs: digests of large contents.

    Attributes:
        contents: the large contents that were met, by digest.
    """

    def __init__(self, blobs: Blobs) -> None:
        self.contents: dict[str, bytes] = {}
        self._blobs = blobs
        self._numbers: dict[int, int] = {}

    def write(self, value: Any) -> Any:
        """A value as JSON data.

        Raises:
            TypeError: The value has no form in a snapshot.
        """
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is list:
            return [self.write(each) for each in value]
        if kind is dict:
            return self._mapping(value)
        if kind.__module__.startswith(_DATA):
            return self._object(value)
        if kind is bytes:
            return self._bytes(value)
        return self._other(value)

    def _mapping(self, value: Mapping[Any, Any]) -> Any:
        if all([type(key) is str and key[:1] != "$" for key in value]):  # noqa: C419 - quicker for small ones
            return {key: each if type(each) in _PLAIN else self.write(each) for key, each in value.items()}
        return {"$map": [[self.write(key), self.write(each)] for key, each in value.items()]}

    def _object(self, value: Any) -> Any:
        number = self._numbers.get(id(value))
        if number is not None:
            return {"$same": number}
        number = self._numbers[id(value)] = len(self._numbers) + 1
        kind: type = type(value)
        found: dict[str, Any] = {"$class": _name_of(kind), "$id": number}
        for name in _fields_of(kind) or vars(value):
            each = getattr(value, name)
            if type(each) in _PLAIN:
                found[name] = each
            elif name not in _SETTINGS and not callable(each):
                found[name] = self.write(each)
        return found

    def _bytes(self, value: bytes) -> Any:
        if len(value) < _LARGE:
            return {"$bytes": base64.b64encode(value).decode()}
        digest = self._blobs.digest(value)
        self.contents[digest] = value
        return {"$blob": digest}

    def _other(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return {"$tuple": [self.write(each) for each in value]}
        if isinstance(value, (set, frozenset)):
            kind = "$set" if isinstance(value, set) else "$frozenset"
            return {kind: sorted((self.write(each) for each in value), key=json.dumps)}
        if isinstance(value, Mapping):
            return {"$frozen": [[self.write(key), self.write(each)] for key, each in value.items()]}
        if isinstance(value, Fraction):
            return {"$fraction": str(value)}
        if isinstance(value, itertools.count):
            return {"$count": int(repr(value)[len("count(") : -1])}
        raise TypeError(f"the data of a sandbox cannot hold {type(value).__qualname__}")


class Reader:
    """Makes objects of JSON data.

    Args:
        contents: large contents by digest.
        complete: called with each object made, to give it its clock or its function.
    """

    def __init__(self, contents: Mapping[str, bytes], complete: Callable[[Any], None]) -> None:
        self._complete = complete
        self._objects: dict[int, Any] = {}
        self._forms: dict[str, Callable[[Any], Any]] = {
            "$map": lambda pairs: {self.read(key): self.read(each) for key, each in pairs},
            "$same": lambda number: self._objects[number],
            "$bytes": base64.b64decode,
            "$blob": contents.__getitem__,
            "$tuple": lambda found: tuple(self.read(each) for each in found),
            "$set": lambda found: {self.read(each) for each in found},
            "$frozenset": lambda found: frozenset(self.read(each) for each in found),
            "$frozen": lambda pairs: MappingProxyType({self.read(key): self.read(each) for key, each in pairs}),
            "$fraction": Fraction,
            "$count": itertools.count,
        }

    def read(self, data: Any) -> Any:
        """The value of JSON data.

        Raises:
            ValueError: The data names a form or a class that is not known.
        """
        if type(data) is list:
            return [self.read(each) for each in data]
        if type(data) is not dict:
            return data
        if "$class" in data:
            return self._object(data)
        form = next(iter(data), "")
        if form[:1] != "$":
            return {key: each if type(each) in _PLAIN else self.read(each) for key, each in data.items()}
        if form not in self._forms:
            raise ValueError(f"unknown form {form}")
        return self._forms[form](data[form])

    def read_into(self, target: Any, data: Mapping[str, Any]) -> None:
        """Replace the data of an object, and of the stores that are its attributes."""
        self._objects[data["$id"]] = target
        for name, each in data.items():
            if name.startswith("$") or name in _SETTINGS:
                continue
            current = getattr(target, name, None)
            kind: type = type(current)
            inner = isinstance(each, dict) and each.get("$class")
            if inner and not attrs.has(kind) and _name_of(kind) == inner:
                self.read_into(current, each)
            else:
                object.__setattr__(target, name, self.read(each))

    def _object(self, data: Mapping[str, Any]) -> Any:
        kind = _class_named(data["$class"])
        made: Any = object.__new__(kind)
        self._objects[data["$id"]] = made
        for attribute in attrs.fields(kind) if attrs.has(kind) and len(data) < len(_fields_of(kind)) + 2 else ():
            if attribute.name not in data:
                _give_default(made, attribute)
        for name, each in data.items():
            if name[0] != "$":
                object.__setattr__(made, name, each if type(each) in _PLAIN else self.read(each))
        self._complete(made)
        return made


def _give_default(made: Any, attribute: attrs.Attribute[Any]) -> None:
    """Give an object the default of an attribute that the data lacks."""
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory(made) if default.takes_self else default.factory()
    object.__setattr__(made, attribute.name, default)


@cache
def _fields_of(kind: type) -> tuple[str, ...]:
    """The attributes of a class of attrs; none of another class, whose objects have their own."""
    return tuple(each.name for each in attrs.fields(kind)) if attrs.has(kind) else ()


@cache
def _name_of(kind: type) -> str:
    return f"{kind.__module__.removeprefix(_ROOM)}:{kind.__qualname__}"


@cache
def _class_named(name: str) -> type:
    """A class of the sandbox's data.

    Raises:
        ValueError: The sandbox has no class of this name.
    """
    module, _, qualified = name.partition(":")
    found = vars(sys.modules.get(_ROOM + module, object)).get(qualified)
    known = isinstance(found, type) and found.__module__ == _ROOM + module
    if not isinstance(found, type) or not known or not found.__module__.startswith(_DATA):
        raise ValueError(f"unknown class {name}")
    return found
