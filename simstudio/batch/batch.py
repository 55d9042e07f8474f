"""The iterators that users hold: :class:`Batch` and :class:`AsyncBatch`.

The engine runs on an event loop of its own thread for the first, and on the caller's for the second. Nothing begins
before the first item is asked for; while nobody asks, no more than a window of items is begun. Whoever asks for the
next item of the first reads inputs while there is none (:class:`~simstudio.batch.sources.Relay`).
"""

from __future__ import annotations

import asyncio
import sys
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from simstudio.batch.items import BatchItem
from simstudio.batch.progress import Progress

if TYPE_CHECKING:
    from simstudio.batch.delivery import Outbox
    from simstudio.batch.engine import Engine
    from simstudio.batch.sources import Relay

HIGH_WATER = 1000
"""Finished items that may wait for the consumer before nothing more is begun."""
DRAIN_PATIENCE = 30.0
"""Seconds that what is under way gets to end, after Ctrl-C."""
_LOOK_AGAIN = 1.0
"""Seconds. Without an end to it, a wait hears of no Ctrl-C on Windows."""
_READ_FOR_EACH = 2
"""Inputs read for each item given, where they come quickly: so that the engine has some while items abound."""


class BatchInterrupted(KeyboardInterrupt):
    """Ctrl-C during a batch. What was under way has ended, or is in the ledger as sent.

    Attributes:
        progress: How far it was.
        items: Items that ended meanwhile and were not given yet.
    """

    def __init__(self, progress: Progress, items: list[BatchItem]) -> None:
        super().__init__(f"Interrupted: {progress}.")
        self.progress = progress
        self.items = items


class _Box:
    """Finished items between the engine's thread and the consumer's."""

    def __init__(self) -> None:
        self.items: deque[BatchItem] = deque()
        self.changed = threading.Condition()

    @property
    def full(self) -> bool:
        return len(self.items) >= HIGH_WATER

    def put(self, item: BatchItem) -> None:
        with self.changed:
            self.items.append(item)
            self.changed.notify()

    def look(self) -> None:
        """Wake those who wait: there is something else to do."""
        with self.changed:
            self.changed.notify_all()


class Batch(Iterator[BatchItem]):
    """Many executions: iterate over what becomes of them.

    Example:
        >>> with client.workflows.map("wf", [{"n": 1}, {"n": 2}]) as batch:  # doctest: +SKIP
        ...     for item in batch:
        ...         print(item.index, item.output if item.ok else item.error)

    Leaving the ``with`` begins nothing more and waits for what is under way. Ctrl-C does the same and raises
    :class:`~simstudio.BatchInterrupted`; a second one leaves at once.
    """

    def __init__(self, make: Callable[[Outbox], Engine], close: Callable[[], None], relay: Relay | None = None) -> None:
        self._thread: threading.Thread | None = None
        self._box = _Box()
        self._relay = relay
        if relay is not None:
            relay.notify = self._box.look
        self._engine = make(self._box)
        self._over = threading.Event()
        self._failure: list[BaseException] = []
        self._finalizer = weakref.finalize(self, close)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._engine.progress

    def __iter__(self) -> Batch:
        return self

    def __next__(self) -> BatchItem:
        """The next item.

        Raises:
            SimStudioError: No item can be executed (wrong key, unknown workflow, damaged ledger …), or one failed and
                ``stop_on_error`` is set.
            BatchInterrupted: Ctrl-C.
        """
        try:
            self._start()
            item = self._wait()
        except KeyboardInterrupt:
            raise self._interrupted() from None
        if item is not None:
            self._engine.wake()
            return item
        self._finalizer()
        if self._failure:
            raise self._failure.pop()
        raise StopIteration

    def run(self) -> Progress:
        """Execute everything, keep nothing, and tell how it went: for batches whose ledger or ``on_result`` is wanted.

        Raises:
            SimStudioError: What iterating raises.
        """
        for _ in self:
            pass
        return self.progress

    def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        if self._thread is None:
            self._over.set()  # nothing ever begins
        elif not self._over.is_set():
            self._engine.drain()
            try:
                self._over.wait(DRAIN_PATIENCE)
            finally:
                self._engine.abort()
                self._over.wait(DRAIN_PATIENCE)
        self._finalizer()

    def _start(self) -> None:
        if self._thread is None and not self._over.is_set():
            parts = (self._engine, self._box, self._over, self._failure)
            self._thread = threading.Thread(target=_run, args=parts, name="simstudio-batch", daemon=True)
            self._thread.start()

    def _wait(self) -> BatchItem | None:
        """The next item, None after the last; reads inputs meanwhile, and a few more for each item that it gives."""
        box, relay = self._box, self._relay
        while True:
            with box.changed:
                while not box.items and not self._over.is_set() and not (relay is not None and relay.wanted):
                    box.changed.wait(_LOOK_AGAIN)
                if box.items or self._over.is_set():
                    item = box.items.popleft() if box.items else None
                    break
            if relay is not None:
                relay.read()
        if relay is not None and relay.wanted:
            for _ in range(_READ_FOR_EACH if relay.quick and item is not None else 0):
                relay.read()
            box.look()  # another thread may go on reading
        return item

    def _interrupted(self) -> BatchInterrupted:
        self.close()
        return BatchInterrupted(self.progress, list(self._box.items))

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._thread is not None:
            self._engine.abort()

    def __repr__(self) -> str:
        return f"<Batch: {self.progress}>"


def _run(engine: Engine, box: _Box, over: threading.Event, failure: list[BaseException]) -> None:
    """The engine's thread. It knows nothing of the :class:`Batch`, so that a forgotten one ends it."""
    try:
        asyncio.run(engine.run())
    except BaseException as error:  # noqa: BLE001 - it is raised where the items are taken
        failure.append(error)
    finally:
        with box.changed:
            over.set()
            box.changed.notify_all()


class _AsyncBox:
    """Finished items between the engine's task and the consumer's."""

    def __init__(self) -> None:
        self.items: deque[BatchItem] = deque()
        self.changed: asyncio.Event | None = None

    @property
    def full(self) -> bool:
        return len(self.items) >= HIGH_WATER

    def put(self, item: BatchItem) -> None:
        self.items.append(item)
        self.look()

    def look(self, _: object = None) -> None:
        """Wake the consumer."""
        if self.changed is not None:
            self.changed.set()


class AsyncBatch(AsyncIterator[BatchItem]):
    """Many executions, awaited; otherwise like :class:`Batch`.

    The call that makes it is not awaited: ``async for item in client.workflows.map("wf", inputs)``. When the task that
    iterates is cancelled (as Ctrl-C does under ``asyncio.run``), nothing more is begun, what is under way may end, and
    then the cancellation goes on, with a note that says how far the batch was.
    """

    def __init__(self, make: Callable[[Outbox], Engine], close: Callable[[], None]) -> None:
        self._box = _AsyncBox()
        self._engine = make(self._box)
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._finalizer = weakref.finalize(self, close)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._engine.progress

    def __aiter__(self) -> AsyncBatch:
        return self

    async def __anext__(self) -> BatchItem:
        """The next item; raises what :meth:`Batch.__next__` does."""
        box = self._box
        if self._task is None:
            if self._closed:
                raise StopAsyncIteration
            box.changed = asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._engine.run())
            self._task.add_done_callback(box.look)
        assert box.changed is not None  # noqa: S101 - made above
        try:
            while not box.items and not self._task.done():
                box.changed.clear()
                await box.changed.wait()
        except asyncio.CancelledError as error:
            await self.aclose()
            if sys.version_info >= (3, 11):  # not an error of our own: asyncio.timeout() must know this one again
                error.add_note(f"The batch ended early: {self.progress}.")
            raise
        if box.items:
            self._engine.wake()
            return box.items.popleft()
        self._finalizer()
        self._task.result()
        raise StopAsyncIteration

    async def run(self) -> Progress:
        """Execute everything, keep nothing, and tell how it went."""
        async for _ in self:
            pass
        return self.progress

    async def aclose(self) -> None:
        """Begin nothing more, and wait for what is under way, up to 30 s."""
        task, self._closed = self._task, True
        if task is not None and not task.done():
            self._engine.drain()
            try:
                await asyncio.wait([task], timeout=DRAIN_PATIENCE)
            finally:
                self._engine.abort()
                await asyncio.wait([task], timeout=DRAIN_PATIENCE)
        self._finalizer()

    async def __aenter__(self) -> AsyncBatch:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<AsyncBatch: {self.progress}>"
