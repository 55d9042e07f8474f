"""Connections with the interface of httpcore's, each for one request at a time, in place of httpcore's pool.

httpcore's own pool looks through all connections for every request, so that n requests at once cost n². Here a request
takes the connection that was used last, or a new one, and puts it back. httpcore's pools, which know of proxies and
certificates, make the connections, except direct ones of event loops, which are those of
:mod:`~simstudio.transport.wire.async_connection`. httpx's transports stand above this pool as they stood above theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import httpcore

from simstudio.transport.wire.connections import Connections
from simstudio.transport.wire.failures import CLOSED_HERE
from simstudio.transport.wire.internals import has_surplus

C = TypeVar("C", bound="httpcore.ConnectionInterface | httpcore.AsyncConnectionInterface")
N = TypeVar("N", bound=Any)


class Line(Generic[C, N]):
    """A connection, the network backend that opens its socket, and where it leads."""

    __slots__ = ("connection", "network", "place")

    def __init__(self, connection: C, network: N, place: Hashable) -> None:
        self.connection = connection
        self.network = network
        self.place = place


class BasePool(Generic[C, N]):
    """Base of the sync and the async pool.

    Args:
        make_network: Makes the network backend of one connection.
        make_maker: Makes, over a network backend, an object with ``create_connection``, such as a pool of httpcore.
        keep_alive: Seconds that an idle connection is kept.
    """

    def __init__(self, make_network: Callable[[], N], make_maker: Callable[[N], Any], keep_alive: float) -> None:
        self.connections: Connections[Line[C, N]] = Connections(keep_alive)
        self._make_network = make_network
        self._make_maker = make_maker

    def _take(self, origin: httpcore.Origin) -> Line[C, N] | None:
        """An idle connection to an origin that may carry a request."""
        while (line := self.connections.take(origin_place(origin))) is not None and line.connection.has_expired():
            self._release(line, usable=False)
        return line

    def _open(self, origin: httpcore.Origin) -> Line[C, N]:
        """A new connection, which connects when it is first used."""
        network = self._make_network()
        line: Line[C, N] = Line(self._make_maker(network).create_connection(origin), network, origin_place(origin))
        if not self.connections.add(line):
            raise httpcore.ConnectError(CLOSED_HERE)
        return line

    def _release(self, line: Line[C, N], *, usable: bool) -> None:
        """Give a connection back, and close it unless it may carry another request."""
        usable = usable and line.connection.is_idle() and not has_surplus(line.connection)
        for unwanted in self.connections.give(line, usable=usable):
            unwanted.network.close()
        self.connections.wake_next()

    def close(self) -> None:
        """Close every connection, those in use too, which ends the calls that wait for them."""
        for line in self.connections.close():
            line.network.close()


def origin_place(origin: httpcore.Origin) -> Hashable:
    """The address that connections to an origin lead to."""
    return origin.host, origin.port


def as_unsent(error: BaseException, request: httpcore.Request) -> BaseException:
    """A failure, as one of connecting where nothing of the request had left: in a proxy's handshake, for one."""
    if isinstance(error, httpcore.ConnectionNotAvailable):  # closed between taking and sending
        return httpcore.ConnectError(CLOSED_HERE)
    if getattr(request.stream, "begun", True) or isinstance(
        error, (httpcore.ConnectError, httpcore.LocalProtocolError)
    ):
        return error
    if isinstance(error, httpcore.TimeoutException):
        return httpcore.ConnectTimeout(str(error))
    if isinstance(error, (httpcore.NetworkError, httpcore.ProtocolError)):
        return httpcore.ConnectError(str(error) or type(error).__name__)
    return error
