"""Work on threads, for which neither the end of an event loop nor that of the program waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


async def run_on_thread(function: Callable[[], T]) -> T:
    """Run a function that reads files or addresses, while the event loop goes on.

    ``asyncio.to_thread`` is not used: Ctrl-C would wait for its threads, and a dead address may take minutes.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def end(set_outcome: Callable[[Any], None], outcome: object) -> None:
        if not ended.done():  # else it was cancelled
            set_outcome(outcome)

    def work() -> None:
        found: tuple[Callable[[Any], None], object]
        try:
            found = ended.set_result, context.run(function)
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            found = ended.set_exception, error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(end, *found)

    Thread(target=work, name="simstudio-read", daemon=True).start()
    return await ended
