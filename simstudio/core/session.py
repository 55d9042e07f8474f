"""What a client shares with its clones and its resources: base address, key, stack, and the wire beneath."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from simstudio.core.service import Service
from simstudio.transport.auth import Credentials
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.flow import AsyncWire, Flow, Wire
from simstudio.transport.fork import renew_after_fork, unforked
from simstudio.transport.message import Request, Response
from simstudio.transport.rate_limit import RateLimits
from simstudio.transport.stack import Handler

_ANY_SERVICE = Service()
W = TypeVar("W", bound="Wire | AsyncWire")


class Guest(Protocol):
    """Something that uses an async client's connections beyond one call."""

    async def end(self) -> None:
        """Let what is under way end, before the connections are closed."""
        ...


class Session:
    """The transport of one client and its clones.

    Args:
        endpoint: The base address.
        credentials: The key; also what must not show.
        rate_limits: What the server said of them.
        handler: The composed stack.
        service: Facts of the service.

    Attributes:
        guests: What must end before the connections are closed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        rate_limits: RateLimits,
        handler: Handler,
        service: Service = _ANY_SERVICE,
    ) -> None:
        self.endpoint = endpoint
        self.credentials = credentials
        self.rate_limits = rate_limits
        self.service = service
        self._handler = handler
        self.guests: set[Guest] = set()

    def send(self, request: Request) -> Flow[Response]:
        """Send a request through the stack, following what may be followed."""
        return self.endpoint.follow(request, self._handler)

    def exchange(self, request: Request) -> Flow[Response]:
        """Send a request through the stack and follow nothing: for addresses that are not the service's own."""
        return self._handler(request)


class LazyWire(Generic[W]):
    """A wire that is made, and its HTTP library imported, when the first request needs it."""

    def __init__(self, make: Callable[[], W]) -> None:
        self._make = make
        self._wire: W | None = None
        self._lock = threading.Lock()
        self._closed = False
        renew_after_fork(self)

    def get(self) -> W:
        """The wire.

        Raises:
            ConfigurationError: The client was closed.
        """
        wire = self._wire
        if wire is None and not self._closed:
            with self._lock, unforked:
                wire = self._wire
                if wire is None and not self._closed:
                    wire = self._wire = self._make()
        if wire is None or self._closed:
            # A wire that was made meanwhile has nothing open: nobody has used it, nor will.
            raise ConfigurationError("This client is closed. Create another one, or close it later.")
        return wire

    def lend(self, request: Request) -> W:
        """The wire, for an attempt of a call that is under way.

        Raises:
            APIConnectionError: The client was closed meanwhile. (A :class:`ConfigurationError` tells that nothing was
                sent, and an earlier attempt may have been.)
        """
        try:
            return self.get()
        except ConfigurationError as error:
            if not self._closed:
                raise
            from simstudio.transport.wire.failures import CLOSED_HERE, refused

            raise refused(request, CLOSED_HERE) from error

    def retire(self) -> W | None:
        """Refuse further use, and give the wire to be closed, if there ever was one.

        It takes no lock, because the garbage collector may strike where that is held, and does not wait for a wire that
        is being made: ``get`` looks at ``_closed`` again when it has put that in its place.
        """
        self._closed = True
        wire, self._wire = self._wire, None
        return wire

    def after_fork(self) -> None:
        """In a forked child: a lock that no vanished thread holds."""
        self._lock = threading.Lock()
