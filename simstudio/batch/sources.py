"""Sources of inputs, by the thread that reads them.

* :class:`Inline`: inputs in memory, and all iterables of an async client; the engine reads them.
* :class:`Awaited`: an asynchronous iterable; the engine's event loop awaits one input ahead.
* :class:`Relay`: any other iterable of a sync client; the thread that iterates over the batch reads it. So the caller's
  code runs in the caller's thread (cursors of sqlite3 and context variables need that), and an iterable that blocks
  does not hold up running executions.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice
from threading import Lock, get_ident
from typing import Any, Final, Protocol

from simstudio.batch.input_files import InputFile
from simstudio.batch.inputs import Inputs, read
from simstudio.batch.items import Examiner
from simstudio.batch.threads import run_on_thread
from simstudio.transport.errors import SimStudioError

LATER: Final = object()
"""No input is there now; ``wake`` is called when one may be."""
END: Final = object()
"""The end of the inputs."""

_AHEAD = 64
_MOST_AHEAD = 1024
_QUICK = 0.005
"""Seconds. If the last input took longer, none is read while a finished item waits for the consumer."""


class Source(Protocol):
    """The engine's side of the inputs."""

    @property
    def waits(self) -> bool:
        """Whether the next input is being read."""
        ...

    def take(self) -> Any:
        """The next input, :data:`LATER` or :data:`END`. Errors of the caller's iterable are raised here."""
        ...

    def bind(self, wake: Callable[[], None]) -> None:
        """Set the function that is called when a further input has come."""
        ...

    async def aclose(self) -> None:
        """Stop waiting for inputs."""
        ...


class Inline:
    """Inputs that the engine reads itself."""

    waits = False

    def __init__(self, inputs: Iterator[Any]) -> None:
        self._inputs = inputs

    def take(self) -> Any:
        """The next input, or the end."""
        return next(self._inputs, END)

    def bind(self, wake: Callable[[], None]) -> None:
        """Do nothing: an input, or the end, is always there."""

    async def aclose(self) -> None:
        """Do nothing: no input is waited for."""


class Awaited:
    """Inputs of an asynchronous iterable, awaited one ahead."""

    def __init__(self, inputs: AsyncIterator[Any]) -> None:
        self._inputs: AsyncIterator[Any] = inputs
        self._pull: asyncio.Task[Any] | None = None
        self._wake: Callable[[], None] = _do_nothing

    @property
    def waits(self) -> bool:
        """Whether the next input is being awaited."""
        return self._pull is not None and not self._pull.done()

    def take(self) -> Any:
        """The awaited input, if it has come."""
        if self._pull is None:
            self._pull = asyncio.get_running_loop().create_task(self._next())
            self._pull.add_done_callback(lambda _: self._wake())
        if not self._pull.done():
            return LATER
        pull, self._pull = self._pull, None
        if pull.cancelled():  # raising CancelledError would look like a cancellation of the engine
            raise SimStudioError("The batch ended before its last input: reading the next one was cancelled.")
        return pull.result()

    def bind(self, wake: Callable[[], None]) -> None:
        """Set the function that is called when the awaited input has come."""
        self._wake = wake

    async def aclose(self) -> None:
        """Cancel the wait for the next input."""
        if self._pull is not None:
            self._pull.cancel()
            await asyncio.gather(self._pull, return_exceptions=True)
        self._inputs = _Nothing()

    async def _next(self) -> Any:
        return await anext(self._inputs, END)


class Relay:
    """Inputs that one thread reads (:meth:`read`) and the engine takes (:meth:`take`).

    It reads further ahead each time that the engine finds no input: twice as far.

    Attributes:
        notify: Called on the engine's thread when there is room for more inputs; set by the reader.
        quick: Whether the last input was read within 5 ms.
    """

    def __init__(self, inputs: Iterator[Any]) -> None:
        self._inputs = inputs
        self.notify: Callable[[], None] = _do_nothing
        self._wake: Callable[[], None] = _do_nothing
        self._waiting: deque[Any] = deque()
        self._ahead = _AHEAD
        self._is_missed = False
        self._over = False
        self._failure: Exception | None = None
        self._reading = Lock()
        self._reader: int | None = None
        self.quick = True

    # -- the engine's side -------------------------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether a thread is reading the next input."""
        return self._reading.locked()

    def take(self) -> Any:
        """The next input that was read."""
        over = self._over  # read first: if it is set, no input is added after this line
        if not self._waiting:
            self._is_missed = True  # set before the second check: an input that is read later wakes the engine
        if self._waiting:
            value = self._waiting.popleft()
            if len(self._waiting) <= self._ahead // 2:
                self.notify()
            return value
        if not over:
            self._ahead = min(2 * self._ahead, _MOST_AHEAD)
            self.notify()
            return LATER
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return END

    def bind(self, wake: Callable[[], None]) -> None:
        """Set the function that is called when an input was read after :meth:`take` found none."""
        self._wake = wake

    async def aclose(self) -> None:
        """Read no further input. :meth:`release` drops the caller's iterable, on another thread."""
        self._over = True

    # -- the reader's side -------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> bool:
        """Whether there is room for more inputs, and no thread is reading."""
        return not self._over and len(self._waiting) < self._ahead and not self._reading.locked()

    @property
    def is_reading_here(self) -> bool:
        """Whether the calling thread is reading an input, so that the call comes from the caller's iterable."""
        return self._reader == get_ident()

    def read(self) -> None:
        """Read one input, blocking as long as the caller's iterable does."""
        if not self._reading.acquire(blocking=False):
            return
        try:
            if self._over:
                return
            self._reader = get_ident()
            began = time.perf_counter()
            self._waiting.append(next(self._inputs))
            self.quick = time.perf_counter() - began < _QUICK
        except StopIteration:
            self._over = True
        except Exception as error:  # noqa: BLE001 - raised by take(), after running items
            self._failure = error
            self._over = True
        except BaseException as error:
            self._failure = SimStudioError(f"The batch ended before its last input: {type(error).__name__}.")
            self._over = True
            raise
        finally:
            if self._over:
                self._inputs = iter(())
            self._reader = None
            self._reading.release()
            if self._is_missed or self._over:
                self._is_missed = False
                self._wake()

    def release(self) -> None:
        """Read no further input, and drop the caller's iterable on this thread.

        The iterable may close what belongs to the thread that reads. If another thread is reading, that one drops it.
        """
        self._over = True
        if self._reading.acquire(blocking=False):
            try:
                self._inputs = iter(())
            finally:
                self._reading.release()


class _Nothing(AsyncIterator[Any]):
    async def __anext__(self) -> Any:
        raise StopAsyncIteration


def _do_nothing() -> None:
    """Placeholder until a function is set."""


def source_of(
    inputs: Inputs,
    *,
    relayed: bool,
    examiner: Examiner | None = None,
    wanted: Sequence[str] | None = None,
    whole_tables: bool = False,
) -> Source:
    """The source of a batch's inputs.

    Args:
        inputs: As given by the caller.
        relayed: Whether the thread that iterates can read them. It also examines each input before it reads the next,
            because their owner may use one object for all.
        examiner: Examines each input.
        wanted: Columns of a table that are read; None for all.
        whole_tables: Whether each table of an iterable is one input.

    Raises:
        InvalidInputError: The value is neither an iterable nor a file of inputs.
    """
    iterator = read(inputs, wanted, whole_tables=whole_tables)
    if isinstance(iterator, AsyncIterator):
        return Awaited(iterator)
    if relayed and not isinstance(inputs, (list, tuple, range)):
        return Relay(map(examiner or Examiner(), iterator))
    if isinstance(inputs, str) and InputFile(inputs).is_remote:
        return Awaited(_on_threads(iterator))
    return Inline(iterator)


async def _on_threads(rows: Iterator[Any]) -> AsyncIterator[Any]:
    """Rows that are read on threads, so that a slow address does not hold up executions."""
    while some := await run_on_thread(lambda: list(islice(rows, _AHEAD))):
        for row in some:
            yield row
