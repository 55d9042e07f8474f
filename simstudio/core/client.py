"""The base of every service's client: options, clones, pickles, life cycle.

The constructor of a service's client makes a :class:`~simstudio.core.session.Session` and hands it to
:meth:`BaseClient._begin`; its resources are declared with :class:`~simstudio.core.namespace.namespace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from simstudio.core.context import Context
from simstudio.core.modes import Async, M, Mode, Sync
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Options, Unset
from simstudio.core.resource import APIResource
from simstudio.core.session import Session
from simstudio.transport.flow import Flow
from simstudio.transport.rate_limit import RateLimitInfo

if TYPE_CHECKING:
    from typing_extensions import Self


class BaseClient(APIResource[M]):
    """A client of some service: the root of its namespaces."""

    _mode: type[Mode]
    _owns_session: bool

    def _begin(self, session: Session, options: Options) -> None:
        """Finish the client; called once, by the constructor of a service's client."""
        self._owns_session = True
        self._adopt(session, options)

    def _adopt(self, session: Session, options: Options) -> None:
        context = Context(session, options, self._mode, type(self)._rebuilt)
        super().__init__(context, "")

    def _derive(self, kind: type[Any], options: Options) -> Any:
        """Make another client over the same session."""
        made: Any = object.__new__(kind)
        made._owns_session = False
        made._adopt(self._context.session, options)
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
        clone: Self = self._derive(type(self), options)
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
        return self._derive(kind, self._context.options)

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

        ``reset`` is epoch seconds, ``retry_after`` seconds.
        """
        return self._context.session.rate_limits.current

    @classmethod
    def _rebuilt(cls, arguments: dict[str, Any]) -> Any:
        """A pickled client, made anew."""
        return cls(**arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the configuration, **the API key included**: treat a pickled client as a secret."""
        return self._context.recipe()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"


class SyncClient(BaseClient[Sync]):
    """The life cycle of a client that blocks."""

    _mode = Sync

    def close(self) -> None:
        """Close the connections. A call afterwards is a ConfigurationError; closing again does nothing."""
        if self._owns_session:
            self._context.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(BaseClient[Async]):
    """The life cycle of a client whose operations are awaited."""

    _mode = Async

    async def aclose(self) -> None:
        """Close the connections. A call afterwards is a ConfigurationError; closing again does nothing.

        A batch that is under way begins nothing more, and gets up to 30 s to end first.
        """
        if self._owns_session:
            await self._context.session.aclose()

    async def close(self) -> None:
        """The same as :meth:`aclose`."""
        await self.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
