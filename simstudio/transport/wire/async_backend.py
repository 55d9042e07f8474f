"""Sockets of an event loop for httpcore, which ask the call's budget before every single read and write.

See :mod:`simstudio.transport.deadline`. They stand on asyncio's transports directly: the sockets that httpcore gets
from anyio take a cancel scope, a turn of the event loop and two system calls more for each read. Nothing here waits
while it closes, so that no cancellation strikes in the middle of it.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any

import httpcore

from simstudio.transport.deadline import SLICE, Allowance
from simstudio.transport.wire.addresses import addresses_of
from simstudio.transport.wire.async_tls import AsyncTLSStream
from simstudio.transport.wire.failures import CLOSED_HERE
from simstudio.transport.wire.tasks import detach

_STAGGER = 0.25
"""Seconds before the next address of a host is tried beside one that has not answered (RFC 8305, section 8)."""
_MUCH = 1024 * 1024
"""Bytes that may wait unread before the peer is stopped."""


class AsyncBudgetedStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connected socket. Little that is written goes out with the next read: head and body in one.

    Args:
        is_closed: Whether the pool was closed meanwhile, perhaps while this was connecting: nothing is sent then.
    """

    def __init__(self, is_closed: Callable[[], bool]) -> None:
        self._is_closed = is_closed
        self._begun = False
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._received: deque[bytes] = deque()
        self._size = 0
        self._stopped = False
        self._ended = False
        self._failure: Exception | None = None
        self._unsent = b""
        self._write_timeout: float | None = None
        self._full = False
        self._waiter: asyncio.Future[None] | None = None
        self._late: type[Exception] = httpcore.ReadTimeout
        self._until = inf
        self._alarm: asyncio.TimerHandle | None = None

    # -- what the event loop says --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._received.append(data)
        self._size += len(data)
        if self._size > _MUCH and not self._stopped and not self._transport.is_closing():
            self._stopped = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The peer sends no more: asyncio closes the socket then."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._failure = exc if self._failure is None else self._failure
        self._ended = True
        self._wake()

    def pause_writing(self) -> None:
        """The peer takes less than is sent."""
        self._full = True

    def resume_writing(self) -> None:
        """The peer has taken what waited."""
        self._full = False
        self._wake()

    # -- what httpcore asks for ----------------------------------------------------------------------------------

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read under what is left of the time."""
        if self._unsent:
            with suppress(httpcore.WriteError):  # an answer may have come all the same
                await self._flush()
        self._begun = False
        while not self._received and not self._ended:
            await self._wait(timeout, httpcore.ReadTimeout)
        if not self._received:
            if self._failure is not None:
                raise httpcore.ReadError(str(self._failure)) from self._failure
            return b""
        piece = self._received.popleft()
        if len(piece) > max_bytes:
            self._received.appendleft(piece[max_bytes:])
            piece = piece[:max_bytes]
        self._size -= len(piece)
        if self._stopped and not self._received and not self._transport.is_closing():
            self._stopped = False
            self._transport.resume_reading()
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, slice by slice, under what is left of the time."""
        self._unsent += buffer
        self._write_timeout = timeout
        if len(self._unsent) > SLICE:
            await self._flush()

    async def _flush(self) -> None:
        unsent, self._unsent = self._unsent, b""
        if unsent and self._is_closed():
            raise (httpcore.WriteError if self._begun else httpcore.ConnectError)(CLOSED_HERE)
        timeout = self._write_timeout
        if unsent and not self._begun and isinstance(timeout, Allowance) and timeout.budget.expired():
            raise httpcore.ConnectTimeout  # nothing is sent for a call that is over
        self._begun = True
        view = memoryview(unsent)
        for start in range(0, len(unsent), SLICE):
            if self._transport.is_closing():
                raise httpcore.WriteError(str(self._failure or "the connection is closed"))
            self._transport.write(view[start : start + SLICE] if len(unsent) > SLICE else unsent)
            while self._full and not self._transport.is_closing():
                await self._wait(self._write_timeout, httpcore.WriteTimeout)

    async def aclose(self) -> None:
        """Close the socket, and end the call that waits for it."""
        self.close()

    def close(self) -> None:
        """Close the socket at once. What has not been sent by now is dropped."""
        if self._failure is None and not self._ended:
            self._failure = ConnectionAbortedError("the connection was closed")
        self._ended = True
        self._unsent = b""
        self._received.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()
        self._wake()

    def close_soon(self) -> None:
        """Close the socket, from any thread, where its event loop still runs."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.close)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """The encrypted stream over this one."""
        return await AsyncTLSStream.over(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """What the stream says about itself."""
        if info == "is_readable":
            return bool(self._received) or self._ended or self._transport.is_closing() or self._has_news()
        name = {"client_addr": "sockname", "server_addr": "peername", "socket": "socket"}.get(info)
        return None if name is None else self._transport.get_extra_info(name)

    def _has_news(self) -> bool:
        """Whether something has come of which the event loop has not yet told: at an idle connection, its end."""
        raw = self._transport.get_extra_info("socket")
        if raw is None or raw.fileno() < 0:
            return True
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(raw.fileno(), select.POLLIN)
            return bool(poll.poll(0))
        return bool(select.select([raw.fileno()], [], [], 0)[0])

    # -- waiting -------------------------------------------------------------------------------------------------

    async def _wait(self, timeout: float | None, late: type[Exception]) -> None:
        """Until something happens, or the time is up.

        The alarm is left set when a wait is over, since the next one mostly ends later: a call then costs no timer.
        """
        seconds = Allowance.now(timeout)
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


class AsyncBudgetedBackend(httpcore.AsyncNetworkBackend):
    """A network backend whose streams are :class:`AsyncBudgetedStream`.

    Args:
        is_closed: Whether the pool was closed.
    """

    def __init__(self, is_closed: Callable[[], bool] = bool) -> None:
        self._is_closed = is_closed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connected stream, to whichever of a host's addresses answers first."""
        loop = asyncio.get_running_loop()
        seconds = Allowance.now(timeout)
        until = inf if seconds is None else loop.time() + seconds
        addresses = deque(await _resolve(host, port, seconds))
        local = None if local_address is None else (local_address, 0)
        make = partial(AsyncBudgetedStream, self._is_closed)
        attempts: set[asyncio.Task[Any]] = set()
        failures: list[OSError] = []
        try:
            while addresses or attempts:
                if addresses:
                    attempts.add(detach(loop.create_connection(make, *addresses.popleft(), local_addr=local)))
                left = min(until - loop.time(), _STAGGER if addresses else inf)
                done, _ = await asyncio.wait(
                    attempts, timeout=None if left == inf else left, return_when=asyncio.FIRST_COMPLETED
                )
                for attempt in done:
                    attempts.discard(attempt)
                    try:
                        transport, stream = attempt.result()
                    except OSError as failure:
                        failures.append(failure)
                        continue
                    for option in socket_options or ():
                        transport.get_extra_info("socket").setsockopt(*option)
                    return stream  # type: ignore[no-any-return]
                if not done and loop.time() >= until:
                    raise httpcore.ConnectTimeout
            reasons = dict.fromkeys(map(str, failures)) or (f"{host} has no address",)
            raise httpcore.ConnectError("; ".join(reasons)) from (failures[0] if failures else None)
        finally:
            for attempt in attempts:
                attempt.cancel()
                attempt.add_done_callback(_close_unwanted)

    async def sleep(self, seconds: float) -> None:
        """Wait between connection attempts."""
        await asyncio.sleep(seconds)


def _close_unwanted(attempt: asyncio.Task[Any]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result()[1].close()


async def _resolve(host: str, port: int, seconds: float | None) -> list[tuple[str, int]]:
    """The addresses of a host, asked for in a thread where it is a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, host)
            return [(host, port)]
    asking = asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    try:
        return addresses_of(await asyncio.wait_for(asking, seconds))
    except asyncio.TimeoutError as error:
        raise httpcore.ConnectTimeout from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
