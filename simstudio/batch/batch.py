"""The iterators that users hold: :class:`Batch` and :class:`AsyncBatch`.

The engine of a :class:`Batch` runs on an event loop in its own thread, the engine of an :class:`AsyncBatch` on the
caller's event loop (:mod:`simstudio.batch.running`). It starts with the iteration. While the consumer takes no items,
at most a window of items is started. The thread that iterates over a :class:`Batch` reads the inputs while it waits
(:class:`~simstudio.batch.sources.Relay`).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic

from simstudio.batch.backlog import Backlog
from simstudio.batch.errors import BatchInterrupted
from simstudio.batch.execution import R
from simstudio.batch.items import BatchItem
from simstudio.batch.progress import Progress, progress_html
from simstudio.batch.running import Awaited, Box, Threaded
from simstudio.batch.summary import Summary
from simstudio.core.functions import with_hints
from simstudio.transport.errors import ConfigurationError, SimStudioError

if TYPE_CHECKING:
    from simstudio.batch.delivery import Outbox
    from simstudio.batch.engine import Engine
    from simstudio.batch.sources import Relay
    from simstudio.core.paging import Library
    from simstudio.core.session import Session

_LOOK_AGAIN = 1.0
"""Seconds that a wait lasts at most. On Windows Ctrl-C does not end a wait without a timeout."""
_READ_FOR_EACH = 2
"""Inputs read for each item that is taken, while inputs come quickly, so that the engine does not run out of them."""


class Batch(Iterator[BatchItem[R]], Generic[R]):
    """Many executions: an iterator over their items.

    Example:
        >>> with client.workflows.map("wf", [{"n": 1}, {"n": 2}]) as batch:  # doctest: +SKIP
        ...     for item in batch:
        ...         print(item.index, item.output if item.ok else item.error)

    At the end of the ``with`` no further item begins, and running items are waited for, up to 30 s. Ctrl-C during a
    wait does the same and raises :class:`~simstudio.BatchInterrupted`; a second Ctrl-C leaves at once. Without a
    ``with``, leaving the loop waits for nothing: no further item begins, and with a ledger, ``out`` or ``on_result``
    the running ones end in the background, or before the program ends.
    """

    def __init__(
        self,
        make: Callable[[Outbox], Engine],
        close: Callable[[], None],
        relay: Relay | None = None,
        *,
        remembers: bool = False,
        ledger: str | None = None,
    ) -> None:
        self._box = Box()
        self._relay = relay
        if relay is not None:
            relay.notify = self._box.look
        self._running = Threaded(make(self._box), self._box, close, remembers=remembers, ledger=ledger)

    @property
    def progress(self) -> Progress:
        """Numbers of finished, failed and running items, and the rate."""
        return self._running.engine.progress

    def summary(self) -> Summary:
        """A summary of the batch so far: items by state, errors, times, cost, and the rate."""
        return Summary.of(self.progress)

    def __iter__(self) -> Batch[R]:
        return self

    def __next__(self) -> BatchItem[R]:
        """The next item.

        Raises:
            SimStudioError: No item can be executed (wrong key, unknown workflow, damaged ledger …), or one failed and
                ``stop_on_error`` is set.
            ConfigurationError: The call comes from the batch's own thread, from its own inputs, or from a forked
                process.
            BatchInterrupted: Ctrl-C was pressed.
            Exception: The inputs, ``on_result`` or ``progress`` raised it.
        """
        try:
            self._running.start()
            if self._relay is not None and self._relay.is_reading_here:
                raise ConfigurationError("The inputs of a batch cannot wait for its items: they are what it waits for.")
            item = self._wait()
        except KeyboardInterrupt:
            raise self._make_interruption() from None
        if item is not None:
            return item
        self._release()
        failure, self._running.failure = self._running.failure, None
        if failure is not None:
            raise failure
        raise StopIteration

    def run(self) -> Progress:
        """Execute all items, keep none, and return the progress: for batches with a ledger, ``out`` or ``on_result``.

        Raises:
            SimStudioError: An error of the iteration.
        """
        for _ in self:
            pass
        return self.progress

    @with_hints
    def to_dataframe(
        self, library: Library = "pandas", *, flatten: bool = False, columns: Sequence[str] | None = None
    ) -> Any:
        """Execute all items and make a data frame of them, one row each.

        The columns are ``index``, ``key``, ``state``, ``input``, ``output``, ``error_type``, ``error_message``,
        ``error_code``, ``attempts``, ``elapsed`` and ``run_id``; in a batch with a ``budget`` also ``cost_dollars`` or
        ``cost_credits``, empty for items from a ledger. Items that were taken before have no row.

        Args:
            library: ``pandas``, ``polars`` or ``arrow``; it must be installed.
            flatten: Whether each value of a nested output has its own column: ``output.a.b``.
            columns: Names of the columns; default: all.

        Raises:
            ConfigurationError: The library is not installed.
            InvalidInputError: A column does not exist.
            SimStudioError: An error of the iteration.

        Warns:
            UntypedColumnWarning: A value does not fit the type of its column.

        Example:
            >>> frame = client.workflows.map("wf", inputs).to_dataframe(flatten=True)  # doctest: +SKIP
            >>> frame.groupby("state")["elapsed"].mean()  # doctest: +SKIP
        """
        from simstudio.batch.item_frames import ItemFrame

        frame = ItemFrame(library, columns, flat=flatten, cost=self.progress.cost)
        for item in self:
            frame.add(item)
        return frame.finish()

    def close(self) -> None:
        """Begin no further item, and wait for running ones, up to 30 s (on the batch's own thread: do not wait)."""
        try:
            self._running.end()
        finally:
            self._release()

    def _release(self) -> None:
        """Release the inputs, on the thread that read them."""
        if self._relay is not None and not self._running.is_here():
            self._relay.release()

    def _wait(self) -> BatchItem[R] | None:
        """The next item, None after the last. Reads inputs while it waits, and a few more for each item."""
        box, relay, over = self._box, self._relay, self._running.over
        while True:
            with box.lock:
                while (
                    not (waiting := len(box.items)) and not over.is_set() and not (relay is not None and relay.wanted)
                ):
                    box.changed.wait(_LOOK_AGAIN)
                if waiting or over.is_set():
                    was_full = box.items.full
                    item = box.items.take() if waiting else None
                    break
            if relay is not None:
                relay.read()
        if was_full:  # the engine begins nothing before it is woken
            self._running.engine.wake()
        if relay is not None and relay.wanted:
            try:
                for _ in range(_READ_FOR_EACH if relay.quick and item is not None else 0):
                    relay.read()
            except BaseException:  # Ctrl-C while an input was read
                if item is not None:
                    with box.lock:
                        box.items.put_back(item)
                raise
            box.look()  # another thread may go on reading
        return item

    def _make_interruption(self) -> BatchInterrupted:
        self.close()
        advice = "" if self._running.ledger is None else " The same call with the same ledger goes on from here."
        return BatchInterrupted(self.progress, list(self._box.items), advice)

    def __enter__(self) -> Batch[R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        running = getattr(self, "_running", None)
        if running is not None:
            running.leave()
            self._release()

    def _repr_html_(self) -> str:
        return progress_html(self.progress)

    def __repr__(self) -> str:
        return f"<Batch: {self.progress}>"


class _AsyncBox:
    """Finished items between the engine's task and the consumer's."""

    def __init__(self) -> None:
        self.items = Backlog()
        self.changed = asyncio.Event()

    @property
    def full(self) -> bool:
        return self.items.full

    def put(self, item: BatchItem) -> None:
        self.items.put(item)
        self.changed.set()

    def look(self, _: object = None) -> None:
        """Wake the consumer."""
        self.changed.set()


class AsyncBatch(AsyncIterator[BatchItem[R]], Generic[R]):
    """Many executions, awaited; otherwise like :class:`Batch`.

    The call that makes it is not awaited: ``async for item in client.workflows.map("wf", inputs)``. A wait for the next
    item that is cancelled (``asyncio.timeout``) leaves the batch as it is. When a program is cancelled, as Ctrl-C does
    under ``asyncio.run``, no further item begins at the end of the ``async with`` of the batch or the client, and
    running items are waited for, up to 30 s; the cancellation has a note with the progress. Without an ``async with``,
    running items are cancelled with the event loop.
    """

    def __init__(
        self,
        make: Callable[[Outbox], Engine],
        close: Callable[[], None],
        session: Session,
        *,
        remembers: bool = False,
    ) -> None:
        self._box = _AsyncBox()
        self._running = Awaited(make(self._box), close, session, remembers=remembers)

    @property
    def progress(self) -> Progress:
        """Numbers of finished, failed and running items, and the rate."""
        return self._running.engine.progress

    def summary(self) -> Summary:
        """A summary of the batch so far: items by state, errors, times, cost, and the rate."""
        return Summary.of(self.progress)

    def __aiter__(self) -> AsyncBatch[R]:
        return self

    async def __anext__(self) -> BatchItem[R]:
        """The next item. It raises the same errors as :meth:`Batch.__next__`."""
        box = self._box
        task = self._running.start(box.look)
        if task is None:
            raise StopAsyncIteration
        try:
            while not box.items and not task.done():
                box.changed.clear()
                await box.changed.wait()
        except asyncio.CancelledError as error:
            if sys.version_info >= (3, 11):  # no other error: asyncio.timeout() must recognize this one
                error.add_note(f"A batch was being iterated over: {self.progress}.")
            raise
        if box.items:
            was_full = box.full
            item = box.items.take()
            if was_full:  # the engine begins nothing before it is woken
                self._running.engine.wake()
            return item
        if task.cancelled():
            raise SimStudioError(f"The batch was cancelled with its event loop: {self.progress}.")
        task.result()
        raise StopAsyncIteration

    async def run(self) -> Progress:
        """Execute all items, keep none, and return the progress."""
        async for _ in self:
            pass
        return self.progress

    @with_hints
    async def to_dataframe(
        self, library: Library = "pandas", *, flatten: bool = False, columns: Sequence[str] | None = None
    ) -> Any:
        """Execute all items and make a data frame of them, as :meth:`Batch.to_dataframe` does."""
        from simstudio.batch.item_frames import ItemFrame

        frame = ItemFrame(library, columns, flat=flatten, cost=self.progress.cost)
        async for item in self:
            frame.add(item)
        return frame.finish()

    async def aclose(self) -> None:
        """Begin no further item, and wait for running ones, up to 30 s (in the batch's own tasks: do not wait)."""
        await self._running.end()

    async def __aenter__(self) -> AsyncBatch[R]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        running = getattr(self, "_running", None)
        if running is not None:
            running.leave()

    def _repr_html_(self) -> str:
        return progress_html(self.progress)

    def __repr__(self) -> str:
        return f"<AsyncBatch: {self.progress}>"
