"""Requests as httpx's transports take them, and responses of theirs as ours."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx

from simstudio.transport.deadline import UNBOUNDED, Phases
from simstudio.transport.message import Headers, Response
from simstudio.transport.wire.body import begin_body

if TYPE_CHECKING:
    from simstudio.transport.message import Content, Request


class Address:
    """An address in the forms that requests need.

    Args:
        text: The address.

    Attributes:
        url: The address, parsed.
        host: Host and, where it is not the scheme's own, port.
        origin: Scheme and host.

    Raises:
        httpx.InvalidURL: The address cannot be used.
    """

    __slots__ = ("host", "origin", "url")

    def __init__(self, text: str) -> None:
        self.url = httpx.URL(text)
        self.host = self.url.netloc.decode("ascii")
        self.origin = f"{self.url.scheme}://{self.host}"


parse_address = functools.lru_cache(maxsize=1024)(Address)


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


class _Once:
    """An asynchronous iterator of one piece."""

    __slots__ = ("_piece",)

    def __init__(self, piece: bytes) -> None:
        self._piece: bytes | None = piece

    def __aiter__(self) -> _Once:
        return self

    async def __anext__(self) -> bytes:
        piece, self._piece = self._piece, None
        if piece is None:
            raise StopAsyncIteration
        return piece


def frame_headers(request: Request, host: str) -> list[tuple[str, str]]:
    """The headers of a request, as httpx takes them; ``host`` is for the header ``Host`` if the request has none."""
    given = request.headers.without_framing()
    headers = [] if "host" in given else [("Host", host)]
    headers += given.pairs()
    if request.content or request.method not in ("GET", "HEAD", "OPTIONS", "DELETE"):
        headers.append(("Content-Length", str(len(request.content))))
    return headers


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
