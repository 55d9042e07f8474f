"""The modes of a client: how it runs a flow, and what its operations return.

One definition serves all four: ``Jobs[Sync].get(...)`` returns a ``Job``, ``Jobs[Async].get(...)`` a coroutine of one,
and those of ``with_raw_response`` (``RawSync``, ``RawAsync``) an :class:`APIResponse` of it. Modes have no instances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from simstudio.transport.flow import Flow, adrive, drive
from simstudio.transport.message import Response

if TYPE_CHECKING:
    from simstudio.core.session import Session
    from simstudio.transport.message import Headers

T = TypeVar("T")


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
        """Run the flow of an operation: like ``run``, but with the response in the raw modes."""
        raise NotImplementedError


class Sync(Mode):
    """Blocking: an operation returns its result."""

    @staticmethod
    def run(session: Session, flow: Flow[T]) -> T:
        """Run a flow and return its result."""
        return drive(flow, session.blocking.get())

    call = run


class Async(Mode):
    """Awaited: an operation returns a coroutine of its result."""

    asynchronous = True

    @staticmethod
    async def run(session: Session, flow: Flow[T]) -> T:
        """Run a flow and return its result."""
        return await adrive(flow, session.awaiting.get())

    call = run


class RawSync(Mode):
    """Blocking, with the response: an operation returns an :class:`APIResponse`."""

    raw = True
    run = Sync.run

    @staticmethod
    def call(session: Session, flow: Flow[T]) -> APIResponse[T]:
        """Run a flow and return its result with the response."""
        seen: list[Response] = []
        return APIResponse(drive(flow, session.blocking.get(), seen=seen), seen)


class RawAsync(Mode):
    """Awaited, with the response: an operation returns a coroutine of an :class:`APIResponse`."""

    asynchronous = True
    raw = True
    run = Async.run

    @staticmethod
    async def call(session: Session, flow: Flow[T]) -> APIResponse[T]:
        """Run a flow and return its result with the response."""
        seen: list[Response] = []
        return APIResponse(await adrive(flow, session.awaiting.get(), seen=seen), seen)


M = TypeVar("M", Sync, Async, RawSync, RawAsync)
