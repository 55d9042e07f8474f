"""An event loop in a thread of its own, for blocking code over awaited code."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import threading
import weakref
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class LoopEndedError(RuntimeError):
    """The loop ended, and some work with it or before it.

    Attributes:
        begun: Whether the work had begun.
    """

    def __init__(self, *, begun: bool) -> None:
        super().__init__("the event loop of this work is over")
        self.begun = begun


class LoopThread:
    """Runs coroutines for threads that wait for them; it ends when it is closed or forgotten, and with the program."""

    def __init__(self) -> None:
        self._life = _Life(asyncio.new_event_loop())
        self._end = weakref.finalize(self, self._life.end)
        self._end.atexit = False  # then it is halted

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns. An exception in the waiting thread (Ctrl-C) cancels it.

        Raises:
            LoopEndedError: This was closed before the coroutine was over, which is cancelled then.
        """
        if self._life.is_here():  # the garbage collector strikes anywhere, here too
            self._life.begin(work)
            return None  # type: ignore[return-value]
        running = self._life.submit(work)
        try:
            return running.result()
        except concurrent.futures.CancelledError as error:
            raise LoopEndedError(begun=True) from error
        except BaseException:
            running.cancel()
            raise

    def close(self) -> None:
        """End the loop and its thread, and what runs there."""
        self._end()


class _Life:
    """A loop and its thread, which know nothing of the object that stands for them, so that it can be forgotten."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._process = os.getpid()
        self._gate = threading.RLock()  # for what is closed by a finalizer in the thread that holds it
        self._over = self._halted = False
        self._closings: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._live, name="simstudio-loop", daemon=True)
        try:
            self._thread.start()
        except BaseException:
            loop.close()
            raise
        atexit.register(self.halt)

    def is_here(self) -> bool:
        """Whether the loop's thread asks."""
        return threading.current_thread() is self._thread

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Have some work done for which nobody waits: it closes something."""
        if self._loop.is_closed():
            work.close()
            return
        task = self._loop.create_task(work)
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Have some work done. What is accepted has begun before the loop is stopped, so that nobody waits for ever."""
        with self._gate, suppress(RuntimeError):  # in such a finalizer's thread the loop may be closed by now
            if not self._over:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        if self._halted and threading.current_thread().daemon:
            threading.Event().wait()
        raise LoopEndedError(begun=False)

    def halt(self) -> None:
        """Stop the loop at the end of the program.

        Whoever waits for it then is a daemon thread, and would only print that it was not answered: it waits until it
        is gone, as does one that comes with more work.
        """
        self._halted = True
        self.end()

    def end(self) -> None:
        """End the loop, and wait for its thread. In a forked child, where there is no thread, nothing is to be done."""
        atexit.unregister(self.halt)
        if os.getpid() != self._process:
            return
        with self._gate:
            if not self._over:
                self._over = True
                self._loop.call_soon_threadsafe(self._loop.stop)
        if not self.is_here():
            self._thread.join()

    def _live(self) -> None:
        try:
            self._loop.run_forever()
            if not self._halted:
                self._loop.run_until_complete(self._finish())
        finally:
            self._loop.close()

    async def _finish(self) -> None:
        """Cancel everything and let it end, as ``asyncio.run`` does: whoever waits for it is told."""
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks - self._closings:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
