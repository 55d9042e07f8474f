"""The API key, and the headers of every request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from simstudio.services.vectorvein.errors import APIKeyError, combined
from simstudio.transport.auth import APIKeyAuth, Credentials
from simstudio.transport.errors import ConfigurationError
from simstudio.transport.secret import Secret

if TYPE_CHECKING:
    from simstudio.transport.endpoint import Endpoint
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Request, Response
    from simstudio.transport.stack import Handler

API_VERSION: Final = "20240508"
KEY_HEADER: Final = "VECTORVEIN-API-KEY"
VERSION_HEADER: Final = "VECTORVEIN-API-VERSION"
KEY_TYPE_HEADER: Final = "VECTORVEIN-API-KEY-TYPE"


_WHERE: Final = "Pass api_key=, the key that VectorVein shows in its settings, or set VECTORVEIN_API_KEY."


class VectorVeinCredentials(Credentials):
    """The API key that a client and its clones share. No repr, log or error shows it.

    Raises:
        APIKeyError: The key is empty, or cannot be sent in a header (also a ConfigurationError).
    """

    __slots__ = ()

    def replace(self, key: Secret[Any]) -> None:
        """Use another key.

        Raises:
            APIKeyError: The key cannot be sent in a header (also a ConfigurationError).
        """
        try:
            super().replace(key)
        except ConfigurationError as error:
            raise combined(APIKeyError, ConfigurationError)(str(error)) from None

    @staticmethod
    def problem_of(key: object) -> str | None:
        """Reason for which a key cannot be sent; None if it can."""
        if key is None:
            return f"API key cannot be empty. {_WHERE}"
        if not isinstance(key, str):
            return f"API key cannot be empty and must be a str, not {type(key).__name__}. {_WHERE}"
        if not key.strip():
            return f"API key cannot be empty. {_WHERE}"
        return Credentials.problem_of(key)


class VectorVeinAuth(APIKeyAuth):
    """Middleware: the key and the version of the API, in requests to the configured origin and in no other."""

    def __init__(self, credentials: Credentials, endpoint: Endpoint) -> None:
        super().__init__(credentials, endpoint, KEY_HEADER)

    def __call__(self, request: Request, call_next: Handler) -> Flow[Response]:
        """Authenticate one request."""
        if self.endpoint.owns(request.url) and VERSION_HEADER not in request.headers:
            request.headers.put(VERSION_HEADER, API_VERSION)
        return (yield from super().__call__(request, call_next))
