"""The errors that the transport raises: wrong settings and arguments, failed connections, error statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simstudio.transport.message import Attempt, Response


class SimStudioError(Exception):
    """The root of everything this package raises.

    Args:
        message: What happened, where and what to do next; ``str(error)``.
        code: The documented code (``UNAUTHORIZED``, ``TIMEOUT`` …) or the server's own where none is documented.
        status: The HTTP status of the answer, when there was one.
        details: What the server sent as ``details``, as plain JSON data.
        server_code: The server's own code, untranslated.
        response: The answer, when there was one (it holds no request, and so no key).
        history: The earlier attempts of the same call, oldest first.

    Attributes:
        task_id: The id of the background execution that a failing call had begun or was waiting for, else None.
        run_id: Of a v2 execution: the ``X-Run-Id`` it was sent with, under which the run can be read whatever happened.

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
        super().__init__(message)
        self.code = code
        self.status = status
        self.details = details
        self.server_code = server_code
        self.response = response
        self.history = history

    @property
    def request_id(self) -> str | None:
        """The id the server or its proxy gave the request, when it sent one."""
        return self.response.request_id if self.response is not None else None


class ConfigurationError(SimStudioError):
    """The client was set up or used in a way that cannot work. Nothing was sent."""


class InvalidInputError(SimStudioError, ValueError):
    """An argument of a call cannot be sent as it is. Nothing was sent."""


class APIConnectionError(SimStudioError):
    """No whole answer came: the connection was refused, dropped or cut short.

    Attributes:
        host: The host that was called.
        port: Its port.
        sent: False when the request surely never left (so that sending it again cannot run anything twice).
        lasting: True when trying again cannot help (a certificate that is not trusted), so that nothing is.
        partial: The text that a stream had delivered; empty elsewhere.
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
    """No whole answer came in time. What was started on the server goes on there."""

    def __init__(self, message: str, code: str | None = "TIMEOUT", status: int | None = None, **more: Any) -> None:
        super().__init__(message, code, status, **more)


class InvalidResponseError(SimStudioError):
    """The answer is not what the API promises; ``response.content`` is the body as it came."""


class APIStatusError(SimStudioError):
    """The server answered with an error status (``status``, ``response``, ``details``)."""


class AuthenticationError(APIStatusError):
    """401: the API key is missing, wrong or expired."""


class UsageLimitExceededError(APIStatusError):
    """402: the account has used up what its plan allows."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this, or the workflow is not deployed."""


class NotFoundError(APIStatusError):
    """404: no such workflow, job or route."""


class ConflictError(APIStatusError):
    """409: the state of the thing does not allow it now."""


class InvalidRequestError(APIStatusError):
    """400, 413, 415 or 422: the server refused the request as it was; ``details`` often says which field."""


class LockedError(APIStatusError):
    """423: the thing is locked."""


class RateLimitError(APIStatusError):
    """429: too many requests.

    Attributes:
        retry_after: Seconds to wait, when the server said so.
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
    """The class for an error status; plain :class:`APIStatusError` for those without one of their own."""
    return STATUS_ERRORS.get(status) or (ServerError if 500 <= status <= 599 else APIStatusError)
