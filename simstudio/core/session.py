"""``Session``: base address, key, middleware stack and connections, which a client shares with its clones.

The client of a service hands a :class:`Service` down with it.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from simstudio.transport.auth import Credentials
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.flow import Flow
from simstudio.transport.fork import no_fork, renew_after_fork
from simstudio.transport.hints import RateLimits
from simstudio.transport.message import Request, Response
from simstudio.transport.stack import Middleware, MiddlewareOption, arrange, compose
from simstudio.transport.wire import WireOptions

if TYPE_CHECKING:
    from simstudio.transport.call_limit import CallLimit
    from simstudio.transport.errors import NotFoundError
    from simstudio.transport.wire.protocols import AsyncWire, Wire

T = TypeVar("T")
W = TypeVar("W")


class Service:
    """The facts of one service that the core needs.

    Args:
        error_codes: ``error.code`` by HTTP status, where the documented code holds whatever the body says.
        advice: Returns the last sentence of an error's message, which says what the caller can do about an error
            response; None if nothing is known.
        explain_not_found: Takes a resource and its 404; a flow that raises a more helpful error, or returns. It may
            send requests.
        key_header: Name of the header that carries the key; empty if none does.
    """

    __slots__ = ("advice", "error_codes", "explain_not_found", "key_header")

    def __init__(
        self,
        error_codes: Mapping[int, str] = MappingProxyType({}),
        advice: Callable[[Response], str | None] = lambda _: None,
        explain_not_found: Callable[[Any, NotFoundError], Flow[None]] | None = None,
        key_header: str = "",
    ) -> None:
        self.error_codes = error_codes
        self.advice = advice
        self.explain_not_found = explain_not_found
        self.key_header = key_header


class Session:
    """The state that a client shares with its clones.

    Args:
        endpoint: The base address.
        credentials: The API key, which is also removed from errors.
        rate_limits: The middleware that tracks rate limits.
        stack: Middleware of the service, outermost first.
        middleware: Middleware of the user: a list to append to the stack, or a function that takes and returns a stack.
        innermost: Middleware below the user's, such as one that signs the bytes that are sent.
        http_client: HTTP client of the user; None to send over connections of our own.
        asynchronous: Whether ``http_client`` must be async.
        arguments: Returns the arguments of the client's constructor that only the service has, for pickles.
        version: Version of the API; empty if the service has only one.
        service: Facts of the service.
        wire: Time for which idle connections are kept, and the largest body.
        call_limit: The limit that a :class:`~simstudio.transport.throttle.Throttle` in ``stack`` keeps; None if the
            service limits only executions, or nothing.

    Attributes:
        sync_wire: Wire for blocking calls.
        async_wire: Wire for awaited calls.
        make_async_wire: Makes another async wire, with connections of its own.
        on_close: Functions that are called and awaited before an async client closes its connections.
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
        call_limit: CallLimit | None = None,
    ) -> None:
        if http_client is not None:
            _check_mode(http_client, asynchronous=asynchronous)
        elif asynchronous:
            # Importing httpx takes long enough to stall an event loop, so it is not left to the first call.
            import simstudio.transport.wire.async_wire  # noqa: F401
        self.endpoint = endpoint
        self.credentials = credentials
        self.rate_limits = rate_limits
        if middleware is not None and isinstance(middleware, Iterator):
            middleware = list(middleware)  # an iterator can be read only once, and each pickle reads it again
        self.middleware = middleware
        self.http_client = http_client
        self.arguments = arguments
        self.version = version
        self.service = service or Service()
        self.wire = wire or WireOptions()
        self.call_limit = call_limit
        self.sync_wire: LazyWire[Wire] = LazyWire(partial(_make_sync_wire, http_client, asynchronous, self.wire))
        self.make_async_wire: Callable[[], AsyncWire] = partial(_make_async_wire, http_client, asynchronous, self.wire)
        self.async_wire: LazyWire[AsyncWire] = LazyWire(self.make_async_wire)
        self.on_close: set[Callable[[], Awaitable[None]]] = set()
        self._shared: dict[type[Any], Any] = {}
        self._handler = compose([*arrange(stack, self.middleware), *innermost])

    def send(self, request: Request) -> Flow[Response]:
        """Send a request through the stack, and follow the redirects that :class:`Endpoint` allows."""
        return self.endpoint.follow(request, self._handler)

    def exchange(self, request: Request) -> Flow[Response]:
        """Send a request through the stack without following redirects: for addresses of other servers."""
        return self._handler(request)

    def share(self, kind: type[T]) -> T:
        """Return the one object of a class that the resources of a client and of its clones share."""
        found: T | None = self._shared.get(kind)
        return self._shared.setdefault(kind, kind()) if found is None else found

    def close(self) -> None:
        """Close the sync connections. Async connections are closed with their event loop."""
        self.async_wire.retire()
        wire = self.sync_wire.retire()
        if wire is not None:
            wire.close()

    async def aclose(self) -> None:
        """Call the functions of ``on_close``, then close all connections."""
        for callback in list(self.on_close):
            await callback()
        wire = self.async_wire.retire()
        self.close()
        if wire is not None:
            await wire.aclose()


class LazyWire(Generic[W]):
    """A wire that is made when the first request needs it; making one imports httpx."""

    def __init__(self, make: Callable[[], W]) -> None:
        self._make = make
        self._wire: W | None = None
        self._lock = threading.Lock()
        self._closed = False
        renew_after_fork(self)

    def get(self) -> W:
        """Return the wire.

        Raises:
            ConfigurationError: The client is closed.
        """
        wire = self._wire
        if wire is None and not self._closed:
            with self._lock, no_fork:
                wire = self._wire
                if wire is None and not self._closed:
                    wire = self._wire = self._make()
        if wire is None or self._closed:
            # A wire that was made while the client was closed has no connections, so it needs no closing.
            raise ConfigurationError("This client is closed. Create another one, or close it later.")
        return wire

    def use(self, wire: W) -> None:
        """Use this wire instead of making one."""
        self._wire = wire

    def retire(self) -> W | None:
        """Make ``get`` raise from now on, and return the wire for closing; None if none was made.

        This takes no lock: the garbage collector may call it in a thread that holds the lock. A wire that ``get`` is
        making at this moment is not returned; ``get`` checks ``_closed`` again after making it.
        """
        self._closed = True
        wire, self._wire = self._wire, None
        return wire

    def after_fork(self) -> None:
        """Replace the lock in a forked child: a thread of the parent may have held it."""
        self._lock = threading.Lock()


def _check_mode(http_client: Any, *, asynchronous: bool) -> None:
    from simstudio.transport.wire.client import is_async_client

    if is_async_client(http_client) and not asynchronous:
        raise ConfigurationError("http_client= is async: use the async client, or an httpx.Client.")
    if asynchronous and not is_async_client(http_client):
        raise ConfigurationError("http_client= is not async: use the sync client, or an httpx.AsyncClient.")


def _make_sync_wire(http_client: Any, asynchronous: bool, options: WireOptions) -> Wire:  # noqa: FBT001 - a partial's
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
