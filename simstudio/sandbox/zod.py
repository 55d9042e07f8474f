"""Issues as Sim's validator, zod, reports them in error responses.

Servers of v0.6 use zod 3, those of v0.8 zod 4: codes, keys and messages differ.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from simstudio.sandbox import jsontext
from simstudio.sandbox.checks import MISSING, Issue


def _name_type(value: object) -> str:
    if value is MISSING:
        return "undefined"
    return "NaN" if isinstance(value, float) and math.isnan(value) else jsontext.type_name(value)


def zod3(issue: Issue) -> dict[str, Any]:
    """An issue as zod 3 reports it, which servers of v0.6 use."""
    facts, path = issue.facts, list(issue.path)
    code, own, more = _ZOD3[issue.code](facts)
    return {"code": code, **more, "path": path, "message": issue.message or own}


def _zod3_type(facts: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    expected = {"record": "object"}.get(facts["expected"], facts["expected"])
    received = "float" if expected == "integer" else _name_type(facts["value"]).lower()
    own = "Required" if facts["value"] is MISSING else f"Expected {expected}, received {received}"
    return "invalid_type", own, {"expected": expected, "received": received}


def _zod3_enum(facts: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    value, options = facts["value"], facts["options"]
    named = " | ".join(f"'{option}'" for option in options)
    if not isinstance(value, str):
        return _zod3_type({"expected": named, "value": value})
    own = f"Invalid enum value. Expected {named}, received '{value}'"
    return "invalid_enum_value", own, {"received": value, "options": list(options)}


def _zod3_bound(code: str, name: str, words: Mapping[str, str]) -> Callable[[Mapping[str, Any]], Any]:
    def put(facts: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
        unit, bound = facts["unit"], facts["bound"]
        return code, words[unit].format(bound), {name: bound, "type": unit, "inclusive": True, "exact": False}

    return put


_ZOD3: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str, dict[str, Any]]]] = {
    "type": _zod3_type,
    "enum": _zod3_enum,
    "small": _zod3_bound(
        "too_small",
        "minimum",
        {
            "string": "String must contain at least {} character(s)",
            "number": "Number must be greater than or equal to {}",
            "array": "Array must contain at least {} element(s)",
        },
    ),
    "big": _zod3_bound(
        "too_big",
        "maximum",
        {
            "string": "String must contain at most {} character(s)",
            "number": "Number must be less than or equal to {}",
            "array": "Array must contain at most {} element(s)",
        },
    ),
    "pattern": lambda _: ("invalid_string", "Invalid", {"validation": "regex"}),
    "union": lambda facts: (
        "invalid_union",
        "Invalid input",
        {"unionErrors": [{"issues": [zod3(each) for each in tried], "name": "ZodError"} for tried in facts["tried"]]},
    ),
    "custom": lambda _: ("custom", "Invalid input", {}),
}


def zod4(issue: Issue) -> dict[str, Any]:
    """An issue as zod 4 reports it, which servers of v0.8 use."""
    facts, path = issue.facts, list(issue.path)
    code, own, more = _ZOD4[issue.code](facts)
    return {**more, "code": code, "path": path, "message": issue.message or own}


def _zod4_type(facts: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    value = facts["value"]
    more = (
        {"expected": "int", "format": "safeint"} if facts["expected"] == "integer" else {"expected": facts["expected"]}
    )
    received = _name_type(value)
    own = f"Invalid input: expected {more['expected']}, received {received}"
    return "invalid_type", own, {**more, "received": received} if received == "NaN" else more


def _zod4_enum(facts: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    options = [json.dumps(option) for option in facts["options"]]
    own = f"option: expected one of {'|'.join(options)}" if len(options) > 1 else f"input: expected {options[0]}"
    return "invalid_value", f"Invalid {own}", {"values": list(facts["options"])}


def _zod4_bound(code: str, name: str, sign: str) -> Callable[[Mapping[str, Any]], Any]:
    def put(facts: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
        unit, bound = facts["unit"], facts["bound"]
        size = f"to be {sign}{bound}" if unit == "number" else f"to have {sign}{bound} {_UNITS[unit]}"
        own = f"{code.replace('_', ' ').capitalize()}: expected {unit} {size}"
        return code, own, {"origin": unit, name: bound, "inclusive": True}

    return put


_UNITS = {"string": "characters", "array": "items"}
_ZOD4: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str, dict[str, Any]]]] = {
    "type": _zod4_type,
    "enum": _zod4_enum,
    "small": _zod4_bound("too_small", "minimum", ">="),
    "big": _zod4_bound("too_big", "maximum", "<="),
    "pattern": lambda facts: (
        "invalid_format",
        "Invalid string",
        {"origin": "string", "format": "regex", "pattern": f"/^{facts['pattern']}$/"},
    ),
    "union": lambda facts: (
        "invalid_union",
        "Invalid input",
        {"errors": [[zod4(each) for each in tried] for tried in facts["tried"]]},
    ),
    "unknown": lambda facts: (
        "unrecognized_keys",
        f"Unrecognized key{'s' * (len(facts['keys']) > 1)}: {', '.join(map(json.dumps, facts['keys']))}",
        {"keys": facts["keys"]},
    ),
    "custom": lambda _: ("custom", "Invalid input", {}),
}
