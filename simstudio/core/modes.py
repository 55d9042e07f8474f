"""The modes of a client: how it runs a flow, and what its operations return.

One definition serves all four. ``Jobs[Sync].get(...)`` returns a ``Job`` and ``Jobs[Async].get(...)`` a coroutine of a
``Job``; the modes of ``with_raw_response`` (``RawSync``, ``RawAsync``) wrap the ``Job`` in an :class:`APIResponse`.
Modes are classes without instances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from simstudio.transport.flow import Flow, adrive, drive
from simstudio.transport.message import Headers, Response

if TYPE_CHECKING:
    from simstudio.core.session import Session

T = TypeVar("T")


class APIResponse(Generic[T]):
    """A result together with the HTTP response that it was made from (``client.with_raw_response``).

    Attributes:
        elapsed: Seconds from sending to the whole response, summed over the requests of the call.
        response: The last response of the call; ``response.content`` is its body. Its status is 0 if the server sent
            none: a middleware made the response, or the operation tolerated a failed connection.

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
        """Headers of the response."""
        return self.response.headers

    @property
    def request_id(self) -> str | None:
        """Request id that the server or its proxy sent; None if it sent none."""
        return self.response.request_id

    @property
    def attempts(self) -> int:
        """Attempts that the last request of the call took."""
        return self.response.attempt

    def parse(self) -> T:
        """Return the result that the operation gives without ``with_raw_response``."""
        return self._value

    def __repr__(self) -> str:
        return f"<APIResponse {self.status} {self.response.method} {self.response.path} attempts={self.attempts}>"


class Mode:
    """Base of the four modes.

    Attributes:
        asynchronous: Whether operations are awaited.
        raw: Whether operations return an :class:`APIResponse`.
    """

    asynchronous: ClassVar[bool] = False
    raw: ClassVar[bool] = False

    @staticmethod
    def run(session: Session, flow: Flow[Any]) -> Any:
        """Run a flow and return its result, or a coroutine of it."""
        raise NotImplementedError

    @staticmethod
    def call(session: Session, flow: Flow[Any]) -> Any:
        """Run the flow of an operation: like ``run``, but raw modes add the response."""
        raise NotImplementedError


class Sync(Mode):
    """The mode of a sync client: an operation returns its result."""

    @staticmethod
    def run(session: Session, flow: Flow[T]) -> T:
        """Run a flow and return its result."""
        return drive(flow, session.sync_wire.get())

    call = run


class Async(Mode):
    """The mode of an async client: an operation returns a coroutine of its result."""

    asynchronous = True

    @staticmethod
    async def run(session: Session, flow: Flow[T]) -> T:
        """Run a flow and return its result."""
        return await adrive(flow, session.async_wire.get())

    call = run


class RawSync(Mode):
    """The mode of a sync ``with_raw_response``: an operation returns an :class:`APIResponse`."""

    raw = True
    run = Sync.run

    @staticmethod
    def call(session: Session, flow: Flow[T]) -> APIResponse[T]:
        """Run a flow and return its result with the response."""
        seen: list[Response] = []
        return APIResponse(drive(flow, session.sync_wire.get(), seen=seen), seen)


class RawAsync(Mode):
    """The mode of an async ``with_raw_response``: an operation returns a coroutine of an :class:`APIResponse`."""

    asynchronous = True
    raw = True
    run = Async.run

    @staticmethod
    async def call(session: Session, flow: Flow[T]) -> APIResponse[T]:
        """Run a flow and return its result with the response."""
        seen: list[Response] = []
        return APIResponse(await adrive(flow, session.async_wire.get(), seen=seen), seen)


M = TypeVar("M", Sync, Async, RawSync, RawAsync)
