"""The clients of Oomol Connect."""

# ``request`` takes its arguments in the order of the official package.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.core.client import AsyncClient, BaseClient, RawClient, SyncClient
from simstudio.core.modes import Async, M, RawAsync, RawSync, Sync
from simstudio.core.operation import operation
from simstudio.core.options import DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT, UNSET, Options, Unset, from_environment
from simstudio.core.resource import namespace
from simstudio.core.service_session import throttled_session
from simstudio.core.session import Service, Session
from simstudio.services.oomol.credentials import OomolCredentials, OomolEndpoint, TokenAuth, of_applets
from simstudio.services.oomol.resource import OomolResource
from simstudio.services.oomol.resources.applets import Applets
from simstudio.services.oomol.resources.blocks import Blocks, Flows
from simstudio.services.oomol.resources.packages import Packages
from simstudio.services.oomol.resources.tasks import Tasks
from simstudio.transport.auth import Anonymous
from simstudio.transport.errors import ConfigurationError, InvalidInputError
from simstudio.transport.logging import configure_from_environment
from simstudio.transport.secret import Secret
from simstudio.transport.stack import MiddlewareOption
from simstudio.transport.wire import MAX_RESPONSE_SIZE

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow

DEFAULT_BASE_URL = "/api"
"""Base address that the documents show. It has no host, so a call with it is refused."""

DEFAULT_APPLETS_URL = "https://chat-data.oomol.com"
"""Address of the server that lists applets."""

_DOCUMENTED = ("base_url", "api_token", "default_headers", "timeout")


class _OomolClient(OomolResource[M], BaseClient[M]):
    """Base of the clients of Oomol Connect."""

    def __init__(
        self,
        base_url: str | Mapping[str, Any] | None = None,
        api_token: str | Anonymous | None = None,
        default_headers: Mapping[str, str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        *,
        applets_url: str | None = None,
        applets_token: str | Unset | None = UNSET,
        max_retries: int = DEFAULT_MAX_RETRIES,
        middleware: MiddlewareOption = None,
        http_client: object | None = None,
        max_response_size: int | None = MAX_RESPONSE_SIZE,
    ) -> None:
        address: Secret[Any] = Secret(base_url)  # the dict form holds a token
        token: Secret[Any] = Secret(api_token)
        headers: Secret[Any] = Secret(default_headers)
        applets: Secret[Any] = Secret(applets_token)
        applets_address: Secret[Any] = Secret(applets_url)
        del base_url, api_token, default_headers, applets_token, applets_url
        configure_from_environment("SIM_LOG")
        if isinstance(address.reveal(), Mapping):
            address, token, headers, timeout = _read_options(address, token, headers, timeout)
        headers, token = _without_token(headers, token)
        address = from_environment(address, "OOMOL_BASE_URL", DEFAULT_BASE_URL)
        token = from_environment(token, "OOMOL_TOKEN")
        applets_address = from_environment(applets_address, "OOMOL_APPLETS_URL")
        options = Options.of(timeout=timeout, max_retries=max_retries, headers=headers)
        if isinstance(applets.reveal(), Unset):
            applets = token if applets_address.reveal() is not None else Secret(None)
        credentials = OomolCredentials(token, applets)
        listed_at = applets_address if applets_address.reveal() is not None else Secret(DEFAULT_APPLETS_URL)
        endpoint = OomolEndpoint(address, listed_at)

        def arguments() -> dict[str, Any]:
            return {
                "api_token": Secret(credentials.key),
                "applets_token": Secret(credentials.applets),
                "applets_url": listed_at,
            }

        session = throttled_session(
            Session,
            endpoint,
            credentials,
            auth=[TokenAuth(credentials, endpoint)],
            middleware=middleware,
            http_client=http_client,
            asynchronous=self._mode.asynchronous,
            service=Service(key_header="Authorization"),
            max_response_size=max_response_size,
            arguments=arguments,
        )
        self._begin(session, options)

    @operation
    def request(  # type: ignore[override]
        self,
        path: str,
        method: str = "GET",
        json_data: Any = UNSET,
        *,
        json: Any = UNSET,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        into: type[Any] | None = None,
        timeout: float | Unset | None = UNSET,
    ) -> Flow[Any]:
        """Call any route of the API, with authentication, retries and logging like every operation.

        Path and verb may come in either order: ``request("/v1/blocks")`` as in ``oomol_connect_sdk``, or
        ``request("GET", "/v1/blocks")`` as on the other clients.

        Args:
            path: Path below the base address, such as ``/v1/blocks``; may hold a query.
            method: HTTP verb. ``GET``, ``HEAD`` and ``OPTIONS`` are retried, others only if nothing was sent.
            json_data: JSON data of the body.
            json: The same as ``json_data``.
            params: Query parameters to add; None values are left out.
            headers: Headers to add to the client's.
            into: Model class for the result.
            timeout: Seconds for the call; None for no limit; by default the client's.

        Returns:
            The body of the 2xx response: as ``into`` if given, else its JSON data, else its bytes; None if it is empty.

        Raises:
            ApiError: The server refused the request, or sent no answer.

        Example:
            >>> client.request("/v1/blocks")["blocks"]  # doctest: +SKIP
        """
        if isinstance(path, str) and path.isalpha() and isinstance(method, str) and "/" in method:
            path, method = method, path
        if not isinstance(json, Unset) and not isinstance(json_data, Unset):
            raise InvalidInputError("json_data and json are the same: give one of them.")
        if isinstance(json, Unset):
            json = json_data
        return (
            yield from self._generic(
                method, path, json=json, params=params, headers=headers, into=into, timeout=timeout
            )
        )

    @namespace
    def tasks(self) -> Tasks[M]:
        """Tasks: create, follow and stop them."""
        return Tasks(self._context, "tasks")

    @namespace
    def blocks(self) -> Blocks[M]:
        """Blocks, which tasks run."""
        return Blocks(self._context, "blocks")

    @namespace
    def flows(self) -> Flows[M]:
        """Installed flows, which tasks run on older servers."""
        return Flows(self._context, "flows")

    @namespace
    def packages(self) -> Packages[M]:
        """Packages: list and install them."""
        return Packages(self._context, "packages")

    @namespace
    def applets(self) -> Applets[M]:
        """Applets: list and run them."""
        return Applets(self._context, "applets")

    def get_base_url(self) -> str:
        """The base address in use, without a trailing slash."""
        return self.base_url

    def get_default_headers(self) -> dict[str, str]:
        """A copy of the headers that were given for every request, without the token."""
        return dict(self._context.options.headers)

    @property
    def applets_url(self) -> str:
        """The address of the server that lists applets, without a trailing slash."""
        return of_applets(self._context.session.endpoint).base_url

    def set_api_token(self, api_token: str | None) -> None:
        """Set the token for the next requests of this client and its clones. The token for applets stays.

        Raises:
            ConfigurationError: The token cannot be sent in a header.
        """
        token = Secret(api_token)
        del api_token
        self._context.session.credentials.replace(token)

    @classmethod
    def _rebuild(cls, arguments: dict[str, Any]) -> Any:
        return cls(default_headers=arguments.pop("headers"), **arguments)


class OomolConnectClient(_OomolClient[Sync], SyncClient["RawOomolConnectClient"]):
    """A client for Oomol Connect that blocks. One may serve many threads.

    Args:
        base_url: Address of the server, such as ``http://localhost:3000/api``; by default ``OOMOL_BASE_URL`` of the
            environment. With the documented default ``/api``, which has no host, every call is a ConfigurationError.
            Or the dict that the published package takes, with the keys ``base_url``, ``api_token``,
            ``default_headers`` and ``timeout``.
        api_token: Token, sent unchanged in ``Authorization``, and only to the host of ``base_url``; include the scheme
            (``Bearer …``) if the server needs one. By default ``OOMOL_TOKEN``; without it, or with
            ``simstudio.ANONYMOUS``, none is sent.
        default_headers: Headers of every request to ``base_url``.
        timeout: Seconds for one logical HTTP call, retries and their waits included. None for no end, unless the call
            is refused (429) for a day.
        applets_url: Address of the server that lists applets; by default ``OOMOL_APPLETS_URL``, then
            ``https://chat-data.oomol.com``. The token is sent to the former, not to the latter.
        applets_token: Token for ``applets_url``, in place of ``api_token``; None sends none.
        max_retries: Retries after the first attempt, of requests that may be sent again. A task is never started twice.
        middleware: A list to append below the default stack, or a function that gets the default list and returns the
            one to use; see :mod:`simstudio.transport.stack`.
        http_client: An ``httpx.Client`` (or ``httpx2.Client``) to send with. The client does not close it.
        max_response_size: Largest decoded body in bytes; a larger one raises InvalidResponseError. None for no bound.
            Streams and downloads have none.

    Raises:
        ConfigurationError: An argument or an environment variable cannot be used; the message names it.

    Example:
        >>> with OomolConnectClient("http://localhost:3000/api", "your-token") as client:  # doctest: +SKIP
        ...     print(client.tasks.run({"blockId": "audio-lab::text-to-audio", "inputValues": {"text": "hi"}}).result)

    A pickled client carries its token: treat it as a secret.
    """


class AsyncOomolConnectClient(_OomolClient[Async], AsyncClient["AsyncRawOomolConnectClient"]):
    """A client for Oomol Connect whose operations are awaited; otherwise like :class:`OomolConnectClient`.

    Example:
        >>> async with AsyncOomolConnectClient("http://localhost:3000/api", "your-token") as client:  # doctest: +SKIP
        ...     print((await client.tasks.run({"blockId": "audio-lab::text-to-audio"})).result)
    """


class RawOomolConnectClient(_OomolClient[RawSync], RawClient[RawSync], of=OomolConnectClient):
    """``client.with_raw_response``: the same operations, each returning an :class:`~simstudio.APIResponse`."""


class AsyncRawOomolConnectClient(_OomolClient[RawAsync], RawClient[RawAsync], of=AsyncOomolConnectClient):
    """``client.with_raw_response`` of an async client: each operation awaits to an :class:`~simstudio.APIResponse`."""


def _read_options(options: Secret[Any], token: Secret[Any], headers: Secret[Any], timeout: object) -> tuple[Any, ...]:
    """The base address, token, headers and timeout in the documented dict.

    Raises:
        ConfigurationError: The dict has an unknown key, or an option was given as a keyword as well.
    """
    if (token.reveal(), headers.reveal(), timeout) != (None, None, DEFAULT_TIMEOUT):
        raise ConfigurationError("Give the client's options as one dict or as keywords, not as both.")
    for name in options.reveal():
        if name not in _DOCUMENTED:
            raise ConfigurationError(
                f"There is no client option {name!r} in the dict form; there are {', '.join(_DOCUMENTED)}. "
                "Others are keywords."
            )
    read = options.reveal().get
    return (
        Secret(read("base_url")),
        Secret(read("api_token")),
        Secret(read("default_headers")),
        read("timeout", DEFAULT_TIMEOUT),
    )


def _without_token(headers: Secret[Any], token: Secret[Any]) -> tuple[Secret[Any], Secret[Any]]:
    """Headers without ``Authorization``, and the token; the header is the token if no other is given."""
    if not isinstance(headers.reveal(), Mapping):
        return headers, token
    kept = Secret({name: value for name, value in headers.reveal().items() if not _is_authorization(name)})
    if token.reveal() is None:
        token = Secret(next((value for name, value in headers.reveal().items() if _is_authorization(name)), None))
    return kept, token


def _is_authorization(name: object) -> bool:
    return isinstance(name, str) and name.lower() == "authorization"
