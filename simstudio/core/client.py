"""The bases of every service's client: options, clones, pickling, closing.

The constructor of a service's client makes a :class:`~simstudio.core.session.Session` and passes it to
:meth:`BaseClient._begin`. Resources are declared with :class:`~simstudio.core.resource.namespace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from simstudio.core.context import Context
from simstudio.core.functions import with_hints
from simstudio.core.modes import Async, M, Mode, RawAsync, RawSync, Sync
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Options, Unset
from simstudio.core.resource import APIResource
from simstudio.core.session import Session
from simstudio.transport.flow import Flow
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.transport.rate_limit import RateLimitInfo

R = TypeVar("R")
C = TypeVar("C", bound="BaseClient[Any]")
"""Class of ``self``, instead of ``Self``, which jedi takes for the class that defines the method."""


class BaseClient(APIResource[M]):
    """A client of a service: the root of its namespaces."""

    _mode: type[Mode]
    _owns_session: bool

    def _begin(self, session: Session, options: Options) -> None:
        """Initialise the client; called once by the constructor of a service's client."""
        self._owns_session = True
        self._use(session, options)

    def _use(self, session: Session, options: Options) -> None:
        context = Context(session, options, self._mode, type(self)._rebuild)
        super().__init__(context, "")

    def _derive(self, kind: type[Any], options: Options) -> Any:
        """Make another client with the same session."""
        client: Any = object.__new__(kind)
        client._owns_session = False
        client._use(self._context.session, options)
        return client

    @with_hints
    def with_options(
        self: C,
        *,
        timeout: float | Unset | None = UNSET,
        max_retries: int | Unset = UNSET,
        headers: Mapping[str, str] | None = None,
    ) -> C:
        """Return a client with other options that shares this client's connections, key, base address and rate limits.

        Its ``close()`` does nothing: close the original.

        Args:
            timeout: Seconds for one logical HTTP call; None for no limit.
            max_retries: Retries after the first attempt.
            headers: Headers to add to this client's.

        Example:
            >>> client.with_options(timeout=120).workflows.execute("wf")  # doctest: +SKIP
        """
        now = self._context.options
        own: Secret[Any] = Secret(
            {**now.headers, **headers} if isinstance(headers, Mapping) else headers or now.headers
        )
        del headers
        options = Options.of(
            timeout=now.timeout if isinstance(timeout, Unset) else timeout,
            max_retries=now.max_retries if isinstance(max_retries, Unset) else max_retries,
            headers=own,
            key_header=self._context.session.service.key_header,
        )
        clone: C = self._derive(type(self), options)
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
        """Call any route of the API, with authentication, retries and logging like every operation.

        Args:
            method: HTTP verb. ``GET``, ``HEAD`` and ``OPTIONS`` are retried, others only if nothing was sent.
            path: Path below the base address, such as ``/api/v1/workflows?limit=5``; may hold a query.
            json: JSON data of the body.
            params: Query parameters to add; None values are left out.
            headers: Headers to add to the client's.
            into: Model class for the result.
            timeout: Seconds for the call; None for no limit; by default the client's.

        Returns:
            The body of the 2xx response: as ``into`` if given, else its JSON data, else its bytes; None if it is empty.

        Raises:
            APIStatusError: The server answered with an error status.

        Example:
            >>> client.request("GET", "/api/users/me/usage-limits")["usage"]["plan"]  # doctest: +SKIP
            'free'
        """
        return (
            yield from self._generic(
                method, path, json=json, params=params, headers=headers, into=into, timeout=timeout
            )
        )

    @property
    def base_url(self) -> str:
        """The base address in use, without a trailing slash."""
        return self._context.session.endpoint.base_url

    def set_base_url(self, base_url: str) -> None:
        """Set the base address for the next requests of this client and its clones.

        Raises:
            ConfigurationError: The text is no base address.
        """
        address = Secret(base_url)
        del base_url
        self._context.session.endpoint.move(address)

    @with_hints
    def get_rate_limit_info(self) -> RateLimitInfo | None:
        """Return the rate limits that the server reported last; None before the first report."""
        return self._context.session.rate_limits.current

    @classmethod
    def _rebuild(cls, arguments: dict[str, Any]) -> Any:
        """Make a client from the arguments in a pickle."""
        return cls(**arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the configuration, **including the API key**: treat a pickled client as a secret."""
        return self._context.reduce()

    def _settings_to_show(self) -> dict[str, Any]:
        """The settings that the repr of a client shows."""
        return {"base_url": self.base_url}

    def __repr__(self) -> str:
        complete = "_context" in vars(self)  # a constructor that fails leaves a client in its traceback
        shown = ", ".join(f"{name}={value!r}" for name, value in self._settings_to_show().items()) if complete else "…"
        return f"{type(self).__name__}({shown})"


class SyncClient(BaseClient[Sync], Generic[R]):
    """Base of sync clients: closing, and the client of ``with_raw_response``, a :class:`RawClient` (``R``)."""

    _mode = Sync
    _raw_kind: ClassVar[type[Any]]

    @property
    def with_raw_response(self) -> R:
        """This client with operations that return an :class:`~simstudio.APIResponse`: result, status and headers."""
        raw: R = self._derive(self._raw_kind, self._context.options)
        return raw

    def close(self) -> None:
        """Close the connections. Later calls raise ConfigurationError; closing again does nothing."""
        if self._owns_session:
            self._context.session.close()

    def __enter__(self: C) -> C:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(BaseClient[Async], Generic[R]):
    """Base of async clients: closing, and the client of ``with_raw_response``, a :class:`RawClient` (``R``)."""

    _mode = Async
    _raw_kind: ClassVar[type[Any]]

    @property
    def with_raw_response(self) -> R:
        """This client with operations that await to an :class:`~simstudio.APIResponse`: result, status and headers."""
        raw: R = self._derive(self._raw_kind, self._context.options)
        return raw

    async def aclose(self) -> None:
        """Close the connections. Later calls raise ConfigurationError; closing again does nothing.

        A running batch starts no more executions, and has up to 30 s to end first.
        """
        if self._owns_session:
            await self._context.session.aclose()

    async def close(self) -> None:
        """The same as :meth:`aclose`."""
        await self.aclose()

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class RawClient(BaseClient[M]):
    """Base of the clients of ``with_raw_response``.

    For example ``class RawThingsClient(_ThingsClient[RawSync], RawClient[RawSync], of=ThingsClient)``.

    Args:
        of: Client whose ``with_raw_response`` it is.
    """

    _of: ClassVar[type[Any]]

    def __init_subclass__(cls, of: type[Any] | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if of is not None:
            cls._of, of._raw_kind = of, cls
            cls._mode = RawAsync if of._mode.asynchronous else RawSync

    @classmethod
    def _rebuild(cls, arguments: dict[str, Any]) -> Any:
        return cls._of._rebuild(arguments).with_raw_response
