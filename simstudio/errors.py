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
    ├── MissingFieldError             a field of a model was read that the server did not send (also an AttributeError)
    ├── LedgerError                   the ledger of a batch cannot be used, or not in that way
    │   └── InputChangedError         an input is not the one the ledger knows under that key
    └── WebhookError                  a delivery that is not to be trusted, see simstudio.webhooks

The documented codes (UNAUTHORIZED, TIMEOUT, RATE_LIMIT_EXCEEDED, USAGE_LIMIT_EXCEEDED, EXECUTION_ERROR) are what
``error.code`` says whatever the server calls them; the server's own word is ``error.server_code``.

Beside the tree stands ``BatchInterrupted``, a ``KeyboardInterrupt``: Ctrl-C during a batch, after it was drained.

All of them pickle and copy, and none ever holds the API key: they keep the response, never the request.
"""

from __future__ import annotations

from simstudio.batch.errors import (
    BatchInterrupted,
    InputChangedError,
    LedgerError,
)
from simstudio.core.errors import (
    APIVersionError,
    ExecutionError,
    ExecutionTimeoutError,
    JobCancelledError,
    JobFailedError,
    JobNotDoneError,
    JobTimeoutError,
    MissingFieldError,
    StreamError,
)
from simstudio.models.v2.deployment_errors import (
    DeploymentFailedError,
    DeploymentTimeoutError,
)
from simstudio.transport.errors import (
    STATUS_ERRORS,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    InvalidInputError,
    InvalidRequestError,
    InvalidResponseError,
    LockedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SimStudioError,
    UsageLimitExceededError,
    status_error_class,
)

__all__ = [
    "STATUS_ERRORS",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "APIVersionError",
    "AuthenticationError",
    "BatchInterrupted",
    "ConfigurationError",
    "ConflictError",
    "DeploymentFailedError",
    "DeploymentTimeoutError",
    "ExecutionError",
    "ExecutionTimeoutError",
    "InputChangedError",
    "InvalidInputError",
    "InvalidRequestError",
    "InvalidResponseError",
    "JobCancelledError",
    "JobFailedError",
    "JobNotDoneError",
    "JobTimeoutError",
    "LedgerError",
    "LockedError",
    "MissingFieldError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "SimStudioError",
    "StreamError",
    "UsageLimitExceededError",
    "status_error_class",
]
