"""Plain functions of workflows, each in a daemon thread of its own.

In a shared pool, a few blocking workflows could delay all others, and its threads would keep the interpreter alive.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from simstudio.sandbox.pauses import Pause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

T = TypeVar("T")

_LOOK_AGAIN = 0.2


class WorkflowExit(Exception):  # noqa: N818 - carries what a workflow threw, which may be no error at all
    """Replaces a BaseException of a workflow, which must not end the server's event loop."""


async def run_in_thread(function: Callable[[], T], threads: set[threading.Thread]) -> T:
    """Run a blocking function in a new daemon thread, and wait for it.

    Args:
        function: called without arguments.
        threads: holds the thread while it runs.
    """
    loop, context = asyncio.get_running_loop(), copy_context()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if done.done():  # the run was cancelled
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result: T | None = None
        error: Exception | None = None
        try:
            result = context.run(function)
        except StopIteration as stop:  # a future cannot hold a StopIteration
            error = RuntimeError(f"the workflow raised StopIteration({stop.value!r})")
        except Exception as caught:  # noqa: BLE001 - whatever a workflow raises is its failure
            error = caught
        except BaseException as caught:  # noqa: BLE001
            error = WorkflowExit(f"{type(caught).__name__}: {caught}")
        threads.discard(threading.current_thread())
        with suppress(RuntimeError):  # the loop is closed, because the server stopped
            loop.call_soon_threadsafe(settle, result, error)

    thread = threading.Thread(target=work, name="simstudio-sandbox-workflow", daemon=True)
    threads.add(thread)
    thread.start()
    return await done


class Suspended:
    """A generator that waits for the answer to its last `Pause`."""

    def __init__(self, question: Pause) -> None:
        self.question = question


def drain(
    generator: Generator[object, object, object],
    hand_over: Callable[[object], None],
    is_over: Callable[[], bool],
    answer: object = None,
) -> object:
    """Run a generator in the current thread to its end or to a `Pause`; return its value or a `Suspended`.

    A suspended generator stays open without a thread, and continues in another thread.

    Args:
        generator: yields what the workflow emits.
        hand_over: called with each item; returns when it was taken.
        is_over: called after each item; if it returns True the generator is closed.
        answer: value for the suspended generator; None if it has not begun.
    """
    suspended = False
    try:
        while True:
            try:
                item = generator.send(answer)
            except StopIteration as stop:
                return stop.value
            if isinstance(item, Pause):
                suspended = True
                return Suspended(item)
            hand_over(item)
            if is_over():
                return None
            answer = None
    finally:
        if not suspended:
            generator.close()


def make_hand_over(
    emit: Callable[[object], Awaitable[None]], cancelled: threading.Event, tasks: set[asyncio.Task[None]]
) -> Callable[[object], None]:
    """Make the function by which a worker thread gives items to the loop, one at a time."""
    loop = asyncio.get_running_loop()

    async def take(item: object, taken: threading.Event, errors: list[Exception]) -> None:
        try:
            await emit(item)
        except Exception as error:  # noqa: BLE001 - belongs to the workflow: raised in its thread
            errors.append(error)
        finally:
            taken.set()

    def schedule(item: object, taken: threading.Event, errors: list[Exception]) -> None:
        task = loop.create_task(take(item, taken, errors))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def hand_over(item: object) -> None:
        taken = threading.Event()
        errors: list[Exception] = []
        loop.call_soon_threadsafe(schedule, item, taken, errors)
        while not taken.wait(_LOOK_AGAIN):
            if cancelled.is_set():
                return
        if errors:
            raise errors[0]

    return hand_over


def join(threads: set[threading.Thread], patience: float) -> None:
    """Wait for threads of cancelled runs, up to some seconds in all."""
    deadline = time.monotonic() + patience
    for thread in list(threads):
        thread.join(max(0.0, deadline - time.monotonic()))
