"""Authentication: the key goes into ``X-API-Key``, and only ever to the configured origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simstudio.transport.errors import ConfigurationError

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
"""In place of an API key: send none."""


class Credentials:
    """The key a client and its clones share. It shows in no repr.

    Args:
        key: The API key, or :data:`ANONYMOUS`.
        pattern: Regular expression of the service's keys: what it matches is taken out of logged bodies as well.

    Raises:
        ConfigurationError: The key cannot travel in a header (the message does not show it).
    """

    __slots__ = ("key", "pattern")

    def __init__(self, key: str | Anonymous, *, pattern: str | None = None) -> None:
        self.key: str | Anonymous = self.check(key)
        self.pattern = pattern

    @staticmethod
    def check(key: str | Anonymous) -> str | Anonymous:
        """The key, when it can be sent."""
        if isinstance(key, Anonymous):
            return key
        if not isinstance(key, str):
            raise ConfigurationError(f"api_key must be a str, not {type(key).__name__}.")
        if not key.strip():
            raise ConfigurationError("api_key is empty.")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ConfigurationError(
                "api_key holds a space, a line break or a character beyond ASCII, so it cannot be sent. "
                "Was it copied with its line end?"
            )
        return key

    def redact(self, text: str) -> str:
        """A text without the key, should a server have put it there."""
        return text.replace(self.key, "***") if isinstance(self.key, str) and len(self.key) > 3 else text

    def redact_bytes(self, content: bytes) -> bytes:
        """A body without the key."""
        if isinstance(self.key, str) and len(self.key) > 3:
            return content.replace(self.key.encode("ascii"), b"***")
        return content

    def __repr__(self) -> str:
        return "Credentials(***)"


class APIKeyAuth:
    """Middleware: put the key into a header of each request to the configured origin, and of no other.

    Args:
        credentials: Holds the key; read anew for each request, so that ``set_api_key`` takes effect at once.
        endpoint: The configured base address.
        header: The header's name.
    """

    def __init__(self, credentials: Credentials, endpoint: Endpoint, header: str = "X-API-Key") -> None:
        self.credentials = credentials
        self.endpoint = endpoint
        self.header = header

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Authenticate one request."""
        key = self.credentials.key
        if isinstance(key, str):
            if self.endpoint.owns(request.url):
                request.headers.put(self.header, key)
            else:
                request.headers.pop(self.header, None)
        return (yield from call_next(request))
