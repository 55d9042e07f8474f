"""Flows: generators that decide, and the two small drivers that do.

A flow yields what it needs from the world (a :data:`Step`) and returns its result. It never blocks, awaits or looks at
a clock by itself, so that one definition serves the sync and the async client, and a test can drive it by hand::

    def ping() -> Flow[int]:
        response = yield Request("GET", "https://sim.ai/api/health")
        yield Sleep(0.5)
        return response.status

Read ``yield from`` as a colourless ``await``. The shape is that of ``httpx.Auth.auth_flow``,
carried through the client.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from simstudio.transport.errors import ConfigurationError
from simstudio.transport.message import Body, Request, Response

if TYPE_CHECKING:
    from types import ModuleType
    from typing import TypeAlias

T = TypeVar("T")


class Sleep:
    """A step: wait for ``seconds``."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"Sleep({self.seconds!r})"


class Call:
    """A step: call a user's function. What it returns is awaited by the async driver, and refused by the sync one."""

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function = function
        self.args = args


class Blocking:
    """A step: call a function that blocks (files): at once on the sync side, in a thread on the async one."""

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function = function
        self.args = args


class FromBody:
    """A step: do something with the unread body of a response.

    Take the next ``piece`` (None at the end), ``read`` the rest into ``response.content``, ``drain`` an end that comes
    at once, or ``close``.
    """

    __slots__ = ("body", "what")

    def __init__(self, body: Body, what: Literal["piece", "read", "drain", "close"]) -> None:
        self.body = body
        self.what = what


Step: TypeAlias = Request | Sleep | Call | Blocking | FromBody
Flow: TypeAlias = Generator[Step, Any, T]


class Wire(Protocol):
    """What carries a request to a server and brings its response, blocking."""

    def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class AsyncWire(Protocol):
    """What carries a request to a server and brings its response, awaited."""

    async def send(self, request: Request) -> Response:
        """Send one request; see :mod:`simstudio.transport.wire`."""
        ...

    async def aclose(self) -> None:
        """Close every connection of the running loop."""
        ...


def drive(flow: Flow[T], wire: Wire, *, seen: list[Response] | None = None) -> T:
    """Run a flow, blocking.

    Args:
        flow: What to run.
        wire: Where its requests go.
        seen: Collects every response that came, in order, when given.

    Returns:
        What the flow returns. Whatever it raises comes out; a response still open then is closed.
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
                    result = _called(step)
                elif isinstance(step, FromBody):
                    result = getattr(step.body, step.what)()
                elif isinstance(step, Blocking):
                    result = step.function(*step.args)
                else:
                    raise _no_step(step)
            except BaseException as error:  # noqa: BLE001 - it belongs to the flow, which re-raises what it cannot use
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    except BaseException:
        for body in _unread(opened):
            body.close()
        raise


async def adrive(flow: Flow[T], wire: AsyncWire, *, seen: list[Response] | None = None) -> T:
    """Run a flow, awaiting; otherwise like :func:`drive`. A flow is told of its cancellation and may clean up."""
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
                    await _asyncio().sleep(step.seconds)
                elif isinstance(step, Call):
                    result = await _awaited(step)
                elif isinstance(step, FromBody):
                    result = await getattr(step.body, f"a{step.what}")()
                elif isinstance(step, Blocking):
                    result = await _asyncio().to_thread(step.function, *step.args)
                else:
                    raise _no_step(step)
            except BaseException as error:  # noqa: BLE001 - it belongs to the flow, which re-raises what it cannot use
                step = flow.throw(error)
            else:
                step = flow.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    except BaseException:
        for body in _unread(opened):
            await body.aclose()
        raise


def _asyncio() -> ModuleType:
    """asyncio, imported by who needs it: it takes longer than all of this package, and a sync client needs none."""
    import asyncio

    return asyncio


def _unread(opened: list[Response]) -> list[Body]:
    return [response.body for response in opened if response.body is not None]


def _called(step: Call) -> Any:
    result = step.function(*step.args)
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        name = getattr(step.function, "__qualname__", repr(step.function))
        raise ConfigurationError(f"{name} is async, and this client is not: use a plain function, or the async client.")
    return result


async def _awaited(step: Call) -> Any:
    result = step.function(*step.args)
    return await result if inspect.isawaitable(result) else result


def _no_step(step: object) -> ConfigurationError:
    return ConfigurationError(
        f"A flow yielded {type(step).__name__}, which is no step. In a middleware write "
        "`response = yield from call_next(request)`, not `yield call_next(request)`."
    )
