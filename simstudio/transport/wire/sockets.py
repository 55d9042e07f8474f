"""Sockets that ask the call's budget before every single read and write; see :mod:`simstudio.transport.deadline`."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from simstudio.transport.deadline import Allowance

_SLICE = 64 * 1024
"""Bytes written under one allowance: a peer that reads slowly must not get the whole timeout for each piece."""


class BudgetedStream(httpcore.NetworkStream):
    """A network stream with fresh timeouts."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

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
        """Close the stream."""
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
        return await self._stream.read(max_bytes, Allowance.now(timeout))

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
        return AsyncBudgetedStream(await self._stream.start_tls(ssl_context, server_hostname, Allowance.now(timeout)))

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
        """A connected stream."""
        return BudgetedStream(self._backend.connect_tcp(host, port, timeout, local_address, socket_options))

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
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return AsyncBudgetedStream(stream)

    async def sleep(self, seconds: float) -> None:
        """Wait between connection attempts."""
        await self._backend.sleep(seconds)
