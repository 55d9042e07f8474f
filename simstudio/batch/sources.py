"""Where a batch's inputs come from, and whose thread reads them.

* :class:`Inline`: read by the engine, where it needs them: what lies in memory, and whatever an async client is given.
* :class:`Awaited`: an asynchronous iterable, asked for one input ahead on the engine's event loop.
* :class:`Relay`: any other iterable of a sync client, read by the thread that iterates over the batch. The caller's
  code stays in the caller's thread (a cursor of sqlite3 serves no other, a context variable is set in no other), and
  one that blocks holds up no execution that is under way.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from threading import Lock, get_ident
from typing import Any, Final, Protocol

from simstudio.batch.input_files import InputFile
from simstudio.batch.inputs import Inputs, read
from simstudio.batch.items import Examiner
from simstudio.batch.rows import Columns
from simstudio.transport.errors import SimStudioError

LATER: Final = object()
"""There is no input now; ``wake`` tells when there may be one."""
END: Final = object()
"""There are no more inputs."""

_AHEAD = 64
_MOST_AHEAD = 1024
_QUICK = 0.005
"""Seconds. An input that took longer is not read while a finished item waits for the consumer."""


class Source(Protocol):
    """The engine's side of the inputs."""

    def take(self) -> Any:
        """The next input, :data:`LATER` or :data:`END`. What the caller's iterable raises is raised here."""
        ...

    def bind(self, wake: Callable[[], None]) -> None:
        """Have a function called when an input has come that there was not before."""
        ...

    async def aclose(self) -> None:
        """Wait for no input any more."""
        ...


class Inline:
    """Inputs that the engine reads itself."""

    def __init__(self, inputs: Iterator[Any]) -> None:
        self._inputs = inputs

    def take(self) -> Any:
        """The next input, or the end."""
        return next(self._inputs, END)

    def bind(self, wake: Callable[[], None]) -> None:
        """There is always one, or the end."""

    async def aclose(self) -> None:
        """Nothing is waited for."""


class Awaited:
    """Inputs that are awaited, one ahead."""

    def __init__(self, inputs: AsyncIterator[Any]) -> None:
        self._inputs: AsyncIterator[Any] = inputs
        self._pull: asyncio.Task[Any] | None = None
        self._wake: Callable[[], None] = _nobody

    def take(self) -> Any:
        """The input that was asked for, where it has come."""
        if self._pull is None:
            self._pull = asyncio.get_running_loop().create_task(self._next())
            self._pull.add_done_callback(lambda _: self._wake())
        if not self._pull.done():
            return LATER
        pull, self._pull = self._pull, None
        if pull.cancelled():  # its own error would end the engine as if somebody had cancelled that
            raise SimStudioError("The batch ended before its last input: reading the next one was cancelled.")
        return pull.result()

    def bind(self, wake: Callable[[], None]) -> None:
        """Have a function called when an input has come."""
        self._wake = wake

    async def aclose(self) -> None:
        """Ask for no more."""
        if self._pull is not None:
            self._pull.cancel()
            await asyncio.gather(self._pull, return_exceptions=True)
        self._inputs = _Nothing()

    async def _next(self) -> Any:
        return await anext(self._inputs, END)


class Relay:
    """Inputs that one thread reads (:meth:`read`) and the engine takes (:meth:`take`).

    It reads as far ahead as the engine has shown to need: twice as far each time that it found nothing.

    Args:
        inputs: The caller's.

    Attributes:
        notify: Called when there is room for more, from the engine's thread; whoever reads sets it.
        quick: Whether the last input came at once.
    """

    def __init__(self, inputs: Iterator[Any]) -> None:
        self._inputs = inputs
        self.notify: Callable[[], None] = _nobody
        self._wake: Callable[[], None] = _nobody
        self._waiting: deque[Any] = deque()
        self._ahead = _AHEAD
        self._is_missed = False
        self._over = False
        self._failure: Exception | None = None
        self._reading = Lock()
        self._reader: int | None = None
        self.quick = True

    # -- the engine's side -------------------------------------------------------------------------------------------

    def take(self) -> Any:
        """The next input that was read."""
        over = self._over  # asked first: what is waiting afterwards is all there is
        if not self._waiting:
            self._is_missed = True  # set before the second look: an input that is read after it wakes the engine
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
        """Have a function called when an input has been read that :meth:`take` did not find."""
        self._wake = wake

    async def aclose(self) -> None:
        """Read no more. The caller's iterable is let go of by :meth:`release`, not on this thread."""
        self._over = True

    # -- the reader's side -------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> bool:
        """Whether there is room for more inputs, and nobody reading them."""
        return not self._over and len(self._waiting) < self._ahead and not self._reading.locked()

    @property
    def is_reading_here(self) -> bool:
        """Whether this thread is in the middle of reading: then the caller's iterable itself is asking."""
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
        except Exception as error:  # noqa: BLE001 - raised where the items are taken, once what is under way has ended
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
        """Read no more, and let go of the caller's iterable on this thread: what it closes then is bound to it.

        Where another thread is reading, that one does so.
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


def _nobody() -> None:
    """What is called before anybody listens."""


def source_of(
    inputs: Inputs, *, relayed: bool, examiner: Examiner | None = None, columns: Columns | None = None
) -> Source:
    """The source for a batch's inputs.

    Args:
        inputs: What the caller gave.
        relayed: Whether the thread that iterates can read them. It looks at each, too, before it reads the next: their
            owner may use one object for all.
        examiner: What looks at each; of keys and rows as the caller says.
        columns: The columns of a table that are read; None for all.

    Raises:
        InvalidInputError: They are no inputs.
    """
    iterator = read(inputs, None if columns is None else list(columns))
    if isinstance(iterator, AsyncIterator):
        return Awaited(iterator)
    if relayed and not isinstance(inputs, (list, tuple, range)):
        return Relay(map(examiner or Examiner(), iterator))
    if isinstance(inputs, str) and InputFile(inputs).is_remote:
        return Awaited(_on_threads(iterator))
    return Inline(iterator)


async def _on_threads(rows: Iterator[Any]) -> AsyncIterator[Any]:
    """Rows that are read on threads, so that an address that answers slowly holds up no execution."""
    while some := await asyncio.to_thread(lambda: list(islice(rows, _AHEAD))):
        for row in some:
            yield row
