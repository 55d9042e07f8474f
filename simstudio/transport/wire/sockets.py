"""Blocking sockets that ask the call's budget before every single read and write.

See :mod:`simstudio.transport.deadline`; for those of an event loop, :mod:`simstudio.transport.wire.async_sockets`.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - which a first getaddrinfo() would import, with a fork perhaps in the middle of it
import os
import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpcore

from simstudio.transport.deadline import SHORTEST, Allowance

SLICE = 64 * 1024
"""Bytes written under one allowance: a peer that reads slowly must not get the whole timeout for each piece."""


class BudgetedStream(httpcore.NetworkStream):
    """A network stream with fresh timeouts. The little that is written goes out with the next read: head and body."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._process = os.getpid()
        self._unsent = b""
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read under what is left of the time."""
        if self._unsent:
            with suppress(httpcore.WriteError):  # an answer may have come all the same
                self._flush()
        return self._stream.read(max_bytes, Allowance.now(timeout))

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
        """Close the stream, and wake a thread that waits for it (closing alone would leave that to its timeout)."""
        raw = self._stream.get_extra_info("socket")
        if isinstance(raw, socket.socket) and os.getpid() == self._process:  # in a fork it is still the parent's
            with suppress(OSError):
                socket.socket.shutdown(raw, socket.SHUT_RDWR)
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
            addresses = addresses_of(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        seconds = Allowance.now(timeout)
        clock = timeout.budget.clock if isinstance(timeout, Allowance) else time.monotonic
        end = None if seconds is None else clock() + seconds
        for number, (address, its_port) in enumerate(addresses, 1):
            if end is not None:
                seconds = max((end - clock()) / (len(addresses) - number + 1), SHORTEST)
            try:
                return BudgetedStream(
                    self._backend.connect_tcp(address, its_port, seconds, local_address, socket_options)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpcore.ConnectError(f"{host} has no address")

    def sleep(self, seconds: float) -> None:
        """Wait between connection attempts."""
        self._backend.sleep(seconds)


def addresses_of(found: Iterable[Any]) -> list[tuple[str, int]]:
    """Hosts and ports of what ``getaddrinfo`` found, the hosts as text with their scope, if any."""
    return [(f"{a[0]}%{a[3]}" if len(a) == 4 and a[3] else str(a[0]), int(a[1])) for *_, a in found]
