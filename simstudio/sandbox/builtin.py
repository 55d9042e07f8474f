"""The workflows every sandbox comes with."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from simstudio.sandbox.workflow import Context, WorkflowFunction

_Input = Mapping[str, Any]


def hello(input: _Input) -> dict[str, str]:
    """Greets ``name`` (default ``world``)."""
    return {"message": f"Hello, {input['name']}!"}


def count(input: _Input, context: Context) -> Generator[str, None, dict[str, object]]:
    """Streams 1 to ``to`` (default 5), ``delay`` seconds apart (default 0)."""
    numbers = range(1, int(input["to"]) + 1)
    for number in numbers:
        if number > 1 and input["delay"] > 0 and context.cancelled.wait(input["delay"]):
            break
        yield str(number) if number == 1 else f" {number}"
    return {"content": " ".join(map(str, numbers)), "count": len(numbers)}


async def slow(input: _Input) -> dict[str, float]:
    """Takes ``seconds`` (default 1)."""
    await asyncio.sleep(input["seconds"])
    return {"slept": input["seconds"]}


def fail(input: _Input) -> NoReturn:
    """Fails with ``message``."""
    raise RuntimeError(input["message"])


BUILTIN: tuple[tuple[WorkflowFunction, dict[str, object]], ...] = (
    (hello, {"name": "world"}),
    (count, {"to": 5, "delay": 0}),
    (slow, {"seconds": 1}),
    (fail, {"message": "this workflow always fails"}),
)
"""Each with its declared fields and their defaults; the function's name is the workflow's."""
