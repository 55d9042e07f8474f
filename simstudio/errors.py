"""Every exception the package raises, in one tree.

    SimStudioError
    ├── ConfigurationError            the client was set up or used wrongly; nothing was sent
    ├── InvalidInputError             an argument of a call cannot be sent; nothing was sent (also a ValueError)
    ├── APIConnectionError            no whole answer came: refused, dropped, truncated
    │   └── APITimeoutError           no whole answer came in time                            (code TIMEOUT)
    ├── APIStatusError                an answer with an error status
    │   ├── AuthenticationError 401 · UsageLimitExceededError 402 · PermissionDeniedError 403 · NotFoundError 404
    │   │       └── APIVersionError   404 of every route: the server's v2 API is switched off
    │   ├── ConflictError 409 · InvalidRequestError 400/413/415/422 · LockedError 423 · RateLimitError 429
    │   └── ServerError 5xx
    ├── ExecutionError                the workflow ran and failed                             (code EXECUTION_ERROR)
    │   ├── ExecutionTimeoutError     the server stopped it; also an APITimeoutError          (code TIMEOUT)
    │   └── JobFailedError › JobCancelledError
    ├── JobTimeoutError               a job was not done when the caller's patience ended     (code TIMEOUT)
    │   └── DeploymentTimeoutError    a deployment was not
    ├── DeploymentFailedError         a workflow was not deployed as it was to be
    ├── JobNotDoneError               the result of a job was asked for too early
    ├── StreamError                   a stream broke off or cannot be read
    ├── InvalidResponseError          an answer that is not what the API promises
    ├── LedgerError                   the ledger of a batch cannot be used, or not in that way
    │   └── InputChangedError         an input is not the one the ledger knows under that key
    └── WebhookError                  a delivery that is not to be trusted, see simstudio.webhooks

The documented codes (UNAUTHORIZED, TIMEOUT, RATE_LIMIT_EXCEEDED, USAGE_LIMIT_EXCEEDED, EXECUTION_ERROR) are what
``error.code`` says whatever the server calls them; the server's own word is ``error.server_code``.

Beside the tree stands ``BatchInterrupted``, a ``KeyboardInterrupt``: Ctrl-C during a batch, after it was drained.

All of them pickle and copy, and none ever holds the API key: they keep the response, never the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simstudio.models.execution import WorkflowExecutionResult
    from simstudio.models.jobs import Job
    from simstudio.models.v2.deployments import WorkflowDeployment
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


class APIVersionError(NotFoundError):
    """404: the server has no v2 API, or it is switched off; ``api_version="v1"`` works."""


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


class ExecutionError(SimStudioError):
    """The workflow ran and failed.

    Attributes:
        result: The result as far as there is one (``output``, ``error``, ``metadata``).
        partial: The text a stream had delivered before it failed; empty elsewhere.
    """

    def __init__(
        self,
        message: str,
        code: str | None = "EXECUTION_ERROR",
        status: int | None = None,
        *,
        result: WorkflowExecutionResult | None = None,
        partial: str = "",
        **more: Any,
    ) -> None:
        super().__init__(message, code, status, **more)
        self.result = result
        self.partial: str = partial


class ExecutionTimeoutError(ExecutionError, APITimeoutError):
    """The server stopped the workflow because it ran too long (408)."""

    def __init__(self, message: str, code: str | None = "TIMEOUT", status: int | None = None, **more: Any) -> None:
        super().__init__(message, code, status, **more)


class JobFailedError(ExecutionError):
    """A background execution ended without success.

    Attributes:
        job: The job as last seen.
    """

    def __init__(
        self,
        message: str,
        code: str | None = "EXECUTION_ERROR",
        status: int | None = None,
        *,
        job: Job | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message, code, status, **more)
        self.job = job


class JobCancelledError(JobFailedError):
    """A background execution was cancelled."""


class JobTimeoutError(SimStudioError):
    """A job was not done when the caller's patience ended. The job itself goes on.

    Attributes:
        job: The job as last seen; ``client.jobs.wait(error.job)`` waits on.
    """

    def __init__(
        self,
        message: str,
        code: str | None = "TIMEOUT",
        status: int | None = None,
        *,
        job: Job | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message, code, status, **more)
        self.job = job


class DeploymentFailedError(SimStudioError):
    """A workflow was not deployed as it was to be. ``code`` and message are those of the attempt, where it has any.

    Attributes:
        deployment: What of the workflow is live, as last seen; an earlier version may still be.
        retryable: Whether the same again may succeed, as far as the server says.
    """

    def __init__(
        self,
        message: str,
        code: str | None = None,
        status: int | None = None,
        *,
        deployment: WorkflowDeployment | None = None,
        retryable: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message, code, status, **more)
        self.deployment = deployment
        self.retryable = retryable


class DeploymentTimeoutError(JobTimeoutError):
    """A workflow was not deployed when the caller's patience ended. The deployment goes on.

    Attributes:
        deployment: What of the workflow is live, as last seen; None where it never was.
    """

    def __init__(
        self,
        message: str,
        code: str | None = "TIMEOUT",
        status: int | None = None,
        *,
        deployment: WorkflowDeployment | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message, code, status, **more)
        self.deployment = deployment


class JobNotDoneError(SimStudioError):
    """The result of a job was asked for before the job was done.

    Attributes:
        job: The job.
    """

    def __init__(
        self, message: str, code: str | None = None, status: int | None = None, *, job: Job | None = None, **more: Any
    ) -> None:
        super().__init__(message, code, status, **more)
        self.job = job


class StreamError(SimStudioError):
    """A stream broke off before its end, or holds what cannot be read.

    Attributes:
        partial: The text that had arrived.
    """

    def __init__(
        self, message: str, code: str | None = None, status: int | None = None, *, partial: str = "", **more: Any
    ) -> None:
        super().__init__(message, code, status, **more)
        self.partial = partial


class InvalidResponseError(SimStudioError):
    """The answer is not what the API promises; ``response.content`` is the body as it came."""


class LedgerError(SimStudioError):
    """The ledger of a batch cannot be used (damaged, locked, of another workflow, no room), or not in that way."""


class InputChangedError(LedgerError):
    """An input is not the one that the ledger knows under that key."""


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
