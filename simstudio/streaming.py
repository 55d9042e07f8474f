"""Streams of execution events: one sans-IO core, and a pair of thin shells around it.

:class:`ExecutionEvents` turns the bytes of a stream into typed events and knows when it is over, and why. It is fed by
hand in tests. :class:`Stream` and :class:`AsyncStream` only fetch bytes, and close the connection whatever happens.

The frames (NOTES 2, API.md 2.2): ``{"blockId", "chunk"}``; ``{"event": "final", "data": {…}}`` (the documents:
``{"event": "done", …}``); ``{"event": "error", "error"}``; then ``data: "[DONE]"``, with quotes (the documents: bare).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from simstudio.errors import APIConnectionError, APITimeoutError, ExecutionError, SimStudioError, StreamError
from simstudio.models.events import ChunkEvent, FinalEvent, OtherEvent, StreamEvent
from simstudio.models.execution import WorkflowExecutionResult, error_text
from simstudio.transport.flow import Flow, FromBody
from simstudio.transport.sse import MAX_EVENT_SIZE, ServerSentEvent, SSEDecoder, UndecodableEventError

if TYPE_CHECKING:
    from simstudio.transport.message import Headers, Response

__all__ = ["AsyncStream", "AsyncStreamManager", "ExecutionEvents", "SSEDecoder", "ServerSentEvent", "Stream"]

E = TypeVar("E")
_JOIN_AFTER = 1024


class _Text:
    """Text that grows by small pieces, kept without an object for each of them."""

    __slots__ = ("_joined", "_pieces")

    def __init__(self) -> None:
        self._joined: list[str] = []
        self._pieces: list[str] = []

    def append(self, piece: str) -> None:
        self._pieces.append(piece)
        if len(self._pieces) >= _JOIN_AFTER:
            self._joined.append("".join(self._pieces))
            self._pieces.clear()

    def __str__(self) -> str:
        return "".join([*self._joined, *self._pieces])


class ExecutionEvents:
    r"""The state of one stream, fed with bytes.

    Args:
        where: What to name in errors: method and path.
        max_event_size: Bytes that one event may have.
        conceal: Takes the key out of an error, should the server have echoed it.

    Attributes:
        over: Whether the end marker came, or an end that needs none.
        failure: What to raise once the events before it were taken, or None.
        final: The final event, once it came.

    Example:
        >>> ExecutionEvents().feed(b'data: {"blockId":"b","chunk":"Hi"}\n\n')[0].chunk
        'Hi'
    """

    def __init__(
        self,
        where: str = "the stream",
        *,
        max_event_size: int = MAX_EVENT_SIZE,
        conceal: Callable[[SimStudioError], None] | None = None,
    ) -> None:
        self._where = where
        self._conceal = conceal
        self._decoder = SSEDecoder(max_event_size=max_event_size)
        self._texts: dict[str | None, _Text] = {}
        self._order: list[str | None] = []
        self.over = False
        self.failure: SimStudioError | None = None
        self.final: FinalEvent | None = None

    def feed(self, data: bytes) -> list[StreamEvent]:
        """The events that the next bytes complete. A failure among them is left in ``failure``."""
        if self.over or self.failure is not None:
            return []
        try:
            return self._events(self._decoder.feed(data))
        except UndecodableEventError as error:
            events = self._events(error.events)
            if not self.over and self.failure is None:
                self.failure = self.concealed(StreamError(f"{error} ({self._where})", partial=self.partial))
            return events

    def end(self, cause: APIConnectionError | None = None) -> list[StreamEvent]:
        """No more bytes will come, because they ended or because of ``cause``; the events still to be had."""
        if self.over or self.failure is not None:
            return []
        try:
            events = self._events(self._decoder.flush()) if cause is None else []
        except StreamError:
            events = []
        self._ended(cause)
        return events

    def concealed(self, error: SimStudioError) -> SimStudioError:
        """An error without the key, should the server have echoed it into the stream."""
        if self._conceal is not None:
            self._conceal(error)
        return error

    @property
    def partial(self) -> str:
        """The text so far, all blocks one after another in the order in which they began."""
        return "".join(str(self._texts[block]) for block in self._order)

    def result(self) -> WorkflowExecutionResult:
        """The result of a stream that is over.

        v0.6 leaves streamed blocks out of the final output and v0.4 repeats them: the joined text of a block is put
        into ``output[block_id]["content"]`` only where the final output lacks the block.
        """
        if self.failure is not None:
            raise self.failure
        if self.final is None:
            raise self.concealed(
                StreamError(
                    f"The stream of {self._where} was closed before its end, so it has no result.",
                    partial=self.partial,
                )
            )
        final = self.final
        output = final.output
        if self._texts and (output is None or isinstance(output, dict)):
            streamed = {
                block: {"content": str(text)}
                for block, text in self._texts.items()
                if block is not None and block not in (output or {})
            }
            output = {**(output or {}), **streamed}
        return WorkflowExecutionResult(
            success=final.success,
            output=output,
            error=final.error,
            metadata=final.metadata,
            status=final.status,
        )

    def complete(self, final: FinalEvent) -> None:
        """Take the end from elsewhere: an answer that was no stream at all."""
        self.final = final
        self.over = True

    def _events(self, decoded: Iterable[ServerSentEvent]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for item in decoded:
            if self.over or self.failure is not None:
                break
            event = self._event(item.data)
            if event is not None:
                events.append(event)
        return events

    def _event(self, text: str) -> StreamEvent | None:
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            frame = text.strip()
        if frame == "[DONE]":
            self._ended()
            return None
        if not isinstance(frame, dict):
            return OtherEvent(data=frame)
        kind = frame.get("event")
        if kind is None and isinstance(frame.get("chunk"), str):
            return self._chunk(frame)
        if kind == "final":
            data = frame.get("data")
            self.final = _final(data if isinstance(data, dict) else {}, frame)
            return self.final
        if kind == "done":
            self.final = _final(frame, frame)
            return self.final
        if kind == "error":
            self._fail(frame)
            return None
        return _as_sent(OtherEvent(event=kind if isinstance(kind, str) else None, data=frame), frame)

    def _chunk(self, frame: dict[str, Any]) -> ChunkEvent:
        chunk, block = frame["chunk"], frame.get("blockId")
        block = block if isinstance(block, str) else None
        text = self._texts.get(block)
        if text is None:
            text = self._texts[block] = _Text()
            self._order.append(block)
        text.append(chunk)
        return _as_sent(ChunkEvent(chunk, block), frame)

    def _ended(self, cause: APIConnectionError | None = None) -> None:
        if self.failure is not None or self.over:
            return
        if self.final is not None:
            self.over = True
        elif isinstance(cause, APITimeoutError):
            cause.partial = self.partial
            self.failure = self.concealed(cause)
        else:
            reason = f": {cause}" if cause is not None else ""
            self.failure = StreamError(
                f"The stream of {self._where} ended before the run did{reason}. What it delivered is in "
                "error.partial; the run may have gone on, so look before running it again.",
                partial=self.partial,
            )
            self.failure.__cause__ = cause
            self.concealed(self.failure)

    def _fail(self, frame: dict[str, Any]) -> None:
        text = error_text(frame.get("error"))
        result = WorkflowExecutionResult(success=False, error=text)
        self.failure = self.concealed(
            ExecutionError(
                f"{text or 'The workflow failed'} (reported by the stream of {self._where}).",
                details=frame,
                result=result,
                partial=self.partial,
            )
        )


def _final(data: dict[str, Any], frame: dict[str, Any]) -> FinalEvent:
    success, error, metadata = data.get("success"), data.get("error"), data.get("metadata")
    return _as_sent(
        FinalEvent(
            success=success if isinstance(success, bool) else not error,
            output=data.get("output"),
            error=error,
            status=data.get("status"),
            metadata=metadata if isinstance(metadata, dict) else None,
        ),
        frame,
    )


def _as_sent(event: E, frame: dict[str, Any]) -> E:
    object.__setattr__(event, "_wire", frame)
    return event


class OpenedStream(Generic[E]):
    """What a streaming flow returns: an answer whose body is unread, and the core that understands it."""

    __slots__ = ("core", "response")

    def __init__(self, response: Response, core: ExecutionEvents) -> None:
        self.response = response
        self.core = core

    def read(self) -> Flow[WorkflowExecutionResult]:
        """The flow that reads it to its end, and gives the result."""
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


class _Shell(Generic[E]):
    """What both shells share: the state between bytes and events."""

    def __init__(self, opened: OpenedStream[E]) -> None:
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


class Stream(_Shell[E], Generic[E]):
    """The events of a run as they come: an iterator and a context manager.

    Example:
        >>> with client.workflows.stream("wf") as stream:  # doctest: +SKIP
        ...     for text in stream.text():
        ...         print(text, end="", flush=True)

    The connection is closed when iteration is left early, fails or is interrupted, and kept for the next call after a
    normal end. A run does not stop on the server because its stream was left (NOTES 2).
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
            ExecutionError: The server reported that the run failed (``partial`` is the text so far).
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
        """The text of the streamed blocks, piece by piece as it comes."""
        for event in self:
            if isinstance(event, ChunkEvent):
                yield event.chunk

    def result(self) -> WorkflowExecutionResult:
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

    def __enter__(self) -> Stream[E]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncStream(_Shell[E], Generic[E]):
    """The events of a run as they come, awaited; otherwise like :class:`Stream`."""

    async def __aiter__(self) -> AsyncIterator[E]:
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
        """The next event; raises what :meth:`Stream.__next__` does."""
        while not self._pending:
            if self._stopped():
                raise StopAsyncIteration
            await self._fetch()
        event: E = self._pending.popleft()
        return event

    async def text(self) -> AsyncIterator[str]:
        """The text of the streamed blocks, piece by piece as it comes."""
        try:
            async for event in self:
                if isinstance(event, ChunkEvent):
                    yield event.chunk
        finally:
            await self.aclose()

    async def result(self) -> WorkflowExecutionResult:
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

    async def __aenter__(self) -> AsyncStream[E]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncStreamManager(Generic[E]):
    """What the async client's ``stream(...)`` gives: await it, enter it with ``async with``, or iterate over it.

    Nothing is sent before one of these.
    """

    def __init__(self, opening: Coroutine[Any, Any, OpenedStream[E]]) -> None:
        self._opening: Coroutine[Any, Any, OpenedStream[E]] | None = opening
        self._stream: AsyncStream[E] | None = None

    async def _open(self) -> AsyncStream[E]:
        if self._stream is None:
            opening, self._opening = self._opening, None
            if opening is None:
                raise StreamError("The stream could not be opened; call stream(...) again.")
            self._stream = AsyncStream(await opening)
        return self._stream

    def __await__(self) -> Generator[Any, Any, AsyncStream[E]]:
        return self._open().__await__()

    async def __aenter__(self) -> AsyncStream[E]:
        return await self._open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            await self._stream.aclose()

    async def __aiter__(self) -> AsyncIterator[E]:
        stream = await self._open()
        try:
            async for event in stream:
                yield event
        finally:
            await stream.aclose()

    def __del__(self) -> None:
        if self._opening is not None:
            self._opening.close()
