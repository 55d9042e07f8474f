"""Blocking sockets for httpcore, which ask the call's budget before every single read and write.

See :mod:`simstudio.transport.deadline`; for those of an event loop, :mod:`simstudio.transport.wire.async_backend`.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import httpcore

from simstudio.transport.deadline import SLICE, Allowance
from simstudio.transport.wire.addresses import connect_first, resolve
from simstudio.transport.wire.failures import CLOSED_HERE


class BudgetedStream(httpcore.NetworkStream):
    """A network stream with fresh timeouts. The little that is written goes out with the next read: head and body.

    Args:
        stream: Connected.
        is_closed: Whether the pool was closed meanwhile, perhaps while this was connecting: nothing is sent then.
    """

    def __init__(self, stream: httpcore.NetworkStream, is_closed: Callable[[], bool]) -> None:
        self._stream = stream
        self._is_closed = is_closed
        self._begun = False
        self._process = os.getpid()
        self._unsent = b""
        self._write_timeout: float | None = None
        self._busy = self._closing = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read under what is left of the time."""
        self._busy = True
        try:
            if self._unsent:
                with suppress(httpcore.WriteError):  # an answer may have come all the same
                    self._flush()
            self._begun = False
            return self._stream.read(max_bytes, Allowance.now(timeout))
        finally:
            self._busy = False
            if self._closing:
                self._stream.close()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, slice by slice, under what is left of the time."""
        self._unsent += buffer
        self._write_timeout = timeout
        if len(self._unsent) > SLICE:
            self._flush()

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, b""
        if unsent and self._is_closed():
            raise (httpcore.WriteError if self._begun else httpcore.ConnectError)(CLOSED_HERE)
        if unsent and not self._begun:
            _ensure_left(self._write_timeout)
        self._begun = True
        if len(unsent) <= SLICE:
            self._stream.write(unsent, Allowance.now(self._write_timeout))
            return
        view = memoryview(unsent)
        for start in range(0, len(unsent), SLICE):
            self._stream.write(bytes(view[start : start + SLICE]), Allowance.now(self._write_timeout))

    def close(self) -> None:
        """Close the stream. A thread that waits for it is woken, and closes it then.

        Closing alone would leave that thread to its timeout, with the number of a socket that may be another's by then.
        """
        raw = self._stream.get_extra_info("socket")
        if isinstance(raw, socket.socket) and os.getpid() == self._process:  # in a fork it is still the parent's
            with suppress(OSError):
                socket.socket.shutdown(raw, socket.SHUT_RDWR)
        self._closing = True
        if not self._busy:
            self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The encrypted stream, with fresh timeouts as well."""
        self._flush()
        encrypted = self._stream.start_tls(ssl_context, server_hostname, Allowance.now(timeout))
        return BudgetedStream(encrypted, self._is_closed)

    def get_extra_info(self, info: str) -> Any:
        """What the stream says about itself."""
        return self._stream.get_extra_info(info)


def _ensure_left(timeout: float | None) -> None:
    """Nothing is sent for a call that is over."""
    if isinstance(timeout, Allowance) and timeout.budget.expired():
        raise httpcore.ConnectTimeout


class BudgetedBackend(httpcore.NetworkBackend):
    """A network backend whose streams are :class:`BudgetedStream`.

    Args:
        backend: What connects.
        is_closed: Whether the pool was closed.
    """

    def __init__(self, backend: httpcore.NetworkBackend, is_closed: Callable[[], bool]) -> None:
        self._backend = backend
        self._is_closed = is_closed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connected stream. Each of a host's addresses gets its share of what is left of the time."""
        try:
            addresses = resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        _ensure_left(timeout)  # asking for a name's addresses has no limit of its own
        return connect_first(
            addresses,
            lambda host, port, seconds: BudgetedStream(
                self._backend.connect_tcp(host, port, seconds, local_address, socket_options), self._is_closed
            ),
            seconds=Allowance.now(timeout),
            clock=timeout.budget.clock if isinstance(timeout, Allowance) else time.monotonic,
            failures=(httpcore.ConnectError, httpcore.ConnectTimeout),
        )

    def sleep(self, seconds: float) -> None:
        """Wait between connection attempts."""
        self._backend.sleep(seconds)
