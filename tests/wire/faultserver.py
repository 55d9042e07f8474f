"""A server on a loopback socket that does to each connection, byte by byte, what a script says.

A script is a coroutine function of a :class:`Connection`; the first connection gets the first script, and so on, the
last script serves all that follow. What came is recorded, so that a test can prove that nothing was sent twice.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from attrs import define, field, frozen
from wireanswers import answering

PATIENCE = 10.0
"""Seconds after which anything that should have happened is given up: only ever reached by a failing test."""
DRIP = 0.004


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
        """Write in turn. Raises ConnectionError once the client has gone, also in a loop that never waits."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)  # drain() alone gives nobody else a turn while there is room to write
            if self.writer.transport.is_closing():
                raise ConnectionResetError

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
        self.drop()

    def drop(self) -> None:
        """Close it at once."""
        # asyncio knows no loop any more where close() had bytes left to send and they were sent: it is closed then
        with suppress(AttributeError):
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
        self._playing: set[asyncio.Future[None]] = set()

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
        assert not self._thread.is_alive(), "the server's loop does not end"
        assert not self.errors, self.errors

    async def _serve(self) -> None:
        self._loop, self._stop, self.released = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._context, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        # A server that is closed forgets what it has accepted just before: https://github.com/python/cpython/issues/109564
        self._loop.remove_reader(server.sockets[0])
        await self._drop()
        server.close()
        unfinished = asyncio.all_tasks() - {asyncio.current_task()}  # handshakes and scripts
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        await self._drop()

    async def _drop(self) -> None:
        """End all connections, also one that was just accepted: it is told of a few turns of the loop later."""
        for _ in range(5):
            for connection in self.connections:
                connection.drop()
            await asyncio.sleep(0)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(Connection(self, reader, writer))
        script = self.scripts[min(len(self.connections), len(self.scripts)) - 1]
        playing = asyncio.ensure_future(self._play(script, self.connections[-1]))
        self._playing.add(playing)
        playing.add_done_callback(self._playing.discard)

    async def _play(self, script: Script, connection: Connection) -> None:
        try:
            await script(connection)
        except (EOFError, ConnectionError, ssl.SSLError):
            connection.gone.set()
        except Exception as error:
            self.errors.append(error)
        finally:
            if connection.reader.at_eof():
                connection.gone.set()
            connection.writer.close()
