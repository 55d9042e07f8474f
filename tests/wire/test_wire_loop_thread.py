"""The event loop in a thread of its own: nobody who waits for it waits for ever."""

from __future__ import annotations

import asyncio
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from faultserver import PATIENCE

from simstudio.transport.wire.loopthread import LoopEndedError, LoopThread

pytestmark = pytest.mark.only_httpx("it is about a loop that only another wire needs")


def test_it_gives_what_a_coroutine_gives() -> None:
    async def work() -> int:
        return 7

    async def fail() -> None:
        raise ZeroDivisionError

    thread = LoopThread()
    assert thread.run(work()) == 7
    with pytest.raises(ZeroDivisionError):
        thread.run(fail())
    thread.close()


def test_closing_cancels_what_runs_lets_it_end_and_tells_who_waits() -> None:
    thread = LoopThread()
    begun, ended = threading.Semaphore(0), []

    async def wait() -> None:
        try:
            begun.release()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # what cleans up may wait too
            ended.append(True)

    with ThreadPoolExecutor(5) as threads:
        waiting = [threads.submit(thread.run, wait()) for _ in range(5)]
        assert all(begun.acquire(timeout=PATIENCE) for _ in waiting)
        thread.close()
        for call in waiting:
            error = call.exception(PATIENCE)
            assert isinstance(error, LoopEndedError)
            assert error.begun
    assert ended == [True] * 5
    assert thread._life._loop.is_closed()


def test_it_takes_no_work_when_it_is_closed() -> None:
    thread = LoopThread()
    thread.close()
    thread.close()
    work = asyncio.sleep(0)
    with pytest.raises(LoopEndedError) as caught:
        thread.run(work)
    assert not caught.value.begun
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED


def test_whoever_comes_while_it_is_closed_is_refused_or_cancelled() -> None:
    for _ in range(50):
        thread = LoopThread()
        start = threading.Barrier(5)

        def call(thread: LoopThread = thread, start: threading.Barrier = start) -> BaseException | None:
            start.wait(PATIENCE)
            try:
                while True:
                    thread.run(asyncio.sleep(0))
            except LoopEndedError as error:
                return error

        with ThreadPoolExecutor(4) as threads:
            calls = [threads.submit(call) for _ in range(4)]
            start.wait(PATIENCE)
            thread.close()
            assert all(isinstance(called.result(PATIENCE), LoopEndedError) for called in calls)


def test_what_is_closed_in_its_own_thread_is_closed_before_it_ends() -> None:
    """Where the garbage collector strikes there; nobody can wait for it."""
    thread = LoopThread()
    closed = []

    async def close() -> None:
        await asyncio.sleep(0)
        closed.append(True)

    def strike() -> None:
        thread.run(close())
        thread.close()

    thread._life._loop.call_soon_threadsafe(strike)
    thread._life._thread.join(PATIENCE)
    assert closed == [True]
    assert thread._life._loop.is_closed()


def test_its_asynchronous_generators_are_closed_when_it_is_forgotten() -> None:
    thread = LoopThread()
    closed = []

    async def generate() -> None:
        async def live():  # type: ignore[no-untyped-def]
            try:
                yield
            finally:
                await asyncio.sleep(0)
                closed.append(True)

        generators.append(live())
        await generators[0].__anext__()

    generators: list[object] = []
    thread.run(generate())
    life = thread._life._thread
    del thread
    life.join(PATIENCE)
    assert closed == [True]
