"""Streams: a pair of thin shells around one sans-IO decoder.

:class:`EventStream` and :class:`AsyncEventStream` only fetch bytes, hand out the events that a service's
:class:`EventDecoder` makes of them, and close the connection whatever happens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from simstudio.core.errors import StreamError
from simstudio.transport.errors import APIConnectionError
from simstudio.transport.flow import Flow, FromBody

if TYPE_CHECKING:
    from typing_extensions import Self

    from simstudio.transport.errors import SimStudioError
    from simstudio.transport.message import Headers, Response

E = TypeVar("E")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S", bound="AsyncEventStream[Any, Any]")


class EventDecoder(Protocol[R_co]):
    """Turns the bytes of one stream into events and a result, without I/O.

    Attributes:
        over: Whether the end of the stream came.
        failure: What to raise once the events before it were taken; None while nothing failed.
    """

    over: bool
    failure: SimStudioError | None

    @property
    def partial(self) -> str:
        """The text so far."""
        ...

    def feed(self, data: bytes) -> list[Any]:
        """Return the events that the next bytes complete."""
        ...

    def end(self, cause: APIConnectionError | None = None) -> list[Any]:
        """Return the events that are left: no more bytes will come, because they ended or because of ``cause``."""
        ...

    def text(self, event: Any) -> str | None:
        """Return the text of an event; None where it carries none."""
        ...

    def result(self) -> R_co:
        """Return the result of a stream that is over, or raise why there is none."""
        ...

    def concealed(self, error: SimStudioError) -> SimStudioError:
        """Return an error without the API key, which a server may have echoed into the stream."""
        ...


class OpenedStream(Generic[E, R]):
    """What a streaming flow returns: a response whose body is unread, and its decoder."""

    __slots__ = ("core", "response")

    def __init__(self, response: Response, core: EventDecoder[R]) -> None:
        self.response = response
        self.core = core

    def read(self) -> Flow[R]:
        """Read to the end and return the result."""
        body, core = self.response.body, self.core
        while body is not None and not core.over and core.failure is None:
            try:
                piece = yield FromBody(body, "piece")
            except APIConnectionError as error:
                core.end(error)
            else:
                core.end() if piece is None else core.feed(piece)
        if body is not None:
            yield FromBody(body, "drain" if core.over else "close")
        return core.result()


class _Shell(Generic[E, R]):
    """What both shells share: the state between bytes and events."""

    def __init__(self, opened: OpenedStream[E, R]) -> None:
        self.response: Response = opened.response
        self._core = opened.core
        self._pending: deque[Any] = deque()

    @property
    def status(self) -> int:
        """The HTTP status; 200 for every stream that began."""
        return self.response.status

    @property
    def headers(self) -> Headers:
        """The response's headers."""
        return self.response.headers

    @property
    def request_id(self) -> str | None:
        """The id that the server or its proxy gave the request, when it sent one."""
        return self.response.request_id

    def _stopped(self) -> bool:
        """With no event pending: whether there will be no more. Raises the failure, if that is why."""
        if self._core.failure is not None:
            raise self._core.failure
        if not self._core.over and self.response.body is None:
            error = StreamError("The stream was closed before its end.", partial=self._core.partial)
            raise self._core.concealed(error)
        return self._core.over

    def __repr__(self) -> str:
        state = (
            "over"
            if self._core.over
            else "failed"
            if self._core.failure
            else "open"
            if self.response.body
            else "closed"
        )
        return f"<{type(self).__name__} {state} {self.response.method} {self.response.path}>"


class EventStream(_Shell[E, R]):
    """The events of a run as they come: an iterator and a context manager.

    Example:
        >>> with client.workflows.stream("wf") as stream:  # doctest: +SKIP
        ...     for text in stream.text():
        ...         print(text, end="", flush=True)

    The connection is closed when iteration is left early, fails or is interrupted, and kept for the next call after a
    normal end.
    """

    def __iter__(self) -> Iterator[E]:
        """Iterate over the rest; leaving the loop closes the stream."""
        try:
            while True:
                try:
                    event = next(self)
                except StopIteration:
                    return
                yield event
        finally:
            self.close()

    def __next__(self) -> E:
        """The next event.

        Raises:
            StreamError: The stream broke off, or was closed.
            APITimeoutError: It was silent for longer than ``idle_timeout``.
        """
        while not self._pending:
            if self._stopped():
                raise StopIteration
            self._fetch()
        event: E = self._pending.popleft()
        return event

    def text(self) -> Iterator[str]:
        """The text of the events that carry any, piece by piece as it comes."""
        for event in self:
            text = self._core.text(event)
            if text is not None:
                yield text

    def result(self) -> R:
        """Read to the end and give the result, streamed text included; works after the ``with`` too.

        Raises:
            SimStudioError: What iterating raises.
        """
        if self.response.body is not None:
            for _ in self:
                pass
        return self._core.result()

    def close(self) -> None:
        """Close the connection, unless the stream has ended and given it back."""
        if self.response.body is not None:
            self.response.body.close()

    def _fetch(self) -> None:
        body = self.response.body
        assert body is not None  # noqa: S101 - _stopped saw to it
        try:
            piece = body.piece()
            self._pending.extend(self._core.end() if piece is None else self._core.feed(piece))
        except APIConnectionError as error:
            self._pending.extend(self._core.end(error))
            body.close()
        except BaseException:
            body.close()
            raise
        if self._core.over:
            body.drain()
        elif self._core.failure is not None:
            body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncEventStream(_Shell[E, R]):
    """The events of a run as they come, awaited; otherwise like :class:`EventStream`."""

    async def __aiter__(self) -> AsyncGenerator[E, None]:
        """Iterate over the rest; leaving the loop closes the stream."""
        try:
            while True:
                try:
                    event = await self.__anext__()
                except StopAsyncIteration:
                    return
                yield event
        finally:
            await self.aclose()

    async def __anext__(self) -> E:
        """The next event; raises what :meth:`EventStream.__next__` does."""
        while not self._pending:
            if self._stopped():
                raise StopAsyncIteration
            await self._fetch()
        event: E = self._pending.popleft()
        return event

    async def text(self) -> AsyncGenerator[str, None]:
        """The text of the events that carry any, piece by piece as it comes."""
        try:
            async for event in self:
                text = self._core.text(event)
                if text is not None:
                    yield text
        finally:
            await self.aclose()

    async def result(self) -> R:
        """Read to the end and give the result, streamed text included; works after the ``async with`` too."""
        if self.response.body is not None:
            async for _ in self:
                pass
        return self._core.result()

    async def aclose(self) -> None:
        """Close the connection, unless the stream has ended and given it back. Shielded from cancellation."""
        if self.response.body is not None:
            await self.response.body.aclose()

    async def _fetch(self) -> None:
        body = self.response.body
        assert body is not None  # noqa: S101 - _stopped saw to it
        try:
            piece = await body.apiece()
            self._pending.extend(self._core.end() if piece is None else self._core.feed(piece))
        except APIConnectionError as error:
            self._pending.extend(self._core.end(error))
            await body.aclose()
        except BaseException:
            await body.aclose()
            raise
        if self._core.over:
            await body.adrain()
        elif self._core.failure is not None:
            await body.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class EventStreamManager(Generic[E, S]):
    """An async stream that is not opened yet: await it, enter it with ``async with``, or iterate over it.

    Nothing is sent before one of these.
    """

    def __init__(self, opening: Coroutine[Any, Any, OpenedStream[E, Any]], stream_class: Callable[[Any], S]) -> None:
        self._opening: Coroutine[Any, Any, OpenedStream[E, Any]] | None = opening
        self._stream_class = stream_class
        self._stream: S | None = None

    async def _open(self) -> S:
        if self._stream is None:
            opening, self._opening = self._opening, None
            if opening is None:
                raise StreamError("The stream could not be opened; call stream(...) again.")
            self._stream = self._stream_class(await opening)
        return self._stream

    def __await__(self) -> Generator[Any, Any, S]:
        return self._open().__await__()

    async def __aenter__(self) -> S:
        return await self._open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            await self._stream.aclose()

    async def __aiter__(self) -> AsyncGenerator[E, None]:
        stream = await self._open()
        try:
            async for event in stream:
                yield event
        finally:
            await stream.aclose()

    def __del__(self) -> None:
        if self._opening is not None:
            self._opening.close()
