"""Servers that are functions behind an HTTP client of the user's, for the clients of all services and both kinds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from typing import Any

import attrs
import httpx

from simstudio import AsyncSimStudioClient, SimStudioClient
from simstudio.services import oomol, speedpix, vectorvein

KEY = "0123456789abcdef0123456789abcdef"
MOST_REQUESTS = 1100

Handler = Callable[[int], httpx.Response]
Call = Callable[[Any], Any]


class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces that may have no end; how many of them were read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = pieces
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.read += 1
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


@attrs.define
class Server:
    """Answers each request by its number, from 0, and ends the test where it is asked without end."""

    handler: Handler
    asked: int = 0
    requests: list[httpx.Request] = attrs.field(factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.asked += 1
        if self.asked > MOST_REQUESTS:
            raise KeyboardInterrupt  # no error that a client would handle
        return self.handler(self.asked - 1)


CLIENTS: dict[str, tuple[Any, Any]] = {
    "sim": (partial(SimStudioClient, KEY, "https://sim.test"), partial(AsyncSimStudioClient, KEY, "https://sim.test")),
    "oomol": (
        partial(oomol.OomolConnectClient, "https://oomol.test/api", KEY),
        partial(oomol.AsyncOomolConnectClient, "https://oomol.test/api", KEY),
    ),
    "speedpix": (
        partial(speedpix.Client, KEY, KEY, "https://speedpix.test"),
        partial(speedpix.AsyncClient, KEY, KEY, "https://speedpix.test"),
    ),
    "vectorvein": (
        partial(vectorvein.VectorVeinClient, KEY, "https://vectorvein.test"),
        partial(vectorvein.AsyncVectorVeinClient, KEY, "https://vectorvein.test"),
    ),
}


def play(mode: str, service: str, server: Server, call: Call, **options: Any) -> Any:
    """What a call gives; a list or a stream is read to its end."""
    transport = httpx.MockTransport(server)
    if mode == "sync":
        with httpx.Client(transport=transport) as library, CLIENTS[service][0](http_client=library, **options) as made:
            found = call(made)
            return list(found) if hasattr(found, "__iter__") and not hasattr(found, "keys") else found

    async def main() -> Any:
        async with (
            httpx.AsyncClient(transport=transport) as library,
            CLIENTS[service][1](http_client=library, **options) as made,
        ):
            found = call(made)
            return [each async for each in found] if hasattr(found, "__aiter__") else await found

    return asyncio.run(main())
