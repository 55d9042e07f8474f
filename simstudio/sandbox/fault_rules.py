"""Faults as one line of text: ``POST /api/workflows/* 503 x3``, for command lines and tests in any language."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.faults import DROPS

if TYPE_CHECKING:
    from simstudio.sandbox.faults import Fault

HELP = (
    "METHOD PATH EFFECT… [xN]. PATH is a shell pattern. Effects: a status (503), a header (retry-after:1), delay=2, "
    f"drop or drop={'|'.join(each for each in DROPS if each != 'half')}, half (of the response), after=100 (bytes "
    "of it), events=2 (of a stream), reset (of the connection)"
)

_TIMES = re.compile(r"x(\d+)")
_STATUS = re.compile(r"[2-5]\d\d")
_METHOD = re.compile(r"[A-Z]+|\*")
_HEADER = re.compile(r"([A-Za-z][\w-]*):(.*)")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)(ms|s)?")


class FaultRuleError(ValueError):
    """A text that is no fault; the message names the part."""


def parse_fault(rule: str) -> dict[str, Any]:
    """The arguments of `Faults.add` that a text describes. Without ``xN`` the fault applies to all requests.

    Raises:
        FaultRuleError: The text is no fault.

    Example:
        >>> parse_fault("POST /api/workflows/* 503 retry-after:1 x3")
        {'times': 3, 'method': 'POST', 'path': '/api/workflows/*', 'status': 503, 'headers': {'retry-after': '1'}}
    """
    try:
        words = shlex.split(rule)
    except ValueError as error:
        raise FaultRuleError(f"{rule!r} is no fault: {error}") from error
    found: dict[str, Any] = {"times": None}
    if words and _METHOD.fullmatch(words[0]) and not _STATUS.fullmatch(words[0]):
        method = words.pop(0)
        if method != "*":
            found["method"] = method
    if words and words[0].startswith(("/", "*")):
        found["path"] = words.pop(0)
    before = len(found)
    for word in words:
        _read(word, found, rule)
    if len(found) == before or set(found) <= {"times", "method", "path", "headers"}:
        raise FaultRuleError(f"{rule!r} names no effect. Write: {HELP}")
    return found


def write_fault(fault: Fault, times: int | None) -> str:
    """A fault as text; parts that have no text, such as bodies, are left out."""
    words = [fault.method or "*", fault.path or (f"*/{fault.workflow}/*" if fault.workflow else "*")]
    if fault.status is not None:
        words.append(str(fault.status))
    words += [f"{name}:{value}" for name, value in fault.headers.items()]
    if fault.latency:
        words.append(f"delay={fault.latency:g}")
    if fault.drop is not None:
        words.append("half" if fault.drop == "half" else f"drop={fault.drop}")
    if fault.after_bytes is not None:
        words.append(f"after={fault.after_bytes}")
    if fault.after_events is not None:
        words.append(f"events={fault.after_events}")
    if fault.reset:
        words.append("reset")
    if times is not None:
        words.append(f"x{times}")
    return " ".join(shlex.quote(word) if " " in word else word for word in words)


def _read(word: str, found: dict[str, Any], rule: str) -> None:
    """Add the effect that one word names."""
    name, equals, value = word.partition("=")
    header = _HEADER.fullmatch(word)
    if times := _TIMES.fullmatch(word):
        found["times"] = int(times[1])
        if found["times"] < 1:
            raise FaultRuleError(f"{rule!r}: {word} is no number of requests, which is at least 1")
    elif _STATUS.fullmatch(word):
        found["status"] = int(word)
    elif word == "half":
        found["drop"] = "half"
    elif word == "reset":
        found["reset"] = True
    elif name == "drop" and (not equals or value in DROPS):
        found["drop"] = value or "request"
    elif name in ("delay", "latency") and (seconds := _SECONDS.fullmatch(value)):
        found["latency"] = float(seconds[1]) / (1000 if seconds[2] == "ms" else 1)
    elif name in ("after", "events") and value.isdecimal():
        found[f"after_{'bytes' if name == 'after' else 'events'}"] = int(value)
    elif header:
        found.setdefault("headers", {})[header[1]] = header[2].strip()
    else:
        raise FaultRuleError(f"{rule!r}: {word!r} is not understood. Write: {HELP}")
