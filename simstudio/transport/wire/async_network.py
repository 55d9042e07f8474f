"""Sockets of an event loop for httpcore; each read and write asks the budget of the call how much time is left.

httpcore's own sockets, which are those of anyio, take a cancel scope, a turn of the event loop and two system calls
more for each read. Nothing here waits while it closes, so that no cancellation can interrupt it.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import ssl
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from math import inf
from typing import Any

import httpcore

from simstudio.transport.deadline import SLICE, Allowance
from simstudio.transport.wire.async_tls import AsyncTLSStream
from simstudio.transport.wire.failures import CLOSED_HERE
from simstudio.transport.wire.network import ConnectionState, explain_lookup
from simstudio.transport.wire.tasks import detach

_STAGGER = 0.25
"""Seconds before the next address of a host is tried beside one that has not answered (RFC 8305, section 8)."""


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """The network backend of one connection.

    Attributes:
        state: State that the pool sets for the connection's socket.
        stream: The socket, None before it is connected.
    """

    def __init__(self) -> None:
        self.state = ConnectionState()
        self.stream: AsyncStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connected stream to whichever of a host's addresses accepts first."""
        loop = asyncio.get_running_loop()
        seconds = Allowance.remaining(timeout, httpcore.ConnectTimeout)
        until = inf if seconds is None else loop.time() + seconds
        found = deque(await _resolve(host, port, seconds))
        attempts: set[asyncio.Task[socket.socket]] = set()
        failures: list[OSError] = []
        try:
            while found or attempts:
                if found:
                    family, _, _, _, address = found.popleft()
                    attempts.add(detach(_connect(family, address, local_address, socket_options)))
                left = min(until - loop.time(), _STAGGER if found else inf)
                done, _ = await asyncio.wait(
                    attempts, timeout=None if left == inf else left, return_when=asyncio.FIRST_COMPLETED
                )
                for attempt in done:
                    attempts.discard(attempt)
                    try:
                        connected = attempt.result()
                    except OSError as failure:
                        failures.append(failure)
                    else:
                        self.stream = AsyncStream(connected, self.state)
                        return self.stream
                if not done and loop.time() >= until:
                    raise httpcore.ConnectTimeout
            reasons = dict.fromkeys(map(str, failures)) or (f"{host} has no address",)
            raise httpcore.ConnectError("; ".join(reasons)) from (failures[-1] if failures else None)
        finally:
            for attempt in attempts:
                attempt.cancel()
                attempt.add_done_callback(_close_unwanted)

    async def sleep(self, seconds: float) -> None:
        """Wait between attempts to connect."""
        await asyncio.sleep(seconds)

    def close(self) -> None:
        """Give the connection up, and close its socket."""
        self.state.closed = True
        if self.stream is not None:
            self.stream.close()

    def close_soon(self) -> None:
        """Close the connection, from any thread, where its event loop still runs."""
        if self.stream is not None:
            self.stream.close_soon()


class AsyncStream(httpcore.AsyncNetworkStream):
    """A connected socket. Little that is written goes out with the next read: head and body in one.

    Args:
        connected: Not blocking.
        state: State that the pool sets.
    """

    def __init__(self, connected: socket.socket, state: ConnectionState) -> None:
        self._socket = connected
        self._number = connected.fileno()  # of a socket the loop makes a ``repr``, which asks for both its addresses
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._received: deque[bytes] = deque()
        self._size = 0
        self._unsent = b""
        self._write_timeout: float | None = None
        self._ended = False
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._late: type[Exception] = httpcore.ReadTimeout
        self._until = inf
        self._alarm: asyncio.TimerHandle | None = None
        self._poll: select.poll | None = None
        self._loop.add_reader(self._number, self._receive)
        self._listening = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read under the time that is left."""
        if self._unsent:
            try:  # noqa: SIM105 - contextlib.suppress takes a microsecond
                await self._flush()
            except httpcore.WriteError:
                pass  # a response may have come all the same
        allowed = self._state.allow_read(max_bytes)
        if self._received:
            Allowance.remaining(timeout, httpcore.ReadTimeout)
        while not self._received and not self._ended:
            await self._wait(timeout, httpcore.ReadTimeout)
        if not self._received:
            if self._failure is not None:
                raise httpcore.ReadError(str(self._failure)) from self._failure
            return b""
        data = self._received.popleft()
        if len(data) > allowed:
            self._received.appendleft(data[allowed:])
            data = data[:allowed]
        self._size -= len(data)
        if not self._listening and not self._received and not self._ended:
            self._loop.add_reader(self._number, self._receive)
            self._listening = True
        self._state.count_read(len(data))
        return data

    def _receive(self) -> None:
        """Take what has come. A peer is stopped while as much as a slice waits unread."""
        try:
            data = self._socket.recv(SLICE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as failure:
            self._end(failure)
            return
        if not data:
            self._end(None)
            return
        self._received.append(data)
        self._size += len(data)
        if self._size >= SLICE:
            self._loop.remove_reader(self._number)
            self._listening = False
        self._wake()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write under the time that is left, in slices."""
        self._unsent += buffer
        self._write_timeout = timeout
        del buffer  # a traceback shows no key
        if len(self._unsent) > SLICE:
            await self._flush()

    async def _flush(self) -> None:
        view, self._unsent = memoryview(self._unsent), b""
        while view:
            late = httpcore.ConnectTimeout if self._state.check_write() else httpcore.WriteTimeout
            Allowance.remaining(self._write_timeout, late)
            try:
                view = view[self._socket.send(view[:SLICE]) :]
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(self._number, self._wake)
                try:
                    await self._wait(self._write_timeout, httpcore.WriteTimeout)
                finally:
                    if not self._ended:  # else the number may be another socket's by now
                        self._loop.remove_writer(self._number)
            except OSError as error:
                raise httpcore.WriteError(str(self._failure or error)) from error

    async def aclose(self) -> None:
        """Close the socket, and end the call that waits for it."""
        self.close()

    def close(self) -> None:
        """Close the socket at once. What was not sent is dropped."""
        self._unsent = b""
        self._received.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if not self._ended:
            self._end(ConnectionAbortedError(CLOSED_HERE))

    def close_soon(self) -> None:
        """Close the socket, from any thread, where its event loop still runs."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.close)

    def _end(self, failure: Exception | None) -> None:
        """No more can be read; what was received still can."""
        self._ended = True
        self._failure = failure
        if os.getpid() == self._process:  # in a forked child the event loop's selector is still the parent's
            self._loop.remove_reader(self._number)
            self._loop.remove_writer(self._number)
        self._socket.close()
        with suppress(RuntimeError):  # the event loop is closed, and a task of it never went on
            self._wake()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """The encrypted stream over this one."""
        encrypted = await AsyncTLSStream.over(self, ssl_context, server_hostname, timeout)
        self._state.begin()
        return encrypted

    def get_extra_info(self, info: str) -> Any:
        """A fact about the stream, by its name in httpcore."""
        if info == "is_readable":
            return bool(self._received) or self._ended or self._has_news()
        if info == "socket":
            return self._socket
        if info in ("client_addr", "server_addr"):
            return self._socket.getsockname() if info == "client_addr" else self._socket.getpeername()
        return None

    def _has_news(self) -> bool:
        """Whether something has come that the event loop has not yet delivered: the end of an idle connection."""
        if hasattr(select, "poll"):
            if self._poll is None:
                self._poll = select.poll()
                self._poll.register(self._socket, select.POLLIN)
            return bool(self._poll.poll(0))
        return bool(select.select([self._socket], [], [], 0)[0])

    async def _wait(self, timeout: float | None, late: type[Exception]) -> None:
        """Wait until something happens; raise ``late`` when the time is up.

        The alarm is left set when a wait is over, since the next one mostly ends later: a call then costs no timer.
        """
        seconds = Allowance.remaining(timeout, late)
        self._until = inf if seconds is None else self._loop.time() + seconds
        self._late = late
        self._waiter = self._loop.create_future()
        if self._until < inf and (self._alarm is None or self._alarm.when() > self._until):
            self._set_alarm()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(self._until, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._waiter is None or self._waiter.done() or self._until == inf:
            return
        if self._loop.time() < self._until:
            self._set_alarm()
        else:
            self._waiter.set_exception(self._late())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def _connect(
    family: int, address: Any, local_address: str | None, options: Iterable[Any] | None
) -> socket.socket:
    connected = socket.socket(family, socket.SOCK_STREAM)
    try:
        connected.settimeout(0.0)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in options or ():
            connected.setsockopt(*option)
        if local_address is not None:
            connected.bind((local_address, 0))
        await asyncio.get_running_loop().sock_connect(connected, address)
    except BaseException:
        connected.close()
        raise
    return connected


def _close_unwanted(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


async def _resolve(host: str, port: int, seconds: float | None) -> list[Any]:
    """The addresses of a host as ``getaddrinfo`` gives them, asked for in a thread where it is a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, host)
            return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    asking = asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    try:
        return await asyncio.wait_for(asking, seconds)
    except asyncio.TimeoutError as error:
        raise httpcore.ConnectTimeout from error
    except OSError as error:
        cause = explain_lookup(error)
        raise httpcore.ConnectError(str(cause)) from cause
