"""Errors of the transport: wrong settings and arguments, failed connections, error statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simstudio.transport.message import Attempt, Response


_LONGEST_MESSAGE = 10_000
"""Characters. A server's text of megabytes stays in the response; every log would repeat it."""
_END_OF_MESSAGE = 1_000


def _shorten(message: str) -> str:
    """Leave out the middle of a long message."""
    if not isinstance(message, str) or len(message) <= _LONGEST_MESSAGE:
        return message
    return f"{message[: _LONGEST_MESSAGE - _END_OF_MESSAGE]} … {message[-_END_OF_MESSAGE:]}"


class SimStudioError(Exception):
    """Base of all exceptions of this package.

    Args:
        message: Text of the error: what happened, where, and what to do next; also ``str(error)``, without the middle
            if it is very long.
        code: The documented code (``UNAUTHORIZED``, ``TIMEOUT`` …), or the server's own if none is documented.
        status: HTTP status of the response.
        details: The ``details`` of the response, as plain JSON data.
        server_code: The server's own code.
        response: The response, if there was one. It holds no request, and so no key.
        history: Earlier attempts of the same call, oldest first.

    Attributes:
        task_id: Id of the background execution that the call had started or was waiting for, else None.
        run_id: Id of the run, if the request carried one or the response named it.

    Example:
        >>> SimStudioError("Not today", "NOT_TODAY").code
        'NOT_TODAY'
    """

    task_id: str | None = None
    run_id: str | None = None

    def __init__(
        self,
        message: str,
        code: str | None = None,
        status: int | None = None,
        *,
        details: Any = None,
        server_code: str | None = None,
        response: Response | None = None,
        history: tuple[Attempt, ...] = (),
    ) -> None:
        super().__init__(_shorten(message))
        self.code = code
        self.status = status
        self.details = details
        self.server_code = server_code
        self.response = response
        self.history = history

    @property
    def request_id(self) -> str | None:
        """Request id that the server or its proxy sent; None if it sent none."""
        return self.response.request_id if self.response is not None else None


class ConfigurationError(SimStudioError):
    """The client was set up or used in a way that cannot work. Nothing was sent."""


class InvalidInputError(SimStudioError, ValueError):
    """An argument of a call cannot be sent as it is. Nothing was sent."""


class APIConnectionError(SimStudioError):
    """No complete response arrived: the connection was refused, dropped or cut short.

    Attributes:
        host: Host of the request.
        port: Port of the request.
        sent: Whether the request may have reached the server. If False, sending it again cannot run anything twice.
        lasting: Whether another attempt would fail as well (an untrusted certificate); the call is then not retried.
        partial: Text that a stream had delivered; empty without a stream.
    """

    lasting: bool = False
    partial: str = ""

    def __init__(
        self,
        message: str,
        code: str | None = None,
        status: int | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
        sent: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(message, code, status, **more)
        self.host = host
        self.port = port
        self.sent = sent


class APITimeoutError(APIConnectionError):
    """No complete response arrived in time. Work that the request started on the server goes on."""

    def __init__(self, message: str, code: str | None = "TIMEOUT", status: int | None = None, **more: Any) -> None:
        super().__init__(message, code, status, **more)


class InvalidResponseError(SimStudioError):
    """The response does not have the form that the API promises; ``response.content`` is its body.

    Attributes:
        lasting: Whether the same response would fail again (JSON that Python does not read); polls then end.
    """

    lasting: bool = False


class APIStatusError(SimStudioError):
    """The server answered with an error status (``status``, ``response``, ``details``)."""


class AuthenticationError(APIStatusError):
    """401: the API key is missing, wrong or expired."""


class UsageLimitExceededError(APIStatusError):
    """402: the account has used up what its plan allows."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this, or the resource does not allow it now."""


class NotFoundError(APIStatusError):
    """404: no such resource or route."""


class ConflictError(APIStatusError):
    """409: the present state of the resource does not allow this."""


class InvalidRequestError(APIStatusError):
    """400, 413, 415 or 422: the request itself is wrong; ``details`` often names the field."""


class LockedError(APIStatusError):
    """423: the resource is locked."""


class RateLimitError(APIStatusError):
    """429: too many requests.

    Attributes:
        retry_after: Seconds that the server asks to wait; None if it does not say.
    """

    retry_after: float | None = None


class ServerError(APIStatusError):
    """5xx: the server failed."""


STATUS_ERRORS: dict[int, type[APIStatusError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: UsageLimitExceededError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    423: LockedError,
    429: RateLimitError,
}


def status_error_class(status: int) -> type[APIStatusError]:
    """Return the exception class of an error status; :class:`APIStatusError` for a status without its own."""
    return STATUS_ERRORS.get(status) or (ServerError if 500 <= status <= 599 else APIStatusError)
