"""``Session``: what a client and its clones share. Base address, key, middleware stack, connections."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from simstudio.core.service import Service
from simstudio.transport.auth import Credentials
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.flow import AsyncWire, Flow, Wire
from simstudio.transport.fork import renew_after_fork, unforked
from simstudio.transport.message import Request, Response
from simstudio.transport.rate_limit import RateLimits
from simstudio.transport.stack import Middleware, MiddlewareOption, arrange, compose
from simstudio.transport.wire import WireOptions

W = TypeVar("W", bound="Wire | AsyncWire")


class Session:
    """What a client and its clones share.

    Args:
        endpoint: The base address.
        credentials: The key, which is also taken out of errors.
        rate_limits: The tracker of the stack.
        stack: The middleware of the service, outermost first.
        middleware: The user's: a list to append, or a function of the stack.
        innermost: Middleware below the user's, such as a signature of the very bytes that are sent.
        http_client: The user's own HTTP client; None for connections of our own.
        asynchronous: Whether ``http_client`` must be an async one.
        arguments: Returns the arguments of the client's constructor that a pickle needs beside those known here.
        version: The version of the API that the client speaks; empty where the service has one only.
        service: Facts of the service.
        wire: How connections are kept, and what may be held in memory.

    Attributes:
        blocking: The wire of calls that block.
        awaiting: The wire of calls that are awaited.
        make_async_wire: Makes another such wire, with connections of its own.
        on_close: Called, and awaited, before the connections of an async client are closed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        rate_limits: RateLimits,
        *,
        stack: list[Middleware],
        middleware: MiddlewareOption = None,
        innermost: Sequence[Middleware] = (),
        http_client: Any = None,
        asynchronous: bool = False,
        arguments: Callable[[], dict[str, Any]] = dict,
        version: str = "",
        service: Service | None = None,
        wire: WireOptions | None = None,
    ) -> None:
        if http_client is not None:
            _check_mode(http_client, asynchronous=asynchronous)
        elif asynchronous:  # here rather than in the event loop of the first call, which an import stalls
            import simstudio.transport.wire.async_wire  # noqa: F401
        self.endpoint = endpoint
        self.credentials = credentials
        self.rate_limits = rate_limits
        self.middleware = list(middleware) if isinstance(middleware, Iterator) else middleware  # read for each pickle
        self.http_client = http_client
        self.arguments = arguments
        self.version = version
        self.service = service or Service()
        self.wire = wire or WireOptions()
        self.sync_wire: LazyWire[Wire] = LazyWire(partial(_make_sync_wire, http_client, asynchronous, self.wire))
        self.make_async_wire: Callable[[], AsyncWire] = partial(_make_async_wire, http_client, asynchronous, self.wire)
        self.async_wire: LazyWire[AsyncWire] = LazyWire(self.make_async_wire)
        self.on_close: set[Callable[[], Awaitable[None]]] = set()
        self._handler = compose([*arrange(stack, self.middleware), *innermost])

    def send(self, request: Request) -> Flow[Response]:
        """Send a request through the stack, following the redirects that may be followed."""
        return self.endpoint.follow(request, self._handler)

    def exchange(self, request: Request) -> Flow[Response]:
        """Send a request through the stack and follow no redirect: for addresses that are not the service's own."""
        return self._handler(request)

    def close(self) -> None:
        """Close the connections of blocking calls. Those of awaited calls are closed with their event loop."""
        self.async_wire.retire()
        wire = self.sync_wire.retire()
        if wire is not None:
            wire.close()

    async def aclose(self) -> None:
        """Close all connections, after what ``on_close`` holds."""
        for callback in list(self.on_close):
            await callback()
        awaiting = self.async_wire.retire()
        self.close()
        if awaiting is not None:
            await awaiting.aclose()


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

    def use(self, wire: W) -> None:
        """Send through this wire instead of one that would be made."""
        self._wire = wire

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


def _check_mode(http_client: Any, *, asynchronous: bool) -> None:
    from simstudio.transport.wire.client import is_async_client

    if is_async_client(http_client) and not asynchronous:
        raise ConfigurationError("http_client= is async: use the async client, or an httpx.Client.")
    if asynchronous and not is_async_client(http_client):
        raise ConfigurationError("http_client= is not async: use the sync client, or an httpx.AsyncClient.")


def _make_sync_wire(http_client: Any, asynchronous: bool, options: WireOptions) -> Wire:  # noqa: FBT001 - of a partial
    if http_client is None:
        from simstudio.transport.wire.sync_wire import HTTPXWire

        return HTTPXWire(options)
    if asynchronous:
        raise ConfigurationError(
            "This client sends with an http_client= that is awaited, so nothing of it can block: "
            "use the methods that are awaited, or a sync client with an httpx.Client."
        )
    from simstudio.transport.wire.client import ClientWire

    return ClientWire(http_client, options)


def _make_async_wire(http_client: Any, asynchronous: bool, options: WireOptions) -> AsyncWire:  # noqa: FBT001 - likewise
    if http_client is None:
        from simstudio.transport.wire.async_wire import AsyncHTTPXWire

        return AsyncHTTPXWire(options)
    if not asynchronous:
        raise ConfigurationError(
            "This client sends with an http_client= that blocks, so nothing of it can be awaited: "
            "use an async client with an httpx.AsyncClient for that."
        )
    from simstudio.transport.wire.client import AsyncClientWire

    return AsyncClientWire(http_client, options)
