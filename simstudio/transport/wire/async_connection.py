"""A direct connection of an event loop: HTTP/1.1 by h11, the parser of httpcore, over a stream of ours.

httpcore's own connections can be shared by tasks and traced. A call pays for that with three locks, each of which takes
a turn of the event loop, with seven trace points and with six generators inside one another: a sixth of the CPU of a
call among 200, which kept 6,000 calls at that concurrency from 1.25 of the ideal (``tests/benchmarks/throughput.py``).
Here a connection carries one request at a time, because its pool gives it to one. Ways through a proxy keep httpcore's.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import h11
import httpcore

from simstudio.transport.wire.async_network import AsyncNetwork
from simstudio.transport.wire.internals import begin_request

_READ_SIZE = 64 * 1024
_MAX_EVENT_SIZE = 100 * 1024
_END = h11.EndOfMessage()


class AsyncDirect:
    """Makes direct connections, as the pools of httpcore make theirs.

    Args:
        network_backend: Backend that opens the socket.
        ssl_context: The certificates to trust, None where the pool is not for https.
        keepalive_expiry: Not used: the pool counts how long a connection is idle.
    """

    def __init__(
        self,
        *,
        network_backend: AsyncNetwork,
        ssl_context: ssl.SSLContext | None,
        keepalive_expiry: float,  # noqa: ARG002
    ) -> None:
        self._network = network_backend
        self._ssl_context = ssl_context

    def create_connection(self, origin: httpcore.Origin) -> AsyncConnection:
        """A connection that connects when it is first used."""
        return AsyncConnection(origin, self._network, self._ssl_context)


class AsyncConnection(httpcore.AsyncConnectionInterface):
    """A connection to an origin, for one request at a time. After any failure its pool closes the network.

    Attributes:
        parser: Parser of HTTP/1.1.
    """

    def __init__(self, origin: httpcore.Origin, network: AsyncNetwork, ssl_context: ssl.SSLContext | None) -> None:
        self.parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_EVENT_SIZE)
        self._origin = origin
        self._network = network
        self._ssl_context = ssl_context
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request and read the head of its response."""
        timeouts = request.extensions["timeout"]
        stream = self._stream or await self._connect(timeouts.get("connect"))
        try:  # noqa: SIM105 - contextlib.suppress takes a microsecond
            await self._send(stream, request, timeouts.get("write"))
        except httpcore.WriteError:
            pass  # a server may respond, and close, before it has read the whole request
        timeout = timeouts.get("read")
        event: Any = h11.NEED_DATA  # the pool keeps no connection that has received more than a response
        while type(event) is not h11.Response:  # isinstance asks an ABC, for half a microsecond
            if event is h11.NEED_DATA:
                await self.receive(stream, timeout)
            event = self.next_event()
            if type(event) is h11.InformationalResponse and event.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                break  # what follows is no HTTP
        return _Response(event, _Content(self, stream, timeout), stream)

    async def _connect(self, timeout: float | None) -> httpcore.AsyncNetworkStream:
        host = self._origin.host.decode("ascii")
        stream = await self._network.connect_tcp(host, self._origin.port, timeout)
        if self._origin.scheme == b"https":
            context = self._ssl_context or httpcore.default_ssl_context()
            context.set_alpn_protocols(["http/1.1"])
            stream = await stream.start_tls(context, host, timeout)
        self._stream = stream
        return stream

    async def _send(
        self, stream: httpcore.AsyncNetworkStream, request: httpcore.Request, timeout: float | None
    ) -> None:
        send: Any = self.parser.send
        body: Any = request.stream
        try:
            await stream.write(send(begin_request(request)), timeout)  # no local variable: its ``repr`` shows the key
            async for piece in body:
                await stream.write(send(h11.Data(data=piece)), timeout)
            if end := send(_END):
                await stream.write(end, timeout)
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(error) from error

    def next_event(self) -> object:
        """The next event of the response; ``h11.NEED_DATA`` until more is received."""
        try:
            return self.parser.next_event()
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(error) from error

    async def receive(self, stream: httpcore.AsyncNetworkStream, timeout: float | None) -> None:
        """Read from the socket, for the parser."""
        data = await stream.read(_READ_SIZE, timeout)
        if not data and self.parser.their_state is h11.SEND_RESPONSE:
            raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        self.parser.receive_data(data)

    def end_response(self) -> None:
        """Be ready for the next request, unless one of the sides closes."""
        if self.parser.our_state is h11.DONE and self.parser.their_state is h11.DONE:
            self.parser.start_next_cycle()

    def is_idle(self) -> bool:
        """Whether another request may follow: the last one and its response ended, and neither side closes."""
        return self._stream is not None and self.parser.our_state is h11.IDLE

    def has_expired(self) -> bool:
        """Whether the server has closed this idle connection, or sent what belongs to no response."""
        return self._stream is None or bool(self._stream.get_extra_info("is_readable"))


class _Response(httpcore.Response):
    """A response whose head h11 has checked. The constructor of httpcore would check each header again."""

    def __init__(
        self, head: h11.Response | h11.InformationalResponse, content: _Content, stream: httpcore.AsyncNetworkStream
    ) -> None:
        version = b"HTTP/" + head.http_version
        extensions = {"http_version": version, "reason_phrase": head.reason, "network_stream": stream}
        super().__init__(head.status_code, content=content, extensions=extensions)
        self.headers = head.headers.raw_items()


class _Content:
    """The body of a response. It may be closed while another task reads from it, which a generator may not.

    Closing does nothing here: the pool then closes the connection, unless the body has ended.
    """

    def __init__(self, connection: AsyncConnection, stream: httpcore.AsyncNetworkStream, timeout: float | None) -> None:
        self._connection = connection
        self._stream = stream
        self._timeout = timeout
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        while (event := self._connection.next_event()) is h11.NEED_DATA:
            await self._connection.receive(self._stream, self._timeout)
        if type(event) is h11.Data:
            return bytes(event.data)
        self._ended = True
        self._connection.end_response()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        pass
