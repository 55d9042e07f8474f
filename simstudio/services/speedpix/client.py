"""The clients of SpeedPix."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from simstudio.core.client import AsyncClient, RawClient, SyncClient
from simstudio.core.modes import Async, M, RawAsync, RawSync, Sync
from simstudio.core.options import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT, Options
from simstudio.core.service_session import throttled_session
from simstudio.services.speedpix.calls import SpeedPixCalls
from simstudio.services.speedpix.credentials import Signature, SpeedPixCredentials, fresh_nonce
from simstudio.services.speedpix.envelope import is_refusal
from simstudio.services.speedpix.errors import SpeedPixConfigurationError
from simstudio.services.speedpix.options import check_endpoint, setting
from simstudio.services.speedpix.resource import Policy, SpeedPixSession
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.logging import configure_from_environment
from simstudio.transport.secret import Secret
from simstudio.transport.stack import MiddlewareOption
from simstudio.transport.wire import MAX_RESPONSE_SIZE

C = TypeVar("C", bound="SpeedPixClient")


class _SpeedPixClient(SpeedPixCalls[M]):
    """Base of the clients of SpeedPix."""

    def __init__(
        self,
        app_key: str | None = None,
        app_secret: str | None = None,
        endpoint: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        user_agent: str | None = None,
        *,
        max_retries: int = DEFAULT_MAX_RETRIES,
        middleware: MiddlewareOption = None,
        http_client: object | None = None,
        max_response_size: int | None = MAX_RESPONSE_SIZE,
        headers: Mapping[str, str] | None = None,
        upload_paths: bool = True,
        upload_root: str | os.PathLike[str] | None = None,
        allow_insecure_urls: bool = False,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = fresh_nonce,
    ) -> None:
        named = {"User-Agent": user_agent} if user_agent is not None else {}
        own_headers = Secret({**named, **headers} if isinstance(headers, Mapping) else headers or named)
        key, secret, address = Secret(app_key), Secret(app_secret), Secret(endpoint)
        del app_key, app_secret, endpoint, headers
        configure_from_environment("SIM_LOG")
        options = Options.of(timeout=timeout, max_retries=max_retries, headers=own_headers)
        policy = Policy.of(upload_paths=upload_paths, upload_root=upload_root, allow_insecure_urls=allow_insecure_urls)
        credentials = SpeedPixCredentials(setting("app_key", key), setting("app_secret", secret))
        made = Endpoint(check_endpoint(address))

        def arguments() -> dict[str, Any]:
            return {
                "app_key": Secret(credentials.key),
                "app_secret": Secret(credentials.secret),
                "upload_paths": policy.upload_paths,
                "upload_root": policy.upload_root,
                "allow_insecure_urls": policy.allow_insecure_urls,
                **_picklable(clock=clock, nonce=nonce),
            }

        session = throttled_session(
            partial(SpeedPixSession, policy),
            made,
            credentials,
            is_refusal=is_refusal,
            middleware=middleware,
            innermost=[Signature(credentials, made, clock=clock, nonce=nonce)],
            http_client=http_client,
            asynchronous=self._mode.asynchronous,
            max_response_size=max_response_size,
            arguments=arguments,
        )
        self._begin(session, options)

    @property
    def endpoint(self) -> str:
        """The base address in use, without a trailing slash."""
        return self.base_url

    @property
    def app_key(self) -> str:
        """The app key in use."""
        return str(self._context.session.credentials.key)

    @property
    def timeout(self) -> float | None:
        """Seconds for one logical HTTP call; None for no end."""
        return self._context.options.timeout

    @property
    def user_agent(self) -> str:
        """The ``User-Agent`` of every request."""
        return self._context.defaults["User-Agent"]

    @classmethod
    def _rebuild(cls, arguments: dict[str, Any]) -> Any:
        return cls(endpoint=arguments.pop("base_url"), **arguments)

    def _settings_to_show(self) -> dict[str, Any]:
        return {"endpoint": self.base_url}


class SpeedPixClient(_SpeedPixClient[Sync], SyncClient["RawSpeedPixClient"]):
    """A client for SpeedPix that blocks; its ``async_…`` methods are awaited. One may serve many threads.

    Args:
        app_key: App key; by default ``SPEEDPIX_APP_KEY`` of the environment.
        app_secret: App secret, which signs requests and is never sent; by default ``SPEEDPIX_APP_SECRET``.
        endpoint: Address of SpeedPix; by default ``SPEEDPIX_ENDPOINT``, then ``https://openai.edu-aliyun.com``.
        timeout: Seconds for one logical HTTP call, retries and their waits included. None for no end, unless the call
            is refused (429) for a day. While a file is sent or fetched, it bounds each pause of the connection instead.
        user_agent: ``User-Agent`` of every request.
        max_retries: Retries after the first attempt, of requests that may be sent again. Each attempt has a signature
            of its own; a submission that may have arrived is not sent again.
        middleware: The same as for :class:`simstudio.SimStudioClient`. Requests are signed after it.
        http_client: An ``httpx.Client`` to send with, which the client does not close. With it, the ``async_…``
            methods cannot be used.
        max_response_size: Largest decoded body in bytes; a larger one raises InvalidResponseError. None for no bound.
            Streams and downloads have none.
        headers: Headers of every call of the service, but not of uploads and downloads.
        upload_paths: Whether to upload media files that texts in an input name. Turn it off if inputs come from
            strangers, and need no file of this machine.
        upload_root: Directory below which such files must be; by default the current directory.
        allow_insecure_urls: Whether files may be sent to http addresses of other machines.
        clock: Returns epoch seconds for signatures. The gateway tolerates a difference of about 15 minutes.
        nonce: Returns a new text for each signature.

    Raises:
        ConfigurationError: An argument or an environment variable cannot be used; the message names it.

    Example:
        >>> with SpeedPixClient() as client:  # doctest: +SKIP
        ...     client.run("workflow-123", {"prompt": "a cat"})["images"]["url"].save("cat.png")

    A pickled client carries its secret: treat it as one.
    """

    async def aclose(self) -> None:
        """Close the connections, also those of ``async_…`` methods."""
        if self._owns_session:
            await self._context.session.aclose()

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncSpeedPixClient(_SpeedPixClient[Async], AsyncClient["AsyncRawSpeedPixClient"]):
    """A client for SpeedPix whose operations are awaited; otherwise like :class:`SpeedPixClient`, arguments included.

    ``run`` and ``async_run`` are the same here. ``http_client`` is an ``httpx.AsyncClient``.

    Example:
        >>> async with AsyncSpeedPixClient() as client:  # doctest: +SKIP
        ...     output = await client.run("workflow-123", {"prompt": "a cat"})
        ...     await output["images"]["url"].async_save("cat.png")
    """


class RawSpeedPixClient(_SpeedPixClient[RawSync], RawClient[RawSync], of=SpeedPixClient):
    """``client.with_raw_response``: the same operations, each returning an :class:`~simstudio.APIResponse`."""


class AsyncRawSpeedPixClient(_SpeedPixClient[RawAsync], RawClient[RawAsync], of=AsyncSpeedPixClient):
    """``client.with_raw_response`` of an async client: each operation awaits to an :class:`~simstudio.APIResponse`."""


def _picklable(**functions: Any) -> dict[str, Any]:
    for name, function in functions.items():
        try:
            pickle.dumps(function)
        except Exception as error:
            raise SpeedPixConfigurationError(
                f"A client with this {name}= cannot be pickled: {error}. Use a function of a module."
            ) from error
    return functions
