"""A running engine: on its own thread, or as a task of the caller's event loop.

It holds no reference to the iterator that the user holds, so that the iterator can be garbage-collected. The running
executions then end in the background and are written to the ledger, and the engine closes the ledger.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from simstudio.batch.backlog import Backlog
from simstudio.batch.engine import Engine
from simstudio.batch.items import BatchItem
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.flow import running_loop

if TYPE_CHECKING:
    from simstudio.core.session import Session

DRAIN_PATIENCE = 30.0
"""Seconds that running items have to end when a batch ends early."""

_TOGETHER = 0.01
"""Seconds that a finished item may wait for others, before the consumer is woken."""

logger = logging.getLogger("simstudio.batch")
_alive: set[Threaded] = set()


def wait_for_those_left(ledger: str) -> None:
    """Wait, up to 30 s, for batches of this process that were left and still write this ledger.

    Args:
        ledger: Its path, as :func:`~simstudio.batch.ledger.lock.canonical` has it.
    """
    for running in list(_alive):
        if running.left and running.ledger == ledger:
            running.over.wait(DRAIN_PATIENCE)


class Box:
    """Finished items between the engine's thread and the consumer's."""

    def __init__(self) -> None:
        self.items = Backlog()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self._waking = False

    @property
    def full(self) -> bool:
        """Whether the consumer is behind."""
        return self.items.full

    def put(self, item: BatchItem) -> None:
        """Hand an item over, on the engine's event loop.

        The consumer is woken once for the items of some milliseconds: two threads that take turns for each item would
        cost more than the items do.
        """
        with self.lock:
            self.items.put(item)
        if not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_later(_TOGETHER, self._wake)

    def _wake(self) -> None:
        self._waking = False
        with self.changed:
            self.changed.notify()

    def look(self) -> None:
        """Wake the consumer for something other than an item."""
        with self.changed:
            self.changed.notify_all()


class Threaded:
    """An engine on a thread of its own.

    Args:
        engine: Not run before.
        box: Queue of finished items.
        close: Closes the ledger, the results file and stores; called once, after the engine.
        remembers: Whether ends of items are recorded without an iteration, by a ledger or by ``on_result``.
        ledger: Path of the ledger that it writes; None without one.

    Attributes:
        left: Whether the iteration has ended early.
        over: Set when the engine has ended, or will never begin.
        failure: Error that ended it; None at the end of the inputs.
    """

    def __init__(
        self, engine: Engine, box: Box, close: Callable[[], None], *, remembers: bool, ledger: str | None = None
    ) -> None:
        self.over = threading.Event()
        self.left = False
        self.ledger = ledger
        self.failure: BaseException | None = None
        self.engine = engine
        self.remembers = remembers
        self._box = box
        self._close = close
        self._thread: threading.Thread | None = None
        self._thread_id: int | None = None  # a later thread may have the same
        self._starting = threading.Lock()
        self._process = os.getpid()

    def start(self) -> None:
        """Start the thread, at the first call.

        Raises:
            ConfigurationError: The call comes from a forked process, which has no such thread, or from the batch's own
                thread.
        """
        if self._thread is None:
            with self._starting:
                if self._thread is None and not self.over.is_set():
                    self._thread = threading.Thread(target=self._run, name="simstudio-batch", daemon=True)
                    _alive.add(self)
                    self._thread.start()
        elif self.is_here():
            raise ConfigurationError(
                "The next item of a batch cannot be waited for on its own thread, on which on_result= and progress= "
                "are called: take it where you iterate."
            )
        if os.getpid() != self._process:
            raise ConfigurationError("A batch does not go on in a forked process: start it where it is iterated over.")

    def leave(self) -> None:
        """Begin no further item, and do not wait. Running items end in the background if their ends are recorded."""
        self.left = True
        if self._ends_unbegun():
            return
        if self.remembers:
            self.engine.drain()
        else:
            self.engine.abort()

    def end(self) -> None:
        """Begin no further item, and wait for running ones, up to 30 s; an interrupt ends the wait."""
        if self._ends_unbegun() or self.over.is_set() or os.getpid() != self._process:
            return
        self.engine.drain()
        if self.is_here():
            return
        try:
            self.over.wait(DRAIN_PATIENCE)
        finally:
            self.engine.abort()
            self.over.wait(DRAIN_PATIENCE)

    def _ends_unbegun(self) -> bool:
        with self._starting:
            if self._thread is not None:
                return False
            unbegun = not self.over.is_set()
            self.over.set()
        if unbegun and os.getpid() == self._process:
            self._close()
        return True

    def is_here(self) -> bool:
        """Whether the caller is the batch's own thread."""
        return threading.get_ident() == self._thread_id and threading.current_thread() is self._thread

    def _run(self) -> None:
        self._thread_id = threading.get_ident()
        try:
            asyncio.run(self.engine.run())
        except BaseException as error:  # noqa: BLE001 - raised where the items are taken
            self.failure = error
        finally:
            try:
                self._close()
            except Exception as error:  # noqa: BLE001 - raised there as well
                self.failure = self.failure or error
            _alive.discard(self)
            with self._box.changed:
                self.over.set()
                self._box.changed.notify_all()


@atexit.register
def _at_exit() -> None:
    """Let running executions end if their results are recorded: the interpreter kills daemon threads at its exit."""
    left = [running for running in _alive if running._process == os.getpid()]
    for running in left:
        running.leave()
    busy = sum(running.engine.progress.running for running in left if running.remembers)
    if busy:
        logger.warning(
            "A batch was left before its end: waiting up to %g s for the %d executions that are under way, so that "
            "their ends are known. Ctrl-C leaves them, too.",
            DRAIN_PATIENCE,
            busy,
        )
    end = time.monotonic() + DRAIN_PATIENCE
    try:
        for running in left:
            running.over.wait(max(0.0, end - time.monotonic()))
    finally:
        for running in left:
            running.engine.abort()
        for running in left:
            running.over.wait(2.0)


class Awaited:
    """An engine as a task of the running event loop.

    Args:
        engine: Not run before.
        close: Closes the ledger, the results file and stores; called once, after the engine.
        session: The client's, which keeps its connections open until the batch has ended.
        remembers: Whether ends of items are recorded without an iteration.
    """

    def __init__(self, engine: Engine, close: Callable[[], None], session: Session, *, remembers: bool) -> None:
        self.engine = engine
        self._close = close
        self._session = session
        self._remembers = remembers
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task; None before it begins."""
        return self._task

    def start(self, look: Callable[[object], None]) -> asyncio.Task[None] | None:
        """Start the task, at the first call. ``look`` is called at its end. None if the batch was closed before."""
        if self._task is None and not self._ended:
            loop = running_loop()
            self._session.on_close.add(self.end)  # also the reference that asyncio does not keep
            self._task = loop.create_task(self._run())
            self._task.add_done_callback(look)
            self._task.add_done_callback(self._forget)
        return self._task

    def leave(self) -> None:
        """Begin no further item, and do not wait. Running items end in the background if their ends are recorded."""
        if self._task is None:
            self._end_unbegun()
        elif not self._task.done():
            if self._remembers:
                self.engine.drain()
            else:
                self.engine.abort()

    async def end(self) -> None:
        """Begin no further item, and wait for running ones, up to 30 s; a cancellation ends the wait."""
        task = self._task
        if task is None:
            self._end_unbegun()
        elif not task.done() and task.get_loop() is asyncio.get_running_loop():
            self.engine.drain()
            if self.engine.is_part(asyncio.current_task()):
                return
            try:
                await asyncio.wait([task], timeout=DRAIN_PATIENCE)
            finally:
                self.engine.abort()
                await asyncio.wait([task], timeout=DRAIN_PATIENCE)

    def _end_unbegun(self) -> None:
        if not self._ended:
            self._ended = True
            self._close()

    async def _run(self) -> None:
        try:
            await self.engine.run()
        finally:
            self._close()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._session.on_close.discard(self.end)
        with suppress(asyncio.CancelledError):
            task.exception()  # retrieved here, else asyncio logs it if the consumer has left
