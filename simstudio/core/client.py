"""What the clients of all services share: transport, options, clones, pickles, life cycle.

A service's client says where it sends (an :class:`~simstudio.transport.endpoint.Endpoint`), with which credentials, and
through which stack, and declares its resources with :class:`~simstudio.core.namespace.namespace`. Everything else is
here, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import Async, AsyncRunner, M, Runner, Sync, SyncRunner
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Options, Unset
from simstudio.core.resource import APIResource, Context
from simstudio.core.service import Service
from simstudio.core.session import LazyWire, Session
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.flow import Flow
from simstudio.transport.rate_limit import RateLimitInfo, RateLimits
from simstudio.transport.stack import Middleware, MiddlewareOption, arrange, compose

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from simstudio.transport.auth import Credentials
    from simstudio.transport.endpoint import Endpoint
    from simstudio.transport.flow import AsyncWire, Wire


class Settings:
    """What a client was made of, for clones and pickles.

    Args:
        middleware: As given.
        http_client: As given.
        arguments: The constructor's further arguments, read when a pickle is made.
    """

    def __init__(
        self,
        middleware: MiddlewareOption,
        http_client: object | None,
        arguments: Callable[[], dict[str, Any]],
    ) -> None:
        self.middleware = list(middleware) if isinstance(middleware, Iterator) else middleware  # read more than once
        self.http_client = http_client
        self.arguments = arguments


class BaseClient(APIResource[M]):
    """A client of some service: the root of its namespaces."""

    _settings: Settings
    _wire: LazyWire[Any]
    _owns_wire: bool

    def _assemble(
        self,
        *,
        endpoint: Endpoint,
        credentials: Credentials,
        rate_limits: RateLimits,
        stack: list[Middleware],
        options: Options,
        settings: Settings,
        innermost: Sequence[Middleware] = (),
        service: Service | None = None,
    ) -> None:
        """Put the client together; called once, by the constructor of a service's client.

        ``innermost`` stands below the user's own middleware too: what signs the very bytes that are sent.
        """
        self._settings = settings
        self._owns_wire = True
        middleware = [*arrange(stack, settings.middleware), *innermost]
        session = Session(endpoint, credentials, rate_limits, compose(middleware), service or Service())
        self._adopt(session, options, self._make_runner(settings.http_client))

    def _make_runner(self, http_client: Any) -> Runner:
        raise AssertionError(f"each client makes its own, also over {http_client!r}")  # pragma: no cover

    def _adopt(self, session: Session, options: Options, runner: Runner) -> None:
        context = Context(session, options, runner, self._recipe(session, options))
        super().__init__(context, "")

    def _derive(self, kind: type[Any], options: Options, runner: Runner) -> Any:
        """Another client over what this one owns."""
        made: Any = object.__new__(kind)
        made._settings = self._settings
        made._wire = self._wire
        made._owns_wire = False
        made._adopt(self._context.session, options, runner)
        return made

    def with_options(
        self,
        *,
        timeout: float | Unset | None = UNSET,
        max_retries: int | Unset = UNSET,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """A client with other options that shares connections, key, base address and rate-limit tracker with this one.

        Its ``close()`` does nothing: close the original.

        Args:
            timeout: Seconds for one logical HTTP call, None for no end.
            max_retries: Repetitions after the first attempt.
            headers: Added to this client's.

        Example:
            >>> client.with_options(timeout=120).workflows.execute("wf")  # doctest: +SKIP
        """
        now = self._context.options
        options = Options.checked(
            timeout=now.timeout if isinstance(timeout, Unset) else timeout,
            max_retries=now.max_retries if isinstance(max_retries, Unset) else max_retries,
            headers={**now.headers, **headers} if isinstance(headers, Mapping) else headers or now.headers,
        )
        clone: Self = self._derive(type(self), options, self._context.runner)
        return clone

    @operation
    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = UNSET,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        into: type[Any] | None = None,
        timeout: float | Unset | None = UNSET,
    ) -> Flow[Any]:
        """Call any route of the API, through the whole stack.

        Args:
            method: ``GET``, ``POST`` …; reads are retried, writes only where surely nothing was sent.
            path: On the base address, such as ``/api/v1/workflows?limit=5``; may hold a query.
            json: Sent as a JSON body.
            params: Added to the query; None values are left out.
            headers: Besides the client's own.
            into: A model to structure the answer into.
            timeout: Seconds for the call, None for no end; the client's where it is not given.

        Returns:
            Of a 2xx answer: ``into``, else its JSON data, else its bytes, else None when it is empty.

        Raises:
            APIStatusError: Any error status.

        Example:
            >>> client.request("GET", "/api/users/me/usage-limits")["usage"]["plan"]  # doctest: +SKIP
            'free'
        """
        return (
            yield from self._generic(
                method, path, json=json, params=params, headers=headers, into=into, timeout=timeout
            )
        )

    def _raw(self, kind: type[Any]) -> Any:
        return self._derive(kind, self._context.options, self._context.runner.raw())

    @property
    def base_url(self) -> str:
        """The base address in use, without a trailing slash."""
        return self._context.session.endpoint.base_url

    def set_base_url(self, base_url: str) -> None:
        """Use another base address from the next request on, here and in clones.

        Raises:
            ConfigurationError: It is no base address.
        """
        self._context.session.endpoint.move(base_url)

    def get_rate_limit_info(self) -> RateLimitInfo | None:
        """What the server last said about rate limits, None while it has said nothing.

        ``reset`` is epoch seconds, ``retry_after`` seconds. Sim's executions carry no such hints on any server observed
        (NOTES 4); ``client.usage.limits()`` asks for them.
        """
        return self._context.session.rate_limits.current

    def _recipe(self, session: Session, options: Options) -> Callable[[], tuple[Any, ...]]:
        cls, settings = type(self), self._settings

        def recipe() -> tuple[Any, ...]:
            _check_picklable(settings)
            arguments = {
                **settings.arguments(),
                "base_url": session.endpoint.base_url,
                "timeout": options.timeout,
                "max_retries": options.max_retries,
                "middleware": settings.middleware,
                "headers": dict(options.headers),
            }
            return cls._rebuilt, (arguments,)

        return recipe

    @classmethod
    def _rebuilt(cls, arguments: dict[str, Any]) -> Any:
        """A pickled client, made anew."""
        return cls(**arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the configuration, **the API key included**: treat a pickled client as a secret."""
        return self._context.owner()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"


class SyncClient(BaseClient[Sync]):
    """The life cycle of a client that blocks."""

    _mode = Sync

    def _make_runner(self, http_client: Any) -> Runner:
        if http_client is not None:
            from simstudio.transport.wire.client import is_async_client

            if is_async_client(http_client):
                raise ConfigurationError("http_client= is async: use the async client, or an httpx.Client.")
        self._wire = LazyWire(lambda: _sync_wire(http_client))
        return SyncRunner(self._wire, None if http_client is not None else lambda: _async_wire(None))

    def close(self) -> None:
        """Close the connections. A call afterwards is a ConfigurationError; closing again does nothing."""
        if self._owns_wire:
            wire = self._wire.retire()
            if wire is not None:
                wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(BaseClient[Async]):
    """The life cycle of a client whose operations are awaited."""

    _mode = Async

    def _make_runner(self, http_client: Any) -> Runner:
        if http_client is not None:
            from simstudio.transport.wire.client import is_async_client

            if not is_async_client(http_client):
                raise ConfigurationError("http_client= is not async: use the sync client, or an httpx.AsyncClient.")
        self._wire = LazyWire(lambda: _async_wire(http_client))
        return AsyncRunner(self._wire)

    async def aclose(self) -> None:
        """Close the connections. A call afterwards is a ConfigurationError; closing again does nothing.

        A batch that is under way begins nothing more, and gets up to 30 s to end first.
        """
        if self._owns_wire:
            for guest in list(self._context.session.guests):
                await guest.end()
            wire = self._wire.retire()
            if wire is not None:
                await wire.aclose()

    async def close(self) -> None:
        """The same as :meth:`aclose`."""
        await self.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _sync_wire(http_client: Any) -> Wire:
    if http_client is not None:
        from simstudio.transport.wire.client import ClientWire

        return ClientWire(http_client)
    from simstudio.transport.wire.httpx import HTTPXWire

    return HTTPXWire()


def _async_wire(http_client: Any) -> AsyncWire:
    if http_client is not None:
        from simstudio.transport.wire.client import AsyncClientWire

        return AsyncClientWire(http_client)
    from simstudio.transport.wire.async_httpx import AsyncHTTPXWire

    return AsyncHTTPXWire()


def _check_picklable(settings: Settings) -> None:
    if settings.http_client is not None:
        raise ConfigurationError("A client with http_client= cannot be pickled: make one in each process.")
    option = settings.middleware
    if option is None:
        return
    import pickle

    for middleware in [option] if callable(option) else list(option):
        try:
            pickle.dumps(middleware)
        except Exception as error:
            name = getattr(middleware, "__qualname__", None) or type(middleware).__qualname__
            raise ConfigurationError(
                f"A client with the middleware {name} cannot be pickled: {error}. Use a function of a module."
            ) from error
