"""The clients of Sim. What they do is in :mod:`simstudio.resources`, how they live in :mod:`simstudio.core.client`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simstudio.core.client import AsyncClient, SyncClient
from simstudio.core.modes import Async, M, RawAsync, RawSync, Sync
from simstudio.core.options import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    Options,
)
from simstudio.core.session import Session
from simstudio.resources.documented_methods import DocumentedMethods
from simstudio.resources.settings import (
    KEEP_ALIVE_SECONDS,
    KEY_PATTERN,
    LOG_VARIABLE,
    SHOWN_HEADERS,
    SIM,
    check_api_key,
    resolve_api_key,
    resolve_api_version,
    resolve_base_url,
    warn_of_ignored_settings,
)
from simstudio.transport.auth import Anonymous, APIKeyAuth, Credentials
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.logging import Logging, configure_from_environment
from simstudio.transport.rate_limit import RateLimits
from simstudio.transport.retry import Retry
from simstudio.transport.stack import MiddlewareOption
from simstudio.transport.wire import MAX_RESPONSE_SIZE, WireOptions


class _SimClient(DocumentedMethods[M]):
    """What the sync and the async client of Sim share."""

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
        max_response_size: int | None = MAX_RESPONSE_SIZE,
    ) -> None:
        configure_from_environment(LOG_VARIABLE)
        warn_of_ignored_settings()
        options = Options.checked(timeout=timeout, max_retries=max_retries, headers=headers)
        credentials = Credentials(resolve_api_key(api_key), pattern=KEY_PATTERN)
        endpoint = Endpoint(resolve_base_url(base_url), follow_to_www=True)
        version = resolve_api_version(api_version)
        rate_limits = RateLimits()
        session = Session(
            endpoint,
            credentials,
            rate_limits,
            stack=[
                APIKeyAuth(credentials, endpoint),
                rate_limits,
                Retry(),
                Logging(credentials=credentials, shown_headers=SHOWN_HEADERS),
            ],
            middleware=middleware,
            http_client=http_client,
            asynchronous=self._mode.asynchronous,
            arguments=lambda: {"api_key": credentials.key, "api_version": version},
            version=version,
            service=SIM,
            wire=WireOptions(keep_alive=KEEP_ALIVE_SECONDS, max_response_size=max_response_size),
        )
        self._begin(session, options)

    @property
    def api_key(self) -> str | None:
        """The API key in use, None when there is none (``simstudio.ANONYMOUS``)."""
        key = self._context.session.credentials.key
        return key if isinstance(key, str) else None

    def set_api_key(self, api_key: str) -> None:
        """Use another key from the next request on, here and in clones.

        Raises:
            ConfigurationError: It cannot be sent.
        """
        self._context.session.credentials.key = check_api_key(api_key)

    @property
    def api_version(self) -> str:
        """The version of the API that the namespaces speak."""
        return self._context.session.version

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r}, api_version={self.api_version!r})"


class SimStudioClient(_SimClient[Sync], SyncClient):
    """A client for Sim that blocks. One may serve many threads.

    Args:
        api_key: Of Sim; ``SIM_API_KEY`` of the environment where it is not given; ``simstudio.ANONYMOUS`` for none.
        base_url: Where Sim is; ``SIM_BASE_URL``, then ``https://sim.ai``. A path prefix is kept.
        timeout: Seconds for one logical HTTP call, from connecting to the body's end, retries and their waits included;
            None for no end. With ``http_client`` it bounds each phase instead.
        max_retries: Repetitions of what may be repeated, after the first attempt.
        api_version: What the namespaces and the flat methods speak: ``v1`` (the unversioned routes of the documents) or
            ``v2``; ``SIM_API_VERSION`` where it is not given, then ``v1``. (``client.v1`` and ``client.v2`` are always
            there.)
        middleware: A list to append below the default stack, or a function that gets the default list and returns the
            one to use; see :mod:`simstudio.transport.stack`.
        http_client: An ``httpx.Client`` (or ``httpx2.Client``) of your own to send with. It is never closed for you.
        headers: Sent with every request.
        max_response_size: Bytes of a response's decoded body that are held in memory; a larger one is an
            InvalidResponseError. None for no bound. Streams and downloads have none.

    Raises:
        ConfigurationError: Something of this cannot work; the message says what.

    Example:
        >>> with SimStudioClient() as client:  # doctest: +SKIP
        ...     print(client.workflows.execute("wf", {"name": "Ada"}).output)

    A pickled client carries its key: treat it as a secret.
    """

    @property
    def with_raw_response(self) -> RawSimStudioClient:
        """This client with operations that return an :class:`~simstudio.APIResponse`: result, status, headers."""
        raw: RawSimStudioClient = self._raw(RawSimStudioClient)
        return raw


class AsyncSimStudioClient(_SimClient[Async], AsyncClient):
    """A client for Sim whose operations are awaited; otherwise like :class:`SimStudioClient`, arguments included.

    One works across successive event loops: connections belong to the loop that runs, and are closed with it.
    ``http_client`` is an ``httpx.AsyncClient`` (or ``httpx2.AsyncClient``).

    Example:
        >>> async with AsyncSimStudioClient() as client:  # doctest: +SKIP
        ...     print((await client.workflows.execute("wf", {"name": "Ada"})).output)
    """

    @property
    def with_raw_response(self) -> AsyncRawSimStudioClient:
        """This client with operations that give an :class:`~simstudio.APIResponse`: result, status, headers."""
        raw: AsyncRawSimStudioClient = self._raw(AsyncRawSimStudioClient)
        return raw


class RawSimStudioClient(_SimClient[RawSync]):
    """``client.with_raw_response``: the same operations, each returning an :class:`~simstudio.APIResponse`."""

    _mode = RawSync

    @classmethod
    def _rebuild(cls, arguments: dict[str, Any]) -> Any:
        return SimStudioClient(**arguments).with_raw_response


class AsyncRawSimStudioClient(_SimClient[RawAsync]):
    """``client.with_raw_response`` of an async client: each operation awaits to an :class:`~simstudio.APIResponse`."""

    _mode = RawAsync

    @classmethod
    def _rebuild(cls, arguments: dict[str, Any]) -> Any:
        return AsyncSimStudioClient(**arguments).with_raw_response
