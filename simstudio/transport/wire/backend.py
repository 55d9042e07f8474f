"""Blocking sockets for httpcore, which ask the call's budget before every single read and write.

See :mod:`simstudio.transport.deadline`; for those of an event loop, :mod:`simstudio.transport.wire.async_backend`.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpcore

from simstudio.transport.deadline import SLICE, Allowance
from simstudio.transport.wire.addresses import connect_first, resolve


class BudgetedStream(httpcore.NetworkStream):
    """A network stream with fresh timeouts. The little that is written goes out with the next read: head and body."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
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
        return BudgetedStream(self._stream.start_tls(ssl_context, server_hostname, Allowance.now(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """What the stream says about itself."""
        return self._stream.get_extra_info(info)


class BudgetedBackend(httpcore.NetworkBackend):
    """A network backend whose streams are :class:`BudgetedStream`."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

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
        return connect_first(
            addresses,
            lambda host, port, seconds: BudgetedStream(
                self._backend.connect_tcp(host, port, seconds, local_address, socket_options)
            ),
            seconds=Allowance.now(timeout),
            clock=timeout.budget.clock if isinstance(timeout, Allowance) else time.monotonic,
            failures=(httpcore.ConnectError, httpcore.ConnectTimeout),
        )

    def sleep(self, seconds: float) -> None:
        """Wait between connection attempts."""
        self._backend.sleep(seconds)
