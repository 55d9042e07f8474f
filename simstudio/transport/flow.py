"""Flows: generators that decide what a call does, and the two drivers that do it.

A flow yields a :data:`Step`, such as a request or a pause, receives its outcome, and at last returns a result. It never
blocks, awaits or reads a clock itself, so one definition serves sync and async clients, and a test can drive it by
hand::

    def ping() -> Flow[int]:
        response = yield Request("GET", "https://example.com/health")
        yield Sleep(0.5)
        return response.status

Read ``yield from`` as an ``await`` that works in sync and async code. ``httpx.Auth.auth_flow`` has the same shape.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from simstudio.transport.errors import ConfigurationError
from simstudio.transport.message import Body, Request, Response

if TYPE_CHECKING:
    import asyncio
    from types import ModuleType
    from typing import TypeAlias

    from simstudio.transport.wire.protocols import AsyncWire, Wire

T = TypeVar("T")


class Sleep:
    """A step: sleep for ``seconds``."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"Sleep({self.seconds!r})"


class Call:
    """A step: call a function of the user. Only the async driver accepts an async function."""

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function = function
        self.args = args


class Blocking:
    """A step: call a function that blocks, such as one that reads files. The async driver calls it in a thread."""

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function = function
        self.args = args


class FromBody:
    """A step: call a method of the unread :class:`~simstudio.transport.message.Body` of a response."""

    __slots__ = ("body", "what")

    def __init__(self, body: Body, what: Literal["piece", "read", "drain", "close"]) -> None:
        self.body = body
        self.what = what


class Gather:
    """A step: run flows, several at a time, and give the list of their results.

    The first error ends it: flows that have not begun are not run, those that run are waited for (the async driver
    cancels them; after Ctrl-C the sync driver leaves them), and the error is raised.

    Args:
        flows: The flows. The sync driver runs each on a thread.
        limit: Number of flows that run at a time.
        stop: Called after the first error by the sync driver, which cannot cancel threads: it may end those that run.
    """

    __slots__ = ("flows", "limit", "stop")

    def __init__(self, flows: Sequence[Flow[Any]], limit: int, stop: Callable[[], object] = lambda: None) -> None:
        self.flows = flows
        self.limit = limit
        self.stop = stop


Step: TypeAlias = Request | Sleep | Call | Blocking | FromBody | Gather
Flow: TypeAlias = Generator[Step, Any, T]


def drive(flow: Flow[T], wire: Wire, *, seen: list[Response] | None = None) -> T:
    """Run a flow, blocking, and return its result. If the flow raises, responses that are still open are closed.

    Args:
        wire: Sends the requests.
        seen: List to which every response is added.
    """
    opened: list[Response] = []
    try:
        step = flow.send(None)
        while True:
            try:
                if isinstance(step, Request):
                    result: Any = wire.send(step)
                    if seen is not None:
                        seen.append(result)
                    if result.body is not None:
                        opened.append(result)
                elif isinstance(step, Sleep):
                    result = None
                    time.sleep(step.seconds)
                elif isinstance(step, Call):
                    result = _call(step)
                elif isinstance(step, FromBody):
                    result = getattr(step.body, step.what)()
                elif isinstance(step, Blocking):
                    result = step.function(*step.args)
                else:
                    result = _gather(step, wire, seen)
            except BaseException as error:  # noqa: BLE001 - the flow handles the error or raises it again
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    except BaseException:
        for body in _unread_bodies(opened):
            body.close()
        raise


async def adrive(flow: Flow[T], wire: AsyncWire, *, seen: list[Response] | None = None) -> T:
    """Run a flow, awaiting its steps; otherwise like :func:`drive`. Cancellation is raised inside the flow.

    Raises:
        ConfigurationError: No event loop of asyncio is running.
    """
    running_loop()
    opened: list[Response] = []
    try:
        step = flow.send(None)
        while True:
            try:
                if isinstance(step, Request):
                    result: Any = await wire.send(step)
                    if seen is not None:
                        seen.append(result)
                    if result.body is not None:
                        opened.append(result)
                elif isinstance(step, Sleep):
                    result = None
                    await _import_asyncio().sleep(step.seconds)
                elif isinstance(step, Call):
                    result = await _call_async(step)
                elif isinstance(step, FromBody):
                    result = await getattr(step.body, f"a{step.what}")()
                elif isinstance(step, Blocking):
                    result = await _import_asyncio().to_thread(step.function, *step.args)
                else:
                    result = await _gather_async(step, wire, seen)
            except BaseException as error:  # noqa: BLE001 - the flow handles the error or raises it again
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    except BaseException:
        for body in _unread_bodies(opened):
            await body.aclose()
        raise


def _import_asyncio() -> ModuleType:
    """Import asyncio late: the import takes longer than that of this package, and sync clients do not need it."""
    import asyncio

    return asyncio


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        ConfigurationError: No event loop of asyncio is running, as under trio.
    """
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        raise ConfigurationError(
            "The async client needs a running event loop of asyncio. In another async library use the sync client in a "
            "thread."
        ) from error


def _gather(step: object, wire: Wire, seen: list[Response] | None) -> list[Any]:
    if not isinstance(step, Gather):
        raise _unknown_step_error(step)
    if len(step.flows) < 2 or step.limit < 2:
        return [drive(flow, wire, seen=seen) for flow in step.flows]
    from concurrent.futures import ThreadPoolExecutor, as_completed
    from contextvars import copy_context

    pool = ThreadPoolExecutor(min(step.limit, len(step.flows)), thread_name_prefix="simstudio")
    running = [pool.submit(copy_context().run, drive, flow, wire, seen=seen) for flow in step.flows]
    try:
        for future in as_completed(running):
            future.result()
    except BaseException as error:
        step.stop()
        # Ctrl-C does not wait for threads that wait for a server; closing the client ends them.
        pool.shutdown(wait=isinstance(error, Exception), cancel_futures=True)
        raise
    pool.shutdown()
    return [future.result() for future in running]


async def _gather_async(step: object, wire: AsyncWire, seen: list[Response] | None) -> list[Any]:
    if not isinstance(step, Gather):
        raise _unknown_step_error(step)
    asyncio = _import_asyncio()
    results: dict[int, Any] = {}
    waiting = iter(enumerate(step.flows))

    async def work() -> None:
        for number, flow in waiting:
            results[number] = await adrive(flow, wire, seen=seen)

    workers = [asyncio.ensure_future(work()) for _ in range(min(step.limit, len(step.flows)))]
    try:
        await asyncio.gather(*workers)
    except BaseException:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        raise
    return [results[number] for number in range(len(step.flows))]


def _unread_bodies(opened: list[Response]) -> list[Body]:
    return [response.body for response in opened if response.body is not None]


def _call(step: Call) -> Any:
    result = step.function(*step.args)
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        name = getattr(step.function, "__qualname__", repr(step.function))
        raise ConfigurationError(f"{name} is async, and this client is not: use a plain function, or the async client.")
    return result


async def _call_async(step: Call) -> Any:
    result = step.function(*step.args)
    return await result if inspect.isawaitable(result) else result


def _unknown_step_error(step: object) -> ConfigurationError:
    return ConfigurationError(
        f"A flow yielded {type(step).__name__}, which is no step. In a middleware write "
        "`response = yield from call_next(request)`, not `yield call_next(request)`."
    )
