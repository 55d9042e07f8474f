"""The clients of Sim: configuration and namespaces. Their operations are in :mod:`simstudio.resources`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simstudio.core.client import AsyncClient, RawClient, SyncClient
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
    KEY_HEADER,
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
from simstudio.transport.hints import RateLimits
from simstudio.transport.logging import Logging, configure_from_environment
from simstudio.transport.retry import Retry
from simstudio.transport.secret import Secret
from simstudio.transport.stack import MiddlewareOption
from simstudio.transport.wire import MAX_RESPONSE_SIZE, WireOptions


class _SimClient(DocumentedMethods[M]):
    """Base of the clients of Sim."""

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
        key, address, own_headers = Secret(api_key), Secret(base_url), Secret(headers)
        del api_key, base_url, headers
        configure_from_environment(LOG_VARIABLE)
        warn_of_ignored_settings()
        options = Options.of(timeout=timeout, max_retries=max_retries, headers=own_headers, key_header=KEY_HEADER)
        credentials = Credentials(resolve_api_key(key), pattern=KEY_PATTERN)
        endpoint = Endpoint(resolve_base_url(address), follow_to_www=True)
        version = resolve_api_version(api_version)
        rate_limits = RateLimits()
        session = Session(
            endpoint,
            credentials,
            rate_limits,
            stack=[
                APIKeyAuth(credentials, endpoint, KEY_HEADER),
                rate_limits,
                Retry(),
                Logging(credentials=credentials, shown_headers=SHOWN_HEADERS),
            ],
            middleware=middleware,
            http_client=http_client,
            asynchronous=self._mode.asynchronous,
            arguments=lambda: {"api_key": Secret(credentials.key), "api_version": version},
            version=version,
            service=SIM,
            wire=WireOptions(keep_alive=KEEP_ALIVE_SECONDS, max_response_size=max_response_size),
        )
        self._begin(session, options)

    @property
    def api_key(self) -> str | None:
        """The API key; None for ``simstudio.ANONYMOUS``."""
        key = self._context.session.credentials.key
        return key if isinstance(key, str) else None

    def set_api_key(self, api_key: str) -> None:
        """Set the API key for the next requests of this client and its clones.

        Raises:
            ConfigurationError: The key cannot be sent in a header.
        """
        key: Secret[Any] = Secret(api_key)
        del api_key
        self._context.session.credentials.replace(check_api_key(key))

    @property
    def api_version(self) -> str:
        """Version of the API that the namespaces use: ``v1`` or ``v2``."""
        return self._context.session.version

    def _settings_to_show(self) -> dict[str, Any]:
        return {**super()._settings_to_show(), "api_version": self.api_version}


class SimStudioClient(_SimClient[Sync], SyncClient["RawSimStudioClient"]):
    """A sync client for Sim. Many threads may share one.

    A pickled client contains its key: treat it as a secret.

    Args:
        api_key: API key; by default ``SIM_API_KEY`` of the environment; ``simstudio.ANONYMOUS`` to send none.
        base_url: Address of the server, with an optional path prefix; by default ``SIM_BASE_URL``, then
            ``https://sim.ai``.
        timeout: Seconds for one logical HTTP call, from connecting to the end of the body, including retries and the
            pauses between them; None for no limit. With ``http_client`` it bounds each phase instead.
        max_retries: Retries after the first attempt, for requests that may be sent again.
        api_version: Version of the API that namespaces and flat methods use: ``v1`` (the unversioned routes of the
            documents) or ``v2``; by default ``SIM_API_VERSION``, then ``v1``. ``client.v1`` and ``client.v2`` work with
            either.
        middleware: A list to append to the default stack, or a function that takes the default stack and returns
            another one; see :mod:`simstudio.transport.stack`.
        http_client: An ``httpx.Client`` (or ``httpx2.Client``) to send with. The client does not close it.
        headers: Headers of every request.
        max_response_size: Largest decoded body in bytes; a larger one raises InvalidResponseError. None for no bound.
            Streams and downloads have none.

    Raises:
        ConfigurationError: An argument or an environment variable cannot be used; the message names it.

    Example:
        >>> with SimStudioClient() as client:  # doctest: +SKIP
        ...     print(client.workflows.execute("wf", {"name": "Ada"}).output)
    """


class AsyncSimStudioClient(_SimClient[Async], AsyncClient["AsyncRawSimStudioClient"]):
    """An async client for Sim, with the arguments of :class:`SimStudioClient`.

    ``http_client`` is an ``httpx.AsyncClient`` (or ``httpx2.AsyncClient``). A client works in several event loops, one
    after another: its connections belong to the running loop and are closed with it.

    Example:
        >>> async with AsyncSimStudioClient() as client:  # doctest: +SKIP
        ...     print((await client.workflows.execute("wf", {"name": "Ada"})).output)
    """


class RawSimStudioClient(_SimClient[RawSync], RawClient[RawSync], of=SimStudioClient):
    """``client.with_raw_response``: the same operations, each returning an :class:`~simstudio.APIResponse`."""


class AsyncRawSimStudioClient(_SimClient[RawAsync], RawClient[RawAsync], of=AsyncSimStudioClient):
    """``client.with_raw_response`` of an async client: awaited operations return :class:`~simstudio.APIResponse`."""
