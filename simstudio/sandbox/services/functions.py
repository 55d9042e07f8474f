"""Functions of users as runs of a service: side by side, plain ones in threads and async ones on the event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from simstudio.sandbox.request_log import log_failure
from simstudio.sandbox.threads import WorkflowExit, run_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


_QUICK = 0.2
"""Seconds for which a poll waits for the end of a run."""


class Functions:
    """Runs functions in the background of a sandbox's event loop.

    Args:
        on_end: called when a run has ended.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        self._on_end = on_end
        self._threads: set[threading.Thread] = set()
        self._runs: set[asyncio.Task[None]] = set()

    def begin(self, run: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a run, and return at once."""
        task = asyncio.create_task(run)
        self._runs.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, run: asyncio.Task[None]) -> None:
        self._runs.discard(run)
        self._on_end()

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function, plain or async, without blocking the event loop; log what it raises.

        Raises:
            WorkflowExit: The function raised SystemExit, KeyboardInterrupt or CancelledError, which end its run and not
                the server.
        """
        try:
            return await self._call(function, *arguments)
        except Exception as error:
            log_failure(getattr(function, "__name__", type(function).__name__), error)
            raise

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if not inspect.iscoroutinefunction(function):
            result = await run_in_thread(partial(function, *arguments), self._threads)
            if not inspect.isawaitable(result):
                return result
        else:
            result = function(*arguments)
        try:
            return await result
        except Exception:
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            raise WorkflowExit(f"{type(error).__name__}: {error}") from error

    def stop(self) -> None:
        """Cancel all runs. The thread of a plain function goes on, and its result is dropped."""
        for run in list(self._runs):
            run.cancel()


def _is_cancelled() -> bool:
    """Whether the run was cancelled, and its function did not raise CancelledError itself. True on Python 3.10."""
    task = asyncio.current_task()
    return task is None or getattr(task, "cancelling", lambda: True)() > 0


async def has_ended(run: asyncio.Task[None] | None) -> bool:
    """Whether a run has ended. A quick one is waited for, so that the first poll sees its end."""
    return run is None or bool((await asyncio.wait({run}, timeout=_QUICK))[0])
