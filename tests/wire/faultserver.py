"""A server on a loopback socket that does to each connection, byte by byte, what a script says.

A script is a coroutine function of a :class:`Connection`; the first connection gets the first script, and so on, the
last script serves all that follow. What came is recorded, so that a test can prove that nothing was sent twice.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from attrs import define, field, frozen

PATIENCE = 10.0
"""Seconds after which anything that should have happened is given up: only ever reached by a failing test."""
DRIP = 0.004
RESULT = {"success": True, "output": {"greeting": "Hello"}}


@frozen
class Received:
    """One request, as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for found, value in self.headers if found.lower() == name.lower()]


@define(eq=False)
class Connection:
    """One connection. ``gone`` is set when its client has closed it."""

    server: FaultServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    requests: list[Received] = field(factory=list)
    gone: threading.Event = field(factory=threading.Event)

    async def request(self, *, body: bool = True) -> Received:
        """Read and record the next request. Raises EOFError when the client closes instead."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line)]
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        content = await self.reader.readexactly(length) if body else b""
        self.requests.append(Received(method, target, headers, content))
        return self.requests[-1]

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def dribble(self, data: bytes, size: int = 1) -> None:
        """Send byte by byte, each sooner than any timeout of these tests; a failing test gets the end in the end."""
        for start in range(0, len(data), size):
            await self.send(data[start : start + size])
            await asyncio.sleep(DRIP)

    async def hold(self) -> None:
        """Until the test calls ``server.release()``."""
        await asyncio.wait_for(self.server.released.wait(), PATIENCE)

    async def silence(self) -> None:
        """Send nothing more until the client goes."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """Drop it with a TCP reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def half_close(self) -> None:
        """Send no more, but go on reading."""
        self.writer.write_eof()


Script: TypeAlias = Callable[[Connection], Awaitable[None]]


class FaultServer:
    """Serves scripts on ``url`` inside a ``with``."""

    def __init__(self, *scripts: Script, context: ssl.SSLContext | None = None) -> None:
        self.scripts = scripts or (answering(),)
        self.connections: list[Connection] = []
        self.errors: list[BaseException] = []
        self._context = context
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="fault-server", daemon=True)
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Received]:
        """Every request, in the order of their connections."""
        return [request for connection in self.connections for request in connection.requests]

    def release(self) -> None:
        """Let ``hold()`` return."""
        self._loop.call_soon_threadsafe(self.released.set)

    def saw_requests(self, count: int) -> None:
        """Wait until so many requests have come."""
        end = time.monotonic() + PATIENCE
        while len(self.requests) < count:
            assert time.monotonic() < end, f"{len(self.requests)} requests instead of {count}"
            time.sleep(0.001)

    def saw_close(self, *numbers: int) -> bool:
        """Whether clients close connections (all, or those with these numbers)."""
        chosen = [self.connections[number] for number in numbers] or self.connections
        return all(connection.gone.wait(PATIENCE) for connection in chosen)

    def __enter__(self) -> FaultServer:
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self.errors, self.errors

    async def _serve(self) -> None:
        self._loop, self._stop, self.released = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._context, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self, reader, writer)
        self.connections.append(connection)
        try:
            await self.scripts[min(len(self.connections), len(self.scripts)) - 1](connection)
        except (EOFError, ConnectionError, ssl.SSLError):
            connection.gone.set()
        except Exception as error:
            self.errors.append(error)
        finally:
            if reader.at_eof():
                connection.gone.set()
            writer.close()


def head(status: int = 200, *lines: str, **headers: object) -> bytes:
    """The head of an answer; underscores in names are dashes."""
    named = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Any", *lines, *named, "", ""]).encode()


def answer(data: object = RESULT, status: int = 200, **headers: object) -> bytes:
    """A whole answer; ``data`` is bytes, or sent as JSON."""
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    kind = {} if isinstance(data, bytes) else {"Content_Type": "application/json"}
    return head(status, **{**kind, "Content_Length": len(content), **headers}) + content


def answering(*answers: bytes) -> Script:
    """Keep the connection and give these answers, then the last one again and again."""
    rest = list(answers) or [answer()]

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(rest.pop(0) if len(rest) > 1 else rest[0])

    return script


def frame(data: object) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def text(chunk: str, block: str = "agent") -> bytes:
    """An event with text."""
    return frame({"blockId": block, "chunk": chunk})


FINAL = frame({"event": "final", "data": {"success": True, "output": {}}})
DONE = frame("[DONE]")
STREAM = head(Content_Type="text/event-stream", Transfer_Encoding="chunked")
LAST_CHUNK = b"0\r\n\r\n"


def chunked(*pieces: bytes) -> bytes:
    """Pieces in the framing of ``Transfer-Encoding: chunked``, without its end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def streaming(*events: bytes, ended: bool = True) -> bytes:
    """A whole streamed answer."""
    return STREAM + chunked(*events) + (LAST_CHUNK if ended else b"")


def gzipped(*pieces: bytes) -> list[bytes]:
    """Pieces compressed one by one, each flushed, so that each can be inflated when it comes; then the end."""
    packer = zlib.compressobj(wbits=31)
    return [*(packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in pieces), packer.flush()]


def packed(data: Any) -> bytes:
    """JSON, compressed as a whole."""
    return gzip.compress(json.dumps(data).encode())
