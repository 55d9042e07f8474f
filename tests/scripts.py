"""Scripts: one generator of calls that a test runs on the blocking and on the async client alike.

A script yields what a client's method gave (the result, or on the async client the coroutine) and gets the result back;
a script of one call may simply return it.
"""

from __future__ import annotations

import inspect
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
