"""The four ways one definition is used, as types.

``Jobs[Sync].get(...)`` is a ``Job``; ``Jobs[Async].get(...)`` a coroutine of one; ``RawSync`` and ``RawAsync`` give an
:class:`APIResponse` of it. The types have no instances: they only tell a type checker what operations return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from simstudio.transport.flow import AsyncWire, Flow, Wire, adrive, drive
from simstudio.transport.message import Response
from simstudio.transport.session import LazyWire

if TYPE_CHECKING:
    from simstudio.transport.message import Headers

T = TypeVar("T")


class Sync:
    """Blocking: an operation returns its result."""


class Async:
    """Awaited: an operation returns a coroutine of its result."""


class RawSync:
    """Blocking, with the response: an operation returns an :class:`APIResponse`."""


class RawAsync:
    """Awaited, with the response: an operation returns a coroutine of an :class:`APIResponse`."""


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

    asynchronous: bool

    def run(self, flow: Flow[Any]) -> Any:
        """What a flow returns, or a coroutine of it."""
        ...

    def call(self, flow: Flow[Any]) -> Any:
        """What an operation returns in this mode: as ``run``, or with the response."""
        ...

    def raw(self) -> Runner:
        """The runner of the same wire whose operations return :class:`APIResponse`."""
        ...


class SyncRunner:
    """Blocking."""

    asynchronous = False

    def __init__(self, wire: LazyWire[Wire]) -> None:
        self.wire = wire

    def run(self, flow: Flow[T]) -> T:
        """What the flow returns."""
        return drive(flow, self.wire.get())

    call: Any = run

    def raw(self) -> Runner:
        """The runner whose operations return :class:`APIResponse`."""
        return RawSyncRunner(self.wire)


class RawSyncRunner(SyncRunner):
    """Blocking, with the response."""

    def call(self, flow: Flow[T]) -> APIResponse[T]:
        """What the flow returns, with the response."""
        seen: list[Response] = []
        return APIResponse(drive(flow, self.wire.get(), seen=seen), seen)


class AsyncRunner:
    """Awaited."""

    asynchronous = True

    def __init__(self, wire: LazyWire[AsyncWire]) -> None:
        self.wire = wire

    async def run(self, flow: Flow[T]) -> T:
        """What the flow returns."""
        return await adrive(flow, self.wire.get())

    call: Any = run

    def raw(self) -> Runner:
        """The runner whose operations return :class:`APIResponse`."""
        return RawAsyncRunner(self.wire)


class RawAsyncRunner(AsyncRunner):
    """Awaited, with the response."""

    async def call(self, flow: Flow[T]) -> APIResponse[T]:
        """What the flow returns, with the response."""
        seen: list[Response] = []
        return APIResponse(await adrive(flow, self.wire.get(), seen=seen), seen)
