"""Blocking sockets for httpcore; each read and write asks the budget of the call how much time is left."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpcore

from simstudio.transport.deadline import SHORTEST, SLICE, Allowance
from simstudio.transport.wire.network import ConnectionState, explain_lookup

_FAILURES = (httpcore.ConnectError, httpcore.ConnectTimeout)


class SyncNetwork(httpcore.NetworkBackend):
    """The network backend of one connection.

    Args:
        backend: Backend that opens sockets.

    Attributes:
        state: State that the pool sets for the connection's sockets.
        stream: The outermost stream so far, None before the first.
    """

    def __init__(self, backend: httpcore.NetworkBackend | None = None) -> None:
        self.state = ConnectionState()
        self.stream: SyncStream | None = None
        self._backend = httpcore.SyncBackend() if backend is None else backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connected stream to the first address of a host that accepts.

        A silent address gets an equal share of the time that is left, so that the last one has some too.
        """
        try:
            found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        except OSError as error:
            cause = explain_lookup(error)
            raise httpcore.ConnectError(str(cause)) from cause
        seconds = Allowance.remaining(timeout, httpcore.ConnectTimeout)  # a lookup has no time limit of its own
        clock = timeout.budget.clock if isinstance(timeout, Allowance) else time.monotonic
        end = None if seconds is None else clock() + seconds
        for left in range(len(found), 0, -1):
            share = None if end is None else max((end - clock()) / left, SHORTEST)
            address, at = _host_and_port(found[-left][4])
            try:
                stream = self._backend.connect_tcp(address, at, share, local_address, socket_options)
                return SyncStream(stream, self)
            except _FAILURES:
                if left == 1:
                    raise
        raise httpcore.ConnectError(f"{host} has no address")

    def sleep(self, seconds: float) -> None:
        """Wait between attempts to connect."""
        self._backend.sleep(seconds)

    def close(self) -> None:
        """Give the connection up, and close its socket."""
        self.state.closed = True
        if self.stream is not None:
            self.stream.close()


class SyncStream(httpcore.NetworkStream):
    """A network stream that asks for the time that is left. Little that is written goes out with the next read.

    Args:
        stream: Connected.
        network: The backend whose connection this is.
    """

    def __init__(self, stream: httpcore.NetworkStream, network: SyncNetwork) -> None:
        self._stream = stream
        self._network = network
        self._state = network.state
        self._process = os.getpid()
        self._unsent = b""
        self._write_timeout: float | None = None
        self._busy = self._closing = False
        network.stream = self

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read under the time that is left."""
        self._busy = True
        try:
            if self._unsent:
                with suppress(httpcore.WriteError):  # a response may have come all the same
                    self._flush()
            allowed = self._state.allow_read(max_bytes)
            data = self._stream.read(allowed, Allowance.remaining(timeout, httpcore.ReadTimeout))
            self._state.count_read(len(data))
            return data
        finally:
            self._busy = False
            if self._closing:
                self._stream.close()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write under the time that is left, in slices."""
        self._unsent += buffer
        self._write_timeout = timeout
        del buffer  # a traceback shows no key
        if len(self._unsent) > SLICE:
            self._flush()

    def _flush(self) -> None:
        view, self._unsent = memoryview(self._unsent), b""
        for start in range(0, len(view), SLICE):
            late = httpcore.ConnectTimeout if self._state.check_write() else httpcore.WriteTimeout
            self._stream.write(bytes(view[start : start + SLICE]), Allowance.remaining(self._write_timeout, late))

    def close(self) -> None:
        """Close the stream. A thread that waits for it is woken, and closes it then.

        Closing alone would leave that thread to its timeout, with the number of a socket that may be another's by then.
        """
        if os.getpid() == self._process:  # in a forked child the socket is still the parent's
            wake_reader(self._stream)
        self._closing = True
        if not self._busy:
            self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The encrypted stream over this one."""
        self._flush()
        seconds = Allowance.remaining(timeout, httpcore.ConnectTimeout)
        encrypted = SyncStream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._network)
        self._state.begin()
        return encrypted

    def get_extra_info(self, info: str) -> Any:
        """A fact about the stream, by its name in httpcore."""
        return self._stream.get_extra_info(info)


def wake_reader(stream: Any) -> bool:
    """End the wait of a thread that reads from a network stream; return whether that is possible."""
    raw: Any = stream.get_extra_info("socket")
    # The method of SSLSocket would have another thread send its next bytes unencrypted.
    below: Any = super(ssl.SSLSocket, raw) if isinstance(raw, ssl.SSLSocket) else raw
    try:
        below.shutdown(socket.SHUT_RDWR)
    except (OSError, AttributeError):  # it is closed already, or no socket
        return False
    return True


def _host_and_port(address: Any) -> tuple[str, int]:
    """A socket address as a host, with its scope if it has one, and a port."""
    scoped = len(address) == 4 and address[3]
    return (f"{address[0]}%{address[3]}" if scoped else str(address[0])), int(address[1])
