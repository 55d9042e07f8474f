"""Work that goes on even if nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_detached: set[asyncio.Task[Any]] = set()


def detach(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin some work that goes on even if nobody waits for it."""
    task = asyncio.ensure_future(work)
    _detached.add(task)
    task.add_done_callback(_detached.discard)
    return task


async def shield(work: Coroutine[Any, Any, Any]) -> None:
    """Finish some work even if the caller is cancelled meanwhile, however often."""
    await asyncio.shield(detach(work))
