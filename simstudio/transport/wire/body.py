"""The body of a response: collected within bounds, or read piece by piece."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from simstudio.transport.wire.decoding import BodyTooLargeError, UndecodableBodyError, decode, is_bounded
from simstudio.transport.wire.failures import broken_error, timeout_error, too_large, translate

if TYPE_CHECKING:
    from simstudio.transport.errors import SimStudioError
    from simstudio.transport.message import Request, Response

DRAIN_SECONDS = 0.25
"""Seconds to wait for the end of a body whose content has been read, before its connection is closed."""
DRAIN_BYTES = 64 * 1024
_LARGEST_PIECE = 64 * 1024
"""Bytes of a stream that are handed on at once; compressed ones may become a thousand times as many."""


def begin_body(request: Request, response: Response) -> Response:
    """Return a response whose headers have come. Without a total, a body that is collected has one idle time in all."""
    budget = request.budget
    if budget is not None and request.streamed and response.ok:
        budget.relax()
    elif budget is not None:
        budget.restart()
    return response


class Collector:
    """Collects the body of a response that is held in memory.

    Args:
        request: The request that was sent.
        response: Its ``content`` is set by :meth:`finish`.
        limit: Bytes that the decoded body may have, None for no bound.

    Attributes:
        received: Bytes so far.
    """

    __slots__ = ("_limit", "_pieces", "_request", "_response", "received")

    def __init__(self, request: Request, response: Response, limit: int | None) -> None:
        self._request = request
        self._response = response
        self._limit = limit
        self._pieces: list[bytes] = []
        self.received = 0

    def add(self, piece: bytes) -> None:
        """Add a piece.

        Raises:
            InvalidResponseError: The body is larger than allowed.
            APITimeoutError: The time of the call is up.
        """
        self._pieces.append(piece)
        self.received += len(piece)
        if self._limit is not None and self.received > self._limit:
            raise too_large(self._request, self._response, self._limit)
        budget = self._request.budget
        if budget is not None and budget.expired():
            raise timeout_error(self._request, "Read")

    def finish(self, *, encoded: bool) -> None:
        """Make the pieces the content of the response, without their content encoding if they still have it.

        Raises:
            InvalidResponseError: The decoded body is larger than allowed.
            APIConnectionError: The body is not what its encoding says.
        """
        response = self._response
        response.content = b"".join(self._pieces)
        encoding = response.headers.get("content-encoding") if encoded else None
        if encoding is not None:
            try:
                response.content = decode(response.content, encoding, self._limit)
            except UndecodableBodyError as error:
                raise broken_error(self._request, str(error), len(response.content)) from error
            except BodyTooLargeError as error:
                response.content = b""
                raise too_large(self._request, response, self._limit or 0) from error


class HTTPXBody:
    """The unread rest of a response of httpx, or of anything with its interface.

    Args:
        reply: The library's response, opened and unread.
        request: The request that was sent.
        response: Ours, whose ``content`` :meth:`read` fills.
        library: ``httpx`` or its like.
        limit: Bytes that :meth:`read` may collect, None for no bound.
        timed: Whether reads ask the request's budget each time, so that a drain can be made short.
        wire: Kept while this is open: a wire that is forgotten closes what it opened.
    """

    __slots__ = (
        "__weakref__",
        "_library",
        "_limit",
        "_pieces",
        "_received",
        "_reply",
        "_request",
        "_response",
        "_rest",
        "_timed",
        "_wire",
    )

    def __init__(
        self,
        reply: Any,
        request: Request,
        response: Response,
        library: ModuleType,
        limit: int | None,
        *,
        timed: bool,
        wire: object = None,
    ) -> None:
        self._reply = reply
        self._request = request
        self._response = response
        self._library = library
        self._limit = limit
        self._timed = timed
        self._wire = wire
        self._pieces: Any = None
        self._rest = memoryview(b"")
        self._received = 0

    def await_event(self) -> None:
        """Let the pieces until the next call share one idle time."""
        if self._request.budget is not None:
            self._request.budget.restart()

    def piece(self) -> bytes | None:
        """The next piece as it comes, None at the end; blocking."""
        if self._rest:
            return self._take()
        if self._pieces is None:
            self._pieces = iter(self._plain() or self._reply.iter_bytes())
        try:
            return self._check(next(self._pieces, None))
        except (self._library.TransportError, self._library.DecodingError) as error:
            raise self._failure(error) from error

    async def apiece(self) -> bytes | None:
        """The next piece as it comes, None at the end; awaited."""
        if self._rest:
            return self._take()
        if self._pieces is None:
            self._pieces = (self._plain() or self._reply.aiter_bytes()).__aiter__()
        try:
            return self._check(await anext(self._pieces, None))
        except (self._library.TransportError, self._library.DecodingError) as error:
            raise self._failure(error) from error

    def read(self) -> None:
        """Read the rest into the response's ``content``, and close."""
        collector = Collector(self._request, self._response, self._limit)
        try:
            while (piece := self.piece()) is not None:
                collector.add(piece)
            collector.finish(encoded=False)
        finally:
            self.close()

    async def aread(self) -> None:
        """Read the rest into the response's ``content``, and close."""
        collector = Collector(self._request, self._response, self._limit)
        try:
            while (piece := await self.apiece()) is not None:
                collector.add(piece)
            collector.finish(encoded=False)
        finally:
            await self.aclose()

    def drain(self) -> None:
        """Read an end that comes at once, so that the connection can be used again; then close."""
        try:
            most = self._hurry()
            while self._received < most and self.piece() is not None:
                pass
        except Exception:  # noqa: BLE001, S110 - what was asked for has come; the connection is simply not kept
            pass
        finally:
            self.close()

    async def adrain(self) -> None:
        """Read an end that comes at once, so that the connection can be used again; then close."""
        try:
            most = self._hurry()
            while self._received < most and await self.apiece() is not None:
                pass
        except Exception:  # noqa: BLE001, S110 - what was asked for has come; the connection is simply not kept
            pass
        finally:
            await self.aclose()

    def close(self) -> None:
        """Give the connection back (after the end) or close it (before)."""
        self._response.body = None
        try:
            self._reply.close()
        finally:
            self._wire = None

    async def aclose(self) -> None:
        """Give the connection back (after the end) or close it (before), shielded from cancellation."""
        from simstudio.transport.wire.tasks import shield  # which imports asyncio

        self._response.body = None
        try:
            await shield(self._reply.aclose())
        finally:
            self._wire = None

    def _hurry(self) -> int:
        """Bound the time of the reads that follow; gives how many bytes may have come in all."""
        budget = self._request.budget
        if budget is None or not self._timed:
            return 0
        budget.expires = budget.clock() + DRAIN_SECONDS
        return self._received + DRAIN_BYTES

    def _failure(self, error: Exception) -> SimStudioError:
        closed = bool(getattr(self._wire, "closed", False))
        return translate(error, self._request, self._library, self._received, closed=closed)

    def _check(self, piece: bytes | None) -> bytes | None:
        """A piece, or as much of it as is read at once."""
        if piece is None:
            return None
        self._received += len(piece)
        budget = self._request.budget
        if budget is not None and budget.expired():
            raise timeout_error(self._request, "Read")
        if len(piece) <= _LARGEST_PIECE:
            return piece
        self._rest = memoryview(piece)
        return self._take()

    def _take(self) -> bytes:
        piece, self._rest = bytes(self._rest[:_LARGEST_PIECE]), self._rest[_LARGEST_PIECE:]
        return piece

    def _plain(self) -> Any:
        """The raw stream, where nothing needs decoding: one layer less between a piece and its reader.

        Raises:
            APIConnectionError: The body has an encoding of which a few bytes may become any number.
        """
        encoding = self._response.headers.get("content-encoding")
        if encoding is None:
            return self._reply.stream
        if not is_bounded(encoding):
            raise broken_error(self._request, f"its encoding {encoding[:80]!r} was not asked for")
        return None
