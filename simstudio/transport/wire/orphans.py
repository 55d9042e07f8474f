"""Connections that a cancelled task left behind.

httpcore cleans up after a cancellation by awaiting a lock. A second cancellation, or one between connecting and
sending, strikes there, and the connection stays open in the pool for ever, belonging to no request. So after a call
that did not go well the pool is looked through for such connections; nothing here can be interrupted.
"""

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


def close_orphans(transport: Any) -> None:
    """Begin to close the connections of an ``httpx.AsyncHTTPTransport`` that are busy, but with no request.

    They stay in the pool until they are closed, so that closing the pool meets those that were not.
    """
    pool = transport._pool
    owned = {id(request.connection) for request in pool._requests}
    for connection in pool._connections:
        if id(connection) not in owned and not connection.is_idle() and not connection.is_closed():
            detach(connection.aclose())


async def release(reply: Any, request: Any, transport: Any) -> None:
    """Close an ``httpx.Response``, and its connection if that is still busy then, or still held by the request."""
    pool = transport._pool
    try:
        await reply.aclose()
    finally:
        pool._requests[:] = [held for held in pool._requests if held.request.stream is not request.stream]
        close_orphans(transport)
