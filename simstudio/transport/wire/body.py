"""The unread rest of a streamed answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import ModuleType
from typing import TYPE_CHECKING, Any

from simstudio.transport.wire.failures import translate

if TYPE_CHECKING:
    from simstudio.transport.errors import SimStudioError
    from simstudio.transport.message import Request, Response

DRAIN_SECONDS = 0.25
"""How long the end of an answer that is over in substance may take, before its connection is dropped."""
DRAIN_BYTES = 64 * 1024


class WireBody(ABC):
    """The rest of an answer, read piece by piece: what does not depend on the library it comes from.

    Args:
        request: What was sent.
        response: Ours, whose ``content`` :meth:`read` fills.
        bounded: Whether reads ask the request's budget each time, so that a drain can be made short.
    """

    __slots__ = ("__weakref__", "_received", "_request", "_response", "bounded")

    def __init__(self, request: Request, response: Response, *, bounded: bool) -> None:
        self._request = request
        self._response = response
        self._received = 0
        self.bounded = bounded

    @abstractmethod
    def piece(self) -> bytes | None:
        """The next piece as it comes, None at the end; blocking."""

    @abstractmethod
    async def apiece(self) -> bytes | None:
        """The next piece as it comes, None at the end; awaited."""

    @abstractmethod
    def close(self) -> None:
        """Give the connection back (after the end) or drop it (before)."""

    @abstractmethod
    async def aclose(self) -> None:
        """Give the connection back (after the end) or drop it (before), shielded from cancellation."""

    def read(self) -> None:
        """Read the rest into the response's ``content``, and close."""
        try:
            self._response.content += b"".join(iter(self.piece, None))
        finally:
            self.close()

    async def aread(self) -> None:
        """Read the rest into the response's ``content``, and close."""
        try:
            pieces = []
            while (piece := await self.apiece()) is not None:
                pieces.append(piece)
            self._response.content += b"".join(pieces)
        finally:
            await self.aclose()

    def drain(self) -> None:
        """Read an end that comes at once, so that the connection can be used again; then close."""
        try:
            most = self._received + DRAIN_BYTES
            self._hurry()
            while self.bounded and self._received < most and self.piece() is not None:
                pass
        except Exception:  # noqa: BLE001, S110 - what was asked for has come; the connection is simply not kept
            pass
        finally:
            self.close()

    async def adrain(self) -> None:
        """Read an end that comes at once, so that the connection can be used again; then close."""
        try:
            most = self._received + DRAIN_BYTES
            self._hurry()
            while self.bounded and self._received < most and await self.apiece() is not None:
                pass
        except Exception:  # noqa: BLE001, S110 - what was asked for has come; the connection is simply not kept
            pass
        finally:
            await self.aclose()

    def _hurry(self) -> None:
        budget = self._request.budget
        if budget is None:
            self.bounded = False
        else:
            budget.expires = budget.clock() + DRAIN_SECONDS


class HTTPXBody(WireBody):
    """The rest of an answer of httpx, or of anything with its response interface.

    Args:
        reply: The library's response, opened and unread.
        request: What was sent.
        response: Ours.
        library: ``httpx`` or its like.
        bounded: See :class:`WireBody`.
        wire: Kept while this is open, since a wire that is forgotten closes what it opened.
    """

    __slots__ = ("_library", "_pieces", "_reply", "_wire")

    def __init__(
        self,
        reply: Any,
        request: Request,
        response: Response,
        library: ModuleType,
        *,
        bounded: bool,
        wire: object = None,
    ) -> None:
        super().__init__(request, response, bounded=bounded)
        self._reply = reply
        self._library = library
        self._wire = wire
        self._pieces: Any = None

    def piece(self) -> bytes | None:
        """The next piece as it comes, None at the end; blocking."""
        if self._pieces is None:
            self._pieces = iter(self._plain() or self._reply.iter_bytes())
        try:
            piece: bytes | None = next(self._pieces, None)
        except (self._library.TransportError, self._library.DecodingError) as error:
            raise self._failure(error) from error
        self._received += len(piece or b"")
        return piece

    async def apiece(self) -> bytes | None:
        """The next piece as it comes, None at the end; awaited."""
        if self._pieces is None:
            self._pieces = (self._plain() or self._reply.aiter_bytes()).__aiter__()
        try:
            piece: bytes | None = await anext(self._pieces, None)
        except (self._library.TransportError, self._library.DecodingError) as error:
            raise self._failure(error) from error
        self._received += len(piece or b"")
        return piece

    def close(self) -> None:
        """Give the connection back (after the end) or drop it (before)."""
        self._response.body = None
        try:
            self._reply.close()
        finally:
            self._wire = None

    async def aclose(self) -> None:
        """Give the connection back (after the end) or drop it (before), shielded from cancellation."""
        from simstudio.transport.wire.tasks import shielded  # which imports asyncio

        self._response.body = None
        try:
            await shielded(self._reply.aclose())
        finally:
            self._wire = None

    def _failure(self, error: Exception) -> SimStudioError:
        closed = bool(getattr(self._wire, "_closed", False))
        return translate(error, self._request, self._library, self._received, closed=closed)

    def _plain(self) -> Any:
        """The raw stream, where nothing needs decoding: one layer less between a chunk and its reader."""
        return None if "content-encoding" in self._response.headers else self._reply.stream
