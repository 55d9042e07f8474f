"""The clients: configuration and life cycle. What they can do is in :mod:`simstudio.resources`."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from simstudio.config import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    UNSET,
    Options,
    Unset,
    resolve_api_key,
    resolve_api_version,
    resolve_base_url,
)
from simstudio.errors import ConfigurationError
from simstudio.resources.base import Context
from simstudio.resources.documented import DocumentedMethods
from simstudio.resources.modes import Async, AsyncRunner, M, RawAsync, RawSync, Runner, Sync, SyncRunner
from simstudio.transport.auth import Anonymous, APIKeyAuth, Credentials
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.flow import AsyncWire, Wire
from simstudio.transport.logging import Logging, configure_from_environment
from simstudio.transport.rate_limit import RateLimitInfo, RateLimits
from simstudio.transport.retry import Retry
from simstudio.transport.session import LazyWire, Session
from simstudio.transport.stack import Middleware, MiddlewareOption, arrange, compose

if TYPE_CHECKING:
    from typing_extensions import Self

C = TypeVar("C", bound="_SimClient[Any]")


@attrs.frozen(eq=False)
class _Settings:
    """What a client was made of, besides what may change: for clones and pickles."""

    api_version: str
    middleware: MiddlewareOption
    http_client: object | None


class _SimClient(DocumentedMethods[M]):
    """What the sync and the async client share."""

    _wire: LazyWire[Any]

    def __init__(
        self,
        api_key: str | Anonymous | None = None,
        base_url: str | None = None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        api_version: str | None = None,
        middleware: MiddlewareOption = None,
        http_client: object | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        configure_from_environment()
        options = Options.checked(timeout=timeout, max_retries=max_retries, headers=headers)
        credentials = Credentials(resolve_api_key(api_key))
        endpoint = Endpoint(resolve_base_url(base_url))
        self._settings = _Settings(resolve_api_version(api_version), middleware, http_client)
        self._owns_wire = True
        rate_limits = RateLimits()
        default: list[Middleware] = [
            APIKeyAuth(credentials, endpoint),
            rate_limits,
            Retry(),
            Logging(credentials=credentials),
        ]
        session = Session(endpoint, credentials, rate_limits, compose(arrange(default, middleware)))
        runner = self._make_runner(http_client)
        super().__init__(Context(session, options, runner, self._recipe(session, options)))

    def _make_runner(self, http_client: Any) -> Runner:
        raise AssertionError(f"each client makes its own, also over {http_client!r}")  # pragma: no cover

    @classmethod
    def _from_context(cls, context: Context, settings: _Settings, wire: LazyWire[Any]) -> Self:
        """A client over what another one owns."""
        made = cls.__new__(cls)
        made._settings = settings
        made._owns_wire = False
        made._wire = wire
        DocumentedMethods.__init__(made, context)
        return made

    @property
    def api_key(self) -> str | None:
        """The API key in use, None when there is none (``simstudio.ANONYMOUS``)."""
        key = self._context.session.credentials.key
        return key if isinstance(key, str) else None

    @property
    def base_url(self) -> str:
        """The base address in use, without a trailing slash."""
        return self._context.session.endpoint.base_url

    @property
    def api_version(self) -> str:
        """The version of the API that the namespaces speak."""
        return self._settings.api_version

    def set_api_key(self, api_key: str) -> None:
        """Use another key from the next request on, here and in clones.

        Raises:
            ConfigurationError: It cannot be sent.
        """
        self._context.session.credentials.key = Credentials.check(api_key)

    def set_base_url(self, base_url: str) -> None:
        """Use another base address from the next request on, here and in clones.

        Raises:
            ConfigurationError: It is no base address.
        """
        self._context.session.endpoint.move(base_url)

    def get_rate_limit_info(self) -> RateLimitInfo | None:
        """What the server last said about rate limits, None while it has said nothing.

        Executions carry no such hints on any server observed (NOTES 4); ``client.usage.limits()`` asks for them.
        ``reset`` is epoch seconds, ``retry_after`` seconds.
        """
        return self._context.session.rate_limits.current

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
        session = self._context.session
        context = Context(session, options, self._context.runner, self._recipe(session, options), self._context.raw)
        return self._from_context(context, self._settings, self._wire)

    def _recipe(self, session: Session, options: Options) -> Callable[[], tuple[Callable[..., Any], tuple[Any, ...]]]:
        cls, settings = type(self), self._settings

        def recipe() -> tuple[Callable[..., Any], tuple[Any, ...]]:
            _check_picklable(settings)
            arguments = {
                "api_key": session.credentials.key,
                "base_url": session.endpoint.base_url,
                "timeout": options.timeout,
                "max_retries": options.max_retries,
                "api_version": settings.api_version,
                "middleware": settings.middleware,
                "headers": dict(options.headers),
            }
            return _rebuild, (cls, arguments)

        return recipe

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the configuration, **the API key included**: treat a pickled client as a secret."""
        return super().__reduce__()  # as the resource with the empty name

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r}, api_version={self.api_version!r})"


class SimStudioClient(_SimClient[Sync]):
    """A client for Sim that blocks. One may serve many threads.

    Args:
        api_key: Of Sim; ``SIM_API_KEY`` of the environment where it is not given; ``simstudio.ANONYMOUS`` for none.
        base_url: Where Sim is; ``SIM_BASE_URL``, then ``https://sim.ai``. A path prefix is kept.
        timeout: Seconds for one logical HTTP call, from connecting to the body's end, retries and their waits included;
            None for no end. With ``http_client`` it bounds each phase instead.
        max_retries: Repetitions of what may be repeated, after the first attempt.
        api_version: ``v1`` (the unversioned routes of the documents); ``SIM_API_VERSION`` where it is not given.
        middleware: A list to append below the default stack, or a function that gets the default list and returns the
            one to use; see :mod:`simstudio.transport.stack`.
        http_client: An ``httpx.Client`` (or ``httpx2.Client``) of your own to send with. It is never closed for you.
        headers: Sent with every request.

    Raises:
        ConfigurationError: Something of this cannot work; the message says what.

    Example:
        >>> with SimStudioClient() as client:  # doctest: +SKIP
        ...     print(client.workflows.execute("wf", {"name": "Ada"}).output)

    A pickled client carries its key: treat it as a secret.
    """

    def _make_runner(self, http_client: Any) -> Runner:
        if http_client is not None:
            from simstudio.transport.wire.client import is_async_client

            if is_async_client(http_client):
                raise ConfigurationError("http_client= is async: use AsyncSimStudioClient, or an httpx.Client.")
        self._wire = LazyWire(lambda: _sync_wire(http_client))
        return SyncRunner(self._wire)

    @property
    def with_raw_response(self) -> RawSimStudioClient:
        """This client with operations that return an :class:`~simstudio.APIResponse`: result, status, headers."""
        return RawSimStudioClient._from_context(self._context.as_raw(), self._settings, self._wire)

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


class AsyncSimStudioClient(_SimClient[Async]):
    """A client for Sim whose operations are awaited; otherwise like :class:`SimStudioClient`, arguments included.

    One works across successive event loops: connections belong to the loop that runs, and are closed with it.
    ``http_client`` is an ``httpx.AsyncClient`` (or ``httpx2.AsyncClient``).

    Example:
        >>> async with AsyncSimStudioClient() as client:  # doctest: +SKIP
        ...     print((await client.workflows.execute("wf", {"name": "Ada"})).output)
    """

    def _make_runner(self, http_client: Any) -> Runner:
        if http_client is not None:
            from simstudio.transport.wire.client import is_async_client

            if not is_async_client(http_client):
                raise ConfigurationError("http_client= is not async: use SimStudioClient, or an httpx.AsyncClient.")
        self._wire = LazyWire(lambda: _async_wire(http_client))
        return AsyncRunner(self._wire)

    @property
    def with_raw_response(self) -> AsyncRawSimStudioClient:
        """This client with operations that give an :class:`~simstudio.APIResponse`: result, status, headers."""
        return AsyncRawSimStudioClient._from_context(self._context.as_raw(), self._settings, self._wire)

    async def aclose(self) -> None:
        """Close the connections. A call afterwards is a ConfigurationError; closing again does nothing."""
        if self._owns_wire:
            wire = self._wire.retire()
            if wire is not None:
                await wire.aclose()

    async def close(self) -> None:
        """The same as :meth:`aclose`, under the documented name."""
        await self.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class RawSimStudioClient(_SimClient[RawSync]):
    """``client.with_raw_response``: the same operations, each returning an :class:`~simstudio.APIResponse`."""


class AsyncRawSimStudioClient(_SimClient[RawAsync]):
    """``client.with_raw_response`` of an async client: each operation awaits to an :class:`~simstudio.APIResponse`."""


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
    from simstudio.transport.wire.httpx import AsyncHTTPXWire

    return AsyncHTTPXWire()


def _check_picklable(settings: _Settings) -> None:
    if settings.http_client is not None:
        raise ConfigurationError("A client with http_client= cannot be pickled: make one in each process.")
    option = settings.middleware
    if option is None:
        return
    for middleware in [option] if callable(option) else list(option):
        try:
            pickle.dumps(middleware)
        except Exception as error:
            name = getattr(middleware, "__qualname__", None) or type(middleware).__qualname__
            raise ConfigurationError(
                f"A client with the middleware {name} cannot be pickled: {error}. Use a function of a module."
            ) from error


def _rebuild(cls: type[_SimClient[Any]], arguments: dict[str, Any]) -> _SimClient[Any]:
    """Make a pickled client anew; for a raw one, the client that it belongs to."""
    if issubclass(cls, RawSimStudioClient):
        return SimStudioClient(**arguments)
    if issubclass(cls, AsyncRawSimStudioClient):
        return AsyncSimStudioClient(**arguments)
    return cls(**arguments)
