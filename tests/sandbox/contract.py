"""What `tests/catalog/operations.json` promises of an operation, and what an answer has that is not so."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from simstudio.sandbox.app import _MODULES
from simstudio.sandbox.checks import MISSING, Optional, Shape
from simstudio.sandbox.families import V2
from simstudio.sandbox.jsontext import type_name
from simstudio.sandbox.operation import Operation
from tests.catalog.catalog_types import Array, Literal, Record, Scalar, Table, Type, Union, parse

CATALOG = Path(__file__).parent.parent / "catalog" / "operations.json"


@cache
def operations(version: str = "v2") -> dict[str, dict[str, Any]]:
    """The operations of one version by id."""
    listed = json.loads(CATALOG.read_text(encoding="utf-8"))
    return {each["operation_id"]: each for each in listed if each["version"] == version}


def served() -> dict[str, Operation]:
    """The operations of v2 that the sandbox has, by id."""
    members = [member for module in _MODULES for member in vars(module).values()]
    return {each.id: each for each in members if isinstance(each, Operation) and isinstance(each.family, V2)}


def defaults(operation: Operation, place: str) -> dict[str, object]:
    """The defaults of an operation in one place (``query``, ``body``), by name."""
    check = operation.checks().get(place)
    fields = check.fields if isinstance(check, Shape) else {}
    optional = {name: each.default for name, each in fields.items() if isinstance(each, Optional)}
    return {name: default for name, default in optional.items() if default is not MISSING and default is not False}


def fields(operation: dict[str, Any], place: str) -> dict[str, dict[str, Any]]:
    """What an operation takes in one place (``path``, ``query``, ``header``, ``body``), by name."""
    if place == "body":
        return {each["name"]: each for each in operation.get("body") or []}
    return {each["name"]: each for each in operation.get("params", []) if each["in"] == place}


def problems(operation: dict[str, Any], status: int, answer: Any) -> list[str]:
    """What is wrong with a successful answer: its status, its envelope, the keys and types of its data."""
    found = [] if status in operation["statuses"] and status < 300 else [f"status {status}"]
    wanted = {"data", "nextCursor"} if operation.get("is_list") else {"data"}
    if not wanted <= set(answer):
        return [*found, f"envelope {sorted(answer)}"]
    if not operation.get("is_list"):
        return found + _wrong(operation, answer["data"], "data")
    if not answer["data"]:
        found.append("an empty list shows nothing")
    return found + [text for each in answer["data"] for text in _wrong(operation, each, "data[]")]


def _wrong(operation: dict[str, Any], value: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is a {type(value).__name__}"]
    known = {each["name"]: each for each in operation["response"]}
    wrong = [f"{where}.{name} is unknown" for name in value.keys() - known.keys()]
    for name, each in known.items():
        if name not in value:
            wrong += [] if each.get("optional") else [f"{where}.{name} is missing"]
        elif not (value[name] is None and each.get("nullable")):
            wrong += _mismatches(parse(each["type"]), value[name], f"{where}.{name}")
    return wrong


def _mismatches(kind: Type, value: Any, where: str) -> list[str]:
    """What of a value is not of a type of the digest."""
    if isinstance(kind, Union):
        found = [_mismatches(option, value, where) for option in kind.options]
        return min(found, key=len)
    if isinstance(kind, Array) and isinstance(value, list):
        return [text for each in value for text in _mismatches(kind.of, each, f"{where}[]")]
    if isinstance(kind, Table) and isinstance(value, dict):
        return [text for each in value.values() for text in _mismatches(kind.of, each, f"{where}[]")]
    if isinstance(kind, Record) and isinstance(value, dict):
        missing = [name for name, (_, optional) in kind.fields.items() if name not in value and not optional]
        inner = [(name, of) for name, (of, _) in kind.fields.items() if name in value]
        return [f"{where}.{name} is missing" for name in missing] + [
            text for name, of in inner for text in _mismatches(of, value[name], f"{where}.{name}")
        ]
    if isinstance(kind, Literal):
        fits = type(value) is type(kind.value) and value == kind.value
    else:
        fits = isinstance(kind, Scalar) and type_name(value) in _NAMES[kind.name.partition(":")[0]]
    return [] if fits else [f"{where} is {value!r}, not {kind}"]


_NAMES: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("string", "number", "boolean", "null", "object")},
    "integer": ("number",),
    "any": ("string", "number", "boolean", "null", "object", "array"),
}
