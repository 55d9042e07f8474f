"""The four ways one definition is used, as types.

``Jobs[Sync].get(...)`` is a ``Job``; ``Jobs[Async].get(...)`` a coroutine of one; ``RawSync`` and ``RawAsync`` give an
:class:`APIResponse` of it. The types have no instances: they only tell a type checker what operations return.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from simstudio.core.session import LazyWire
from simstudio.transport.flow import AsyncWire, Flow, Wire, adrive, drive
from simstudio.transport.message import Response

if TYPE_CHECKING:
    from simstudio.transport.message import Headers

T = TypeVar("T")


class Mode:
    """Base of the four modes.

    Attributes:
        asynchronous: Whether operations are awaited.
        raw: Whether operations return an :class:`APIResponse`.
    """

    asynchronous: ClassVar[bool] = False
    raw: ClassVar[bool] = False


class Sync(Mode):
    """Blocking: an operation returns its result."""


class Async(Mode):
    """Awaited: an operation returns a coroutine of its result."""

    asynchronous = True


class RawSync(Mode):
    """Blocking, with the response: an operation returns an :class:`APIResponse`."""

    raw = True


class RawAsync(Mode):
    """Awaited, with the response: an operation returns a coroutine of an :class:`APIResponse`."""

    asynchronous = True
    raw = True


M = TypeVar("M", Sync, Async, RawSync, RawAsync)


class APIResponse(Generic[T]):
    """A result together with the HTTP response it was made of (``client.with_raw_response``).

    Attributes:
        response: The last response of the call; ``response.content`` is its body. Its status is 0 where nothing came
            off the wire (a middleware of your own answered, or an operation that bears failures bore one).

    Example:
        >>> client.with_raw_response.usage.limits().status  # doctest: +SKIP
        200
    """

    __slots__ = ("_value", "elapsed", "response")

    def __init__(self, value: T, seen: list[Response]) -> None:
        self._value = value
        self.response = seen[-1] if seen else Response(0)
        self.elapsed: float = sum(response.elapsed for response in seen)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @property
    def headers(self) -> Headers:
        """The response's headers."""
        return self.response.headers

    @property
    def request_id(self) -> str | None:
        """The id that the server or its proxy gave the request, when it sent one."""
        return self.response.request_id

    @property
    def attempts(self) -> int:
        """How many attempts the last request of the call took."""
        return self.response.attempt

    def parse(self) -> T:
        """The result, as the operation gives it without ``with_raw_response``."""
        return self._value

    def __repr__(self) -> str:
        return f"<APIResponse {self.status} {self.response.method} {self.response.path} attempts={self.attempts}>"


class Runner(Protocol):
    """Runs the flows of a client in its mode."""

    @property
    def mode(self) -> type[Mode]:
        """The mode of the client."""
        ...

    def run(self, flow: Flow[Any]) -> Any:
        """What a flow returns, or a coroutine of it."""
        ...

    def call(self, flow: Flow[Any]) -> Any:
        """What an operation returns in this mode: as ``run``, or with the response."""
        ...

    def raw(self) -> Runner:
        """The runner of the same wire whose operations return :class:`APIResponse`."""
        ...

    def concurrent(self, most: int) -> Concurrent:
        """What runs many flows of this client at a time, on the running event loop."""
        ...


class Concurrent(Protocol):
    """Runs many flows at a time, on one event loop."""

    async def run(self, flow: Flow[Any]) -> Any:
        """What a flow returns."""
        ...

    async def aclose(self) -> None:
        """Let go of what was opened for it."""
        ...


class _Loop:
    """Runs flows over an async wire: of the client's own, or one made for the purpose."""

    def __init__(self, wire: LazyWire[AsyncWire], *, owned: bool) -> None:
        self._wire = wire
        self._owned = owned

    async def run(self, flow: Flow[T]) -> T:
        """What a flow returns."""
        return await adrive(flow, self._wire.get())

    async def aclose(self) -> None:
        """Close the wire, where it was made for the purpose."""
        wire = self._wire.retire() if self._owned else None
        if wire is not None:
            await wire.aclose()


class _Threads:
    """Runs flows of a blocking wire on threads: the wire is a user's own, and nothing else may send in its place."""

    def __init__(self, wire: LazyWire[Wire], most: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._wire = wire
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="simstudio")

    async def run(self, flow: Flow[T]) -> T:
        """What a flow returns."""
        import asyncio

        wire = self._wire.get()
        return await asyncio.get_running_loop().run_in_executor(self._pool, drive, flow, wire)

    async def aclose(self) -> None:
        """End the threads; what still runs on them is left alone."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class SyncRunner:
    """Blocking."""

    mode: type[Mode] = Sync

    def __init__(self, wire: LazyWire[Wire], twin: Callable[[], AsyncWire] | None = None) -> None:
        self.wire = wire
        self._twin = twin

    def run(self, flow: Flow[T]) -> T:
        """What the flow returns."""
        return drive(flow, self.wire.get())

    call: Any = run

    def raw(self) -> Runner:
        """The runner whose operations return :class:`APIResponse`."""
        return RawSyncRunner(self.wire, self._twin)

    def concurrent(self, most: int) -> Concurrent:
        """An async wire like this client's own; threads where it sends with a client of the user's."""
        if self._twin is None:
            return _Threads(self.wire, most)
        self.wire.get()  # a closed client refuses
        return _Loop(LazyWire(self._twin), owned=True)


class RawSyncRunner(SyncRunner):
    """Blocking, with the response."""

    mode = RawSync

    def call(self, flow: Flow[T]) -> APIResponse[T]:
        """What the flow returns, with the response."""
        seen: list[Response] = []
        return APIResponse(drive(flow, self.wire.get(), seen=seen), seen)


class AsyncRunner:
    """Awaited."""

    mode: type[Mode] = Async

    def __init__(self, wire: LazyWire[AsyncWire]) -> None:
        self.wire = wire

    async def run(self, flow: Flow[T]) -> T:
        """What the flow returns."""
        return await adrive(flow, self.wire.get())

    call: Any = run

    def raw(self) -> Runner:
        """The runner whose operations return :class:`APIResponse`."""
        return RawAsyncRunner(self.wire)

    def concurrent(self, most: int) -> Concurrent:
        """This client's own wire."""
        del most
        return _Loop(self.wire, owned=False)


class RawAsyncRunner(AsyncRunner):
    """Awaited, with the response."""

    mode = RawAsync

    async def call(self, flow: Flow[T]) -> APIResponse[T]:
        """What the flow returns, with the response."""
        seen: list[Response] = []
        return APIResponse(await adrive(flow, self.wire.get(), seen=seen), seen)
