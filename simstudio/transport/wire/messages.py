"""Requests as httpx's transports take them, and responses of theirs as ours."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, NamedTuple

import httpx

from simstudio.transport.deadline import UNBOUNDED, Phases
from simstudio.transport.message import Headers, Response
from simstudio.transport.wire.body import begin_body
from simstudio.transport.wire.framing import frame_headers

if TYPE_CHECKING:
    from simstudio.transport.message import Content, Request


class Address(NamedTuple):
    """An address in the forms that requests need.

    Attributes:
        host: Host and, where it is not the scheme's own, port.
        origin: Scheme and host.
    """

    url: httpx.URL
    host: bytes
    origin: str


@functools.lru_cache(maxsize=1024)
def parse_address(url: str) -> Address:
    """Parse an address.

    Raises:
        httpx.InvalidURL: The address cannot be used.
    """
    parsed = httpx.URL(url)
    return Address(parsed, parsed.netloc, f"{parsed.scheme}://{parsed.netloc.decode('ascii')}")


class RequestStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a request.

    Attributes:
        begun: Whether it has been read from, which happens when the headers were handed to the connection: from then on
            something of the request may have left.
    """

    def __init__(self, content: bytes | Content) -> None:
        self._content = content
        self.begun = False

    def __iter__(self) -> Iterator[bytes]:
        self.begun = True
        return iter((self._content,) if isinstance(self._content, bytes) else self._content)

    def __aiter__(self) -> AsyncIterator[bytes]:
        self.begun = True
        return _Once(self._content) if isinstance(self._content, bytes) else self._content.__aiter__()


class _Once(AsyncIterator[bytes]):
    """One piece."""

    __slots__ = ("_piece",)

    def __init__(self, piece: bytes) -> None:
        self._piece: bytes | None = piece

    async def __anext__(self) -> bytes:
        piece, self._piece = self._piece, None
        if piece is None:
            raise StopAsyncIteration
        return piece


def prepare(request: Request, address: Address) -> httpx.Request:
    """The request of httpx for one of ours."""
    budget = request.budget or UNBOUNDED
    budget.begin()
    return httpx.Request(
        request.method,
        address.url,
        headers=frame_headers(request, address.host),
        stream=RequestStream(request.content),
        extensions={"timeout": Phases(budget)},
    )


def respond(reply: httpx.Response, request: Request) -> Response:
    """Our response for one of httpx, without its body."""
    response = Response(
        reply.status_code,
        Headers.decode(reply.headers.raw),
        method=request.method,
        url=request.url,
        attempt=request.attempt,
    )
    return begin_body(request, response)
