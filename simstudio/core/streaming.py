"""Streams: a sync and an async class around one decoder without I/O.

:class:`EventStream` and :class:`AsyncEventStream` read bytes, return the events that the :class:`EventDecoder` of a
service makes from them, and close the connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from simstudio.core.errors import StreamError
from simstudio.transport.errors import APIConnectionError
from simstudio.transport.flow import Flow, FromBody
from simstudio.transport.message import Headers

if TYPE_CHECKING:
    from typing_extensions import Self

    from simstudio.transport.errors import SimStudioError
    from simstudio.transport.message import Response

E = TypeVar("E")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S", bound="AsyncEventStream[Any, Any]")


class EventDecoder(Protocol[R_co]):
    """Decodes the bytes of one stream into events and a result, without I/O.

    Attributes:
        over: Whether the stream has reached its end.
        failure: Error to raise after the events before it were returned; None while nothing failed.
    """

    over: bool
    failure: SimStudioError | None

    @property
    def partial(self) -> str:
        """The text that has arrived."""
        ...

    def feed(self, data: bytes) -> list[Any]:
        """Return the events that the next bytes complete."""
        ...

    def end(self, cause: APIConnectionError | None = None) -> list[Any]:
        """Return the remaining events: the bytes ended, or reading them failed with ``cause``."""
        ...

    def text(self, event: Any) -> str | None:
        """Return the text of an event; None if it has none."""
        ...

    def result(self) -> R_co:
        """Return the result of a stream that is over, or raise the error that prevented it."""
        ...


class OpenedStream(Generic[E, R]):
    """The result of a flow that opens a stream: a response whose body is unread, and its decoder."""

    __slots__ = ("core", "response")

    def __init__(self, response: Response, core: EventDecoder[R]) -> None:
        self.response = response
        self.core = core

    def read(self) -> Flow[R]:
        """Read the stream to its end and return the result."""
        body, core = self.response.body, self.core
        if body is not None:
            body.await_event()
        while body is not None and not core.over and core.failure is None:
            try:
                piece = yield FromBody(body, "piece")
            except APIConnectionError as error:
                core.end(error)
            else:
                if core.end() if piece is None else core.feed(piece):
                    body.await_event()
        if body is not None:
            yield FromBody(body, "drain" if core.over else "close")
        return core.result()


class _Shell(Generic[E, R]):
    """Base of both streams: the response, its decoder, and the events that were not returned yet."""

    def __init__(self, opened: OpenedStream[E, R]) -> None:
        self.response: Response = opened.response
        self._core = opened.core
        self._pending: deque[Any] = deque()

    @property
    def status(self) -> int:
        """The HTTP status of the response that opened the stream."""
        return self.response.status

    @property
    def headers(self) -> Headers:
        """Headers of the response."""
        return self.response.headers

    @property
    def request_id(self) -> str | None:
        """Request id that the server or its proxy sent; None if it sent none."""
        return self.response.request_id

    def _check_end(self) -> bool:
        """Return whether the stream has ended, when no event is pending; raise if it failed or was closed."""
        if self._core.failure is not None:
            raise self._core.failure
        if not self._core.over and self.response.body is None:
            self._core.result()  # raises, unless the result had come when it was closed
            return True
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
    """The events of a run as they arrive: an iterator and a context manager.

    Leaving the iteration early, an error and Ctrl-C close the connection; after a normal end it is kept for later
    calls.

    Example:
        >>> with client.workflows.stream("wf") as stream:  # doctest: +SKIP
        ...     for text in stream.text():
        ...         print(text, end="", flush=True)
    """

    def __iter__(self) -> Iterator[E]:
        """Iterate over the remaining events; leaving the loop closes the stream."""
        try:
            while self._has_event():
                yield self._pending.popleft()
        finally:
            self.close()

    def __next__(self) -> E:
        """Return the next event.

        Raises:
            StreamError: The stream ended too early, or was closed.
            APITimeoutError: No byte arrived for ``idle_timeout`` seconds.
        """
        if not self._has_event():
            raise StopIteration
        event: E = self._pending.popleft()
        return event

    def _has_event(self) -> bool:
        """Fetch until an event is pending and return True; False at the end."""
        if not self._pending and self.response.body is not None:
            self.response.body.await_event()
        while not self._pending:
            if self._check_end():
                return False
            self._fetch()
        return True

    def text(self) -> Iterator[str]:
        """Iterate over the text of the events that have any, as they arrive."""
        for event in self:
            text = self._core.text(event)
            if text is not None:
                yield text

    def result(self) -> R:
        """Read to the end and return the result, which includes the streamed text. Works also after the ``with``.

        Raises:
            SimStudioError: The stream failed, as when iterating.
        """
        if self.response.body is not None:
            try:
                while self._has_event():
                    self._pending.clear()
            finally:
                self.close()
        return self._core.result()

    def close(self) -> None:
        """Close the connection. After the end of the stream this does nothing.

        Any thread may call it: one that waits for the next event gets a :class:`StreamError` at once. With an
        ``http_client`` that uses HTTP/2, or has a transport of its own, it gets that with the next bytes, or an error
        after ``idle_timeout`` seconds.
        """
        if self.response.body is not None:
            self.response.body.close()

    def _fetch(self) -> None:
        body = self.response.body
        assert body is not None  # noqa: S101 - _check_end raises otherwise
        try:
            piece = body.piece()
            if piece is not None or self.response.body is not None:
                self._pending.extend(self._core.end() if piece is None else self._core.feed(piece))
        except APIConnectionError as error:
            if self.response.body is not None:  # else another thread has closed the stream, which ended the reading
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
    """The events of a run as they arrive, for async code; otherwise like :class:`EventStream`."""

    async def __aiter__(self) -> AsyncGenerator[E, None]:
        """Iterate over the remaining events; leaving the loop closes the stream."""
        try:
            while await self._has_event():
                yield self._pending.popleft()
        finally:
            await self.aclose()

    async def __anext__(self) -> E:
        """Return the next event; raises like :meth:`EventStream.__next__`."""
        if not await self._has_event():
            raise StopAsyncIteration
        event: E = self._pending.popleft()
        return event

    async def _has_event(self) -> bool:
        if not self._pending and self.response.body is not None:
            self.response.body.await_event()
        while not self._pending:
            if self._check_end():
                return False
            await self._fetch()
        return True

    async def text(self) -> AsyncGenerator[str, None]:
        """Iterate over the text of the events that have any, as they arrive."""
        try:
            async for event in self:
                text = self._core.text(event)
                if text is not None:
                    yield text
        finally:
            await self.aclose()

    async def result(self) -> R:
        """Read to the end and return the result, which includes the streamed text. Works after the ``async with``."""
        if self.response.body is not None:
            try:
                while await self._has_event():
                    self._pending.clear()
            finally:
                await self.aclose()
        return self._core.result()

    async def aclose(self) -> None:
        """Close the connection, shielded from cancellation. After the end of the stream this does nothing."""
        if self.response.body is not None:
            await self.response.body.aclose()

    async def _fetch(self) -> None:
        body = self.response.body
        assert body is not None  # noqa: S101 - _check_end raises otherwise
        try:
            piece = await body.apiece()
            if piece is not None or self.response.body is not None:
                self._pending.extend(self._core.end() if piece is None else self._core.feed(piece))
        except APIConnectionError as error:
            if self.response.body is not None:  # else another task has closed the stream, which ended the reading
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
    """An async stream that opens when it is awaited, entered with ``async with``, or iterated over."""

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
