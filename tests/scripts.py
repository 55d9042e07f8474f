"""Scripts: one generator of calls that a test runs on the blocking and on the async client alike.

A script yields what a client's method gave (the result, or on the async client the coroutine) and gets the result back;
a script of one call may simply return it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


def drive(steps: Any) -> Any:
    """What a script of a blocking client gives."""
    if not inspect.isgenerator(steps):
        return steps
    value: Any = None
    while True:
        try:
            value = steps.send(value)
        except StopIteration as stop:
            return stop.value


async def adrive(steps: Any) -> Any:
    """What a script of an async client gives."""
    if not inspect.isgenerator(steps):
        return await steps if inspect.isawaitable(steps) else steps
    send: Any = steps.send
    value: Any = None
    while True:
        try:
            step = send(value)
        except StopIteration as stop:
            return stop.value
        try:
            send, value = steps.send, await step if inspect.isawaitable(step) else step
        except Exception as error:
            send, value = steps.throw, error


def sleep_by(patch: Any, sleep: Callable[[float], Any], asleep: Callable[[float], Any]) -> None:
    """Let every client of this process sleep by these two functions; what else sleeps is left alone."""
    patch.setattr("simstudio.transport.flow.time", SimpleNamespace(sleep=sleep))
    beside = SimpleNamespace(sleep=asleep, to_thread=asyncio.to_thread)
    patch.setattr("simstudio.transport.flow._import_asyncio", lambda: beside)


def reached(thing: object, seen: dict[int, object] | None = None) -> list[object]:
    """What of the package hangs on a client: whatever its attributes hold, and theirs."""
    seen = {} if seen is None else seen
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ()) if name != "__weakref__"]
    held = [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, name, None) for name in slots)]
    for each in held:
        if type(each).__module__.startswith("simstudio.") and id(each) not in seen:
            seen[id(each)] = each
            reached(each, seen)
    return list(seen.values())
