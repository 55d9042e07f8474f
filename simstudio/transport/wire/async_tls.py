"""TLS over any awaited stream: a socket, a proxy's tunnel, or TLS again (a tunnel through an https proxy).

The bytes go through memory (:class:`ssl.MemoryBIO`), so that TLS can stand on any stream, and each read and write of
the stream below asks the budget of the call.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import httpcore

T = TypeVar("T")
_RECORD = 16 * 1024
"""Bytes of plain text in a record of TLS."""
_MOST = 256 * 1024
"""Bytes to read at once from the stream below."""


class AsyncTLSStream(httpcore.AsyncNetworkStream):
    """An encrypted stream.

    Args:
        stream: The stream below.
        context: The certificates to trust.
        server_hostname: The name that the peer's certificate must have.
    """

    def __init__(
        self, stream: httpcore.AsyncNetworkStream, context: ssl.SSLContext, server_hostname: str | None
    ) -> None:
        self._stream = stream
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    @classmethod
    async def over(
        cls,
        stream: httpcore.AsyncNetworkStream,
        context: ssl.SSLContext,
        server_hostname: str | None,
        timeout: float | None,
    ) -> AsyncTLSStream:
        """An encrypted stream after its handshake. A handshake that fails closes the stream below."""
        try:
            encrypted = cls(stream, context, server_hostname)
            await encrypted._run(encrypted._object.do_handshake, timeout)
        except httpcore.TimeoutException as error:
            await stream.aclose()
            raise httpcore.ConnectTimeout(str(error)) from error
        except (httpcore.NetworkError, ssl.SSLError) as error:
            await stream.aclose()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            await stream.aclose()
            raise
        return encrypted

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read under the time that is left."""
        try:
            return await self._run(partial(self._object.read, max_bytes), timeout)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            if "UNEXPECTED_EOF" in str(error):
                return b""
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write under the time that is left, in records."""
        view = memoryview(buffer)
        del buffer  # a traceback shows no key
        try:
            for start in range(0, len(view), _RECORD):
                await self._run(partial(self._object.write, view[start : start + _RECORD]), timeout)
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """TLS once more over this."""
        return await AsyncTLSStream.over(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """A fact about the stream, by its name in httpcore."""
        if info == "is_readable" and (self._incoming.pending or self._object.pending()):
            return True  # more than the response that was read
        return self._object if info == "ssl_object" else self._stream.get_extra_info(info)

    async def _run(self, step: Callable[[], T], timeout: float | None) -> T:
        """Do a step of the protocol, reading and writing until it is done."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._push(timeout)
                data = await self._stream.read(_MOST, timeout)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                await self._push(timeout)
                return result

    async def _push(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            await self._stream.write(self._outgoing.read(), timeout)
