"""The tokens, which are sent unchanged in ``Authorization``, and only to the configured hosts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simstudio.transport.auth import ANONYMOUS, Anonymous, Credentials
from simstudio.transport.endpoint import Endpoint
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response
    from simstudio.transport.stack import Handler

_TOKEN = re.compile(r"[!-~]+(?: [!-~]+)*")
_SHORTEST = 3
"""Characters. Shorter secrets are not redacted, because they occur in many words."""


class OomolCredentials(Credentials):
    """The tokens that a client shares with its clones. No repr shows them.

    Args:
        token: Token for the base address; None if there is none.
        applets: Token for the server that lists applets; None if there is none.

    Raises:
        ConfigurationError: A token cannot be sent in a header; the message does not show it.
    """

    __slots__ = ("_applets",)

    def __init__(self, token: Secret[Any], applets: Secret[Any]) -> None:
        super().__init__(token)
        problem = self.problem_of(applets.reveal())
        if problem is not None:
            raise ConfigurationError(problem.replace("api_token", "applets_token"))
        self._applets: Secret[str | None] = Secret(None) if isinstance(applets.reveal(), Anonymous) else applets

    def replace(self, key: Secret[Any]) -> None:
        """Set the token for the base address; None sends none.

        Raises:
            ConfigurationError: The token cannot be sent in a header.
        """
        super().replace(Secret(ANONYMOUS) if key.reveal() is None else key)

    @property
    def token(self) -> str | None:
        """The token for the base address; None if there is none."""
        return self.key if isinstance(self.key, str) else None

    @property
    def applets(self) -> str | None:
        """The token for the server that lists applets; None if there is none."""
        return self._applets.reveal()

    @staticmethod
    def problem_of(key: object) -> str | None:
        """Return why a token cannot be sent in a header; None if it can. It may begin with a scheme (``Bearer …``)."""
        if key is None or isinstance(key, Anonymous):
            return None
        if not isinstance(key, str):
            return f"api_token must be a str, not {type(key).__name__}."
        if not key.strip():
            return "api_token is empty. Leave it out (or pass None) to send no token."
        if not _TOKEN.fullmatch(key):
            return (
                "api_token holds a line break, a space at an end or a character beyond ASCII, so it cannot be sent. "
                "Was it copied with its line end?"
            )
        return None

    def _secrets(self) -> list[str]:
        whole = [token for token in (self.token, self.applets) if token]
        parts = [token.rpartition(" ")[2] for token in whole]  # without its scheme
        return sorted({secret for secret in whole + parts if len(secret) > _SHORTEST}, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """Return a text without the tokens, which a server may have echoed."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def redact_bytes(self, content: bytes) -> bytes:
        """Return a body without the tokens."""
        for secret in self._secrets():
            content = content.replace(secret.encode("ascii"), b"***")
        return content

    def __repr__(self) -> str:
        return "OomolCredentials(***)"


class OomolEndpoint(Endpoint):
    """The base address. It may be the documented ``/api``, with which a client can be made but sends nothing.

    Args:
        base_url: ``https://host[:port][/prefix]``, or a path, which only a browser could complete.
        applets_url: Address of the server that lists applets.

    Attributes:
        applets: The same, as an :class:`Endpoint`.
    """

    __slots__ = ("applets",)

    def __init__(self, base_url: Secret[Any], applets_url: Secret[Any]) -> None:
        super().__init__(base_url)
        self.applets = Endpoint(applets_url)

    def move(self, base_url: Secret[Any]) -> None:
        """Set another base address."""
        if isinstance(base_url.reveal(), str) and re.match("/(?!/)", base_url.reveal()):
            self.base_url, self.origin, self.prefix = base_url.reveal().rstrip("/") or "/", "", ""
        else:
            super().move(base_url)

    def url(self, path: str) -> str:
        """The URL of a path.

        Raises:
            ConfigurationError: The base address is a path.
        """
        if not self.origin:
            raise ConfigurationError(
                f"base_url is {self.base_url!r}, a path without a host: only a browser can complete it. "
                'Pass the whole address, such as base_url="http://localhost:3000/api", or set OOMOL_BASE_URL.'
            )
        return super().url(path)

    def owns(self, url: str) -> bool:
        """Whether an address lies on the configured origin (scheme, host and port)."""
        return bool(self.origin) and super().owns(url)


class TokenAuth:
    """Middleware that sends each of the two hosts its token, and no token to other hosts.

    Args:
        credentials: The tokens. They are read for each request, so that ``set_api_token`` takes effect at once.
        endpoint: The base address, and the address of the server that lists applets.
    """

    def __init__(self, credentials: OomolCredentials, endpoint: OomolEndpoint) -> None:
        self.credentials = credentials
        self.endpoint = endpoint

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Authenticate one request."""
        token = self._token_for(request)
        if token.reveal() is not None:
            request.headers.put("Authorization", token.reveal())
        return (yield from call_next(request))

    def _token_for(self, request: Request) -> Secret[Any]:
        applets = self.endpoint.applets
        lists = applets.owns(request.url) and self.credentials.applets is not None
        if self.endpoint.owns(request.url) and not (lists and _is_rpc(request, applets)):
            return Secret(self.credentials.token)
        if lists:
            return Secret(self.credentials.applets)
        request.headers.pop("Authorization", None)
        return Secret(None)


def _is_rpc(request: Request, applets: Endpoint) -> bool:
    """Whether a request is for the list of applets, if both servers have one origin."""
    return urlsplit(request.url).path.startswith(f"{applets.prefix}/rpc/")


def of_applets(endpoint: Endpoint) -> Endpoint:
    """The address of the server that lists applets."""
    assert isinstance(endpoint, OomolEndpoint)  # noqa: S101 - the client made it
    return endpoint.applets
