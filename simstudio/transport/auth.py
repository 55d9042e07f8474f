"""Authentication: API keys, and the middleware that sends a key to the configured origin only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from simstudio.transport.errors import ConfigurationError
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.transport.endpoint import Endpoint
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response
    from simstudio.transport.stack import Handler


class Anonymous:
    """The type of :data:`ANONYMOUS`."""

    def __repr__(self) -> str:
        return "ANONYMOUS"

    def __reduce__(self) -> str:
        return "ANONYMOUS"


ANONYMOUS: Final = Anonymous()
"""Value of ``api_key`` for a client that sends no key."""


class Credentials:
    """The API key that a client shares with its clones. No repr shows it.

    Args:
        key: The API key, or :data:`ANONYMOUS`.
        pattern: Regular expression of the service's keys, whose matches are removed from logged bodies as well.

    Raises:
        ConfigurationError: The key cannot be sent in a header; the message does not show it.
    """

    __slots__ = ("_key", "pattern")

    def __init__(self, key: str | Anonymous | Secret[Any], *, pattern: str | None = None) -> None:
        secret: Secret[Any] = Secret(key)
        del key
        self.pattern = pattern
        self.replace(secret)

    @property
    def key(self) -> str | Anonymous:
        """The API key, or :data:`ANONYMOUS`."""
        return self._key.reveal()

    def replace(self, key: Secret[Any]) -> None:
        """Use another key.

        Raises:
            ConfigurationError: The key cannot be sent in a header.
        """
        problem = self.problem_of(key.reveal())
        if problem is not None:
            raise ConfigurationError(problem)
        self._key: Secret[str | Anonymous] = key

    @staticmethod
    def problem_of(key: object) -> str | None:
        """Return why a key cannot be sent in a header; None if it can."""
        if isinstance(key, Anonymous):
            return None
        if not isinstance(key, str):
            return f"api_key must be a str, not {type(key).__name__}."
        if not key.strip():
            return "api_key is empty."
        if not (key.isascii() and key.isprintable()) or " " in key:
            return (
                "api_key holds a space, a line break or a character beyond ASCII, so it cannot be sent. "
                "Was it copied with its line end?"
            )
        return None

    def redact(self, text: str) -> str:
        """Return a text without the key, which a server may have echoed."""
        return text.replace(self.key, "***") if isinstance(self.key, str) and len(self.key) > 3 else text

    def redact_bytes(self, content: bytes) -> bytes:
        """Return a body without the key, which a server may have echoed."""
        if isinstance(self.key, str) and len(self.key) > 3:
            return content.replace(self.key.encode("ascii"), b"***")
        return content

    def __repr__(self) -> str:
        return "Credentials(***)"


class APIKeyAuth:
    """Middleware: add the key to requests to the configured origin, and remove its header from all others.

    A request that is ``anonymous`` has no key at any address.

    Args:
        credentials: Holds the key, which is read for each request, so that ``set_api_key`` takes effect at once.
        endpoint: The base address, which has the origin.
        header: Name of the header.
    """

    def __init__(self, credentials: Credentials, endpoint: Endpoint, header: str) -> None:
        self.credentials = credentials
        self.endpoint = endpoint
        self.header = header

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Authenticate a request."""
        if isinstance(self.credentials.key, str):
            if self.endpoint.owns(request.url) and not request.anonymous:
                request.headers.put(self.header, self.credentials.key)
            else:
                request.headers.pop(self.header, None)
        return (yield from call_next(request))
