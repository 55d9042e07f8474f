"""The body of a response: collected within bounds, or read piece by piece, and decoded.

What a client asks for (gzip and deflate) is decoded here, and must be whole; any other encoding is left to httpx, which
decodes those whose packages are installed, and leaves the others as they came.
"""

from __future__ import annotations

import zlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from simstudio.transport.wire.failures import broken_error, timeout_error, too_large, translate

if TYPE_CHECKING:
    from simstudio.transport.errors import SimStudioError
    from simstudio.transport.message import Request, Response

DRAIN_SECONDS = 0.25
"""Seconds to wait for the end of a body whose content has been read, before its connection is closed."""
DRAIN_BYTES = 64 * 1024
_LARGEST_PIECE = 64 * 1024
"""Bytes of a stream that are handed on at once; compressed ones may become a thousand times as many."""
_GZIP = b"\x1f\x8b"
_GZIP_OR_ZLIB = 47
_RAW_DEFLATE = -15
_KNOWN = frozenset({"gzip", "x-gzip", "deflate", "identity", ""})
_PACKED = 64 * 1024
"""Bytes that are decompressed at once."""
_PACKED_UNKNOWN = 256
"""Bytes that httpx decodes at once: what one of its decoders makes of them has no bound."""


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


class UndecodableBodyError(Exception):
    """A body is not what its encoding says."""


class BodyTooLargeError(Exception):
    """A decoded body is larger than allowed."""


def decode(content: bytes, encoding: str, limit: int | None = None) -> bytes:
    """A body without its content encoding.

    Args:
        content: As it came.
        encoding: The header ``Content-Encoding``.
        limit: Bytes that it may have, None for no bound.

    Raises:
        UndecodableBodyError: The body is not what its encoding says.
        BodyTooLargeError: The body is larger than ``limit``.
    """
    names = [name.strip() for name in encoding.lower().split(",")]
    if not content:
        return content
    if not _KNOWN.issuperset(names):
        return _decode_by_httpx(content, encoding, limit)
    for name in reversed(names):
        if name == "deflate":  # zlib's format; some servers send it bare
            content = _inflate(content, _GZIP_OR_ZLIB if _is_zlib(content) else _RAW_DEFLATE, limit)
        elif name in ("gzip", "x-gzip"):
            content = _inflate(content, _GZIP_OR_ZLIB, limit)
    return content


def is_bounded(encoding: str) -> bool:
    """Whether what httpx decodes at once has a bound: one layer of gzip or deflate, which expand a thousandfold."""
    return encoding.strip().lower() in _KNOWN


def _is_zlib(content: bytes) -> bool:
    """Whether the first two bytes are a header of zlib's (RFC 1950, section 2.2)."""
    return len(content) > 1 and content[0] & 15 == 8 and (content[0] << 8 | content[1]) % 31 == 0


def _inflate(content: bytes, window: int, limit: int | None) -> bytes:
    pieces: list[bytes] = []
    size = 0
    left = memoryview(content)
    try:
        while True:  # gzip may come in several members
            inflater = zlib.decompressobj(window)
            while left and not inflater.eof:
                packed = left[:_PACKED]
                # One byte more than may come shows that there is more; 0 would mean that there is no bound.
                pieces.append(inflater.decompress(packed, 0 if limit is None else limit - size + 1))
                size += len(pieces[-1])
                if limit is not None and size > limit:
                    raise BodyTooLargeError
                left = left[len(packed) - len(inflater.unused_data) :]
            if not inflater.eof:
                raise UndecodableBodyError("the body is compressed, and cut short")
            if window != _GZIP_OR_ZLIB or left[:2] != _GZIP:
                return b"".join(pieces)
    except zlib.error as error:
        raise UndecodableBodyError(f"the body cannot be decompressed: {error}") from error


def _decode_by_httpx(content: bytes, encoding: str, limit: int | None) -> bytes:
    import httpx  # which a wire over another library need not import

    named = [(b"Content-Encoding", encoding.encode("latin-1", "replace"))]
    slices = (content[start : start + _PACKED_UNKNOWN] for start in range(0, len(content), _PACKED_UNKNOWN))
    pieces = []
    size = 0
    try:
        for piece in httpx.Response(200, headers=named, content=slices).iter_bytes():
            pieces.append(piece)
            size += len(piece)
            if limit is not None and size > limit:
                raise BodyTooLargeError
    except httpx.DecodingError as error:
        raise UndecodableBodyError(f"the body cannot be decompressed: {error}") from error
    return b"".join(pieces)
