"""The clients of VectorVein; :mod:`simstudio.core.client` says how clients are opened, shared and closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from simstudio.core.client import AsyncClient, RawClient, SyncClient
from simstudio.core.modes import Async, M, RawAsync, RawSync, Sync
from simstudio.core.options import DEFAULT_MAX_RETRIES, Options, from_environment
from simstudio.core.service_session import throttled_session
from simstudio.core.session import Service, Session
from simstudio.services.vectorvein.credentials import KEY_HEADER, VectorVeinAuth, VectorVeinCredentials
from simstudio.services.vectorvein.documented import DocumentedMethods
from simstudio.services.vectorvein.envelope import is_refusal
from simstudio.transport.call_limit import CallLimit
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.logging import configure_from_environment
from simstudio.transport.secret import Secret
from simstudio.transport.stack import MiddlewareOption
from simstudio.transport.wire import MAX_RESPONSE_SIZE

DEFAULT_BASE_URL: Final = "https://vectorvein.com/api/v1/open-api"
DEFAULT_TIMEOUT: Final = 60.0
CALLS_PER_WINDOW, WINDOW = 60, 60.0
"""The documented limit, 60 calls in a minute. No response states how many are left."""
PATIENCE: Final = 90.0
"""Seconds for which a call waits for the limiter: longer than its window."""


class _VectorVeinClient(DocumentedMethods[M]):
    """Base of the sync and the async client of VectorVein."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        middleware: MiddlewareOption = None,
        http_client: object | None = None,
        max_response_size: int | None = MAX_RESPONSE_SIZE,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        address: Secret[Any] = Secret(base_url)
        key: Secret[Any] = Secret(api_key)
        own_headers = Secret(headers)
        del api_key, base_url, headers
        address = from_environment(address, "VECTORVEIN_BASE_URL", DEFAULT_BASE_URL)
        key = from_environment(key, "VECTORVEIN_API_KEY")
        configure_from_environment("SIM_LOG")
        credentials = VectorVeinCredentials(key)
        options = Options.of(timeout=timeout, max_retries=max_retries, headers=own_headers, key_header=KEY_HEADER)
        endpoint = Endpoint(address, follow_to_www=True)
        session = throttled_session(
            Session,
            endpoint,
            credentials,
            auth=[VectorVeinAuth(credentials, endpoint)],
            call_limit=CallLimit(CALLS_PER_WINDOW, WINDOW),
            is_refusal=is_refusal,
            patience=PATIENCE,
            middleware=middleware,
            http_client=http_client,
            asynchronous=self._mode.asynchronous,
            service=Service(key_header=KEY_HEADER),
            max_response_size=max_response_size,
            arguments=lambda: {"api_key": Secret(credentials.key)},
        )
        self._begin(session, options)

    @property
    def api_key(self) -> str:
        """The API key in use."""
        return cast("str", self._context.session.credentials.key)

    def set_api_key(self, api_key: str) -> None:
        """Use another key from the next request on, here and in clones.

        Raises:
            APIKeyError: The key cannot be sent.
        """
        key = Secret(api_key)
        del api_key
        self._context.session.credentials.replace(key)


class VectorVeinClient(_VectorVeinClient[Sync], SyncClient["RawVectorVeinClient"]):
    """A client for VectorVein that blocks. One may serve many threads.

    Args:
        api_key: API key; by default ``VECTORVEIN_API_KEY`` of the environment.
        base_url: Address of the API; by default ``VECTORVEIN_BASE_URL``, then
            ``https://vectorvein.com/api/v1/open-api``.
        timeout: Seconds for one logical HTTP call, from connecting to the body's end, retries and their waits included.
            None for no end, unless the call is refused (429) for a day. With ``http_client`` it bounds each phase
            instead. Where it is 60 or more, a call may also wait up to 90 s for its turn under the limit of 60 calls a
            minute, before its time begins.
        max_retries: Retries after the first attempt, of requests that may be sent again.
        middleware: A list to append below the default stack, or a function that gets the default list and returns the
            one to use; see :mod:`simstudio.transport.stack`.
        http_client: An ``httpx.Client`` (or ``httpx2.Client``) of your own to send with. It is never closed for you.
        max_response_size: Bytes of a response's decoded body that are held in memory; a larger one is an
            InvalidResponseError. None for no bound. Streams and downloads have none.
        headers: Headers of every request.

    Raises:
        APIKeyError: The key is empty or cannot be sent (also a ConfigurationError).
        ConfigurationError: Another argument cannot be used; the message names it.

    Example:
        >>> with VectorVeinClient(api_key="…") as client:  # doctest: +SKIP
        ...     print(client.workflows.run("wid", [WorkflowInputField("node", "Name", "Ada")]).data)

    A pickled client carries its key: treat it as a secret.
    """


class AsyncVectorVeinClient(_VectorVeinClient[Async], AsyncClient["AsyncRawVectorVeinClient"]):
    """A client for VectorVein whose operations are awaited; otherwise like :class:`VectorVeinClient`.

    One works across successive event loops: connections belong to the loop that runs, and are closed with it.
    ``http_client`` is an ``httpx.AsyncClient`` (or ``httpx2.AsyncClient``). ``generate_vapp_url`` sends nothing and
    need not be awaited, but may be.

    Example:
        >>> async with AsyncVectorVeinClient(api_key="…") as client:  # doctest: +SKIP
        ...     print((await client.workflows.run("wid", [])).data)
    """


class RawVectorVeinClient(_VectorVeinClient[RawSync], RawClient[RawSync], of=VectorVeinClient):
    """``client.with_raw_response``: the same operations, each returning an :class:`~simstudio.APIResponse`."""


class AsyncRawVectorVeinClient(_VectorVeinClient[RawAsync], RawClient[RawAsync], of=AsyncVectorVeinClient):
    """``client.with_raw_response`` of an async client: each operation awaits to an :class:`~simstudio.APIResponse`."""
