"""Sockets that ask the call's budget before every single read and write; see :mod:`simstudio.transport.deadline`."""

from __future__ import annotations

import asyncio
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
from simstudio.transport.wire.orphans import detach

_SLICE = 64 * 1024
"""Bytes written under one allowance: a peer that reads slowly must not get the whole timeout for each piece."""


class BudgetedStream(httpcore.NetworkStream):
    """A network stream with fresh timeouts."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._process = os.getpid()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read under what is left of the time."""
        return self._stream.read(max_bytes, Allowance.now(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, slice by slice, under what is left of the time."""
        if len(buffer) <= _SLICE:
            self._stream.write(buffer, Allowance.now(timeout))
            return
        view = memoryview(buffer)
        for start in range(0, len(buffer), _SLICE):
            self._stream.write(bytes(view[start : start + _SLICE]), Allowance.now(timeout))

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
        return BudgetedStream(self._stream.start_tls(ssl_context, server_hostname, Allowance.now(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """What the stream says about itself."""
        return self._stream.get_extra_info(info)


class AsyncBudgetedStream(httpcore.AsyncNetworkStream):
    """A network stream with fresh timeouts."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read under what is left of the time."""
        try:
            return await self._stream.read(max_bytes, Allowance.now(timeout))
        except ssl.SSLError as error:  # httpcore translates it for blocking streams only
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, slice by slice, under what is left of the time."""
        if len(buffer) <= _SLICE:
            await self._stream.write(buffer, Allowance.now(timeout))
            return
        view = memoryview(buffer)
        for start in range(0, len(buffer), _SLICE):
            await self._stream.write(bytes(view[start : start + _SLICE]), Allowance.now(timeout))

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """The encrypted stream, with fresh timeouts as well."""
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, Allowance.now(timeout))
        except BaseException:  # httpcore closes it after an error, but not when it is cancelled
            await self._stream.aclose()
            raise
        return AsyncBudgetedStream(stream)

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
        addresses = _addresses(host, port)
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


class AsyncBudgetedBackend(httpcore.AsyncNetworkBackend):
    """A network backend whose streams are :class:`AsyncBudgetedStream`."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connected stream."""
        # In a task of its own: on Python 3.10, anyio takes a cancellation that comes while it connects for its own, and
        # the call would go on.
        connecting = detach(
            self._backend.connect_tcp(host, port, Allowance.now(timeout), local_address, socket_options)
        )
        try:
            return AsyncBudgetedStream(await asyncio.shield(connecting))
        except asyncio.CancelledError:
            connecting.cancel()
            connecting.add_done_callback(_close_unwanted)
            raise

    async def sleep(self, seconds: float) -> None:
        """Wait between connection attempts."""
        await self._backend.sleep(seconds)


def _close_unwanted(connecting: asyncio.Task[httpcore.AsyncNetworkStream]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        detach(connecting.result().aclose())


def _addresses(host: str, port: int) -> list[tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return [(f"{a[0]}%{a[3]}" if len(a) == 4 and a[3] else str(a[0]), int(a[1])) for *_, a in found]
