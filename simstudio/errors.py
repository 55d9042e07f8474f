"""Every exception the package raises, in one tree.

    SimStudioError
    ├── ConfigurationError            the client was set up or used wrongly; nothing was sent
    ├── InvalidInputError             an argument of a call cannot be sent; nothing was sent (also a ValueError)
    ├── APIConnectionError            no complete response arrived: refused, dropped, truncated
    │   └── APITimeoutError           no complete response arrived in time                    (code TIMEOUT)
    ├── APIStatusError                a response with an error status
    │   ├── AuthenticationError 401 · UsageLimitExceededError 402 · PermissionDeniedError 403 · NotFoundError 404
    │   │       └── APIVersionError   404 of every route: the server's v2 API is switched off
    │   ├── ConflictError 409 · InvalidRequestError 400/413/415/422 · LockedError 423 · RateLimitError 429
    │   └── ServerError 5xx
    ├── ExecutionError                the workflow ran and failed                             (code EXECUTION_ERROR)
    │   ├── ExecutionTimeoutError     the server stopped it; also an APITimeoutError          (code TIMEOUT)
    │   └── JobFailedError            › JobCancelledError
    │       └── JobExecutionTimeoutError    the server stopped it; also an ExecutionTimeoutError
    ├── JobTimeoutError               a job was not done within the timeout of a wait         (code TIMEOUT)
    │   └── DeploymentTimeoutError    a deployment was not done within the timeout of a wait  (code TIMEOUT)
    ├── DeploymentFailedError         the deployment of a workflow failed
    ├── BulkWriteError                a write of many rows of a table stopped
    ├── JobNotDoneError               the result of a job was read before the job was done
    ├── StreamError                   a stream ended too early or cannot be read
    ├── InvalidResponseError          a response without the form that the API promises
    ├── MissingFieldError             a field of a model was read that the server did not send (also an AttributeError)
    ├── LedgerError                   the ledger of a batch cannot be used, or not in this way
    │   └── InputChangedError         an input differs from the one in the ledger under the same key
    ├── ResultsError                  the results of a batch cannot be written to their file
    ├── BudgetError                   the budget of a batch is used up, or cannot be kept
    ├── TooManyFailuresError          more items of a batch failed than max_failures lets pass
    └── WebhookError                  a webhook delivery that cannot be trusted, see simstudio.webhooks

``error.code`` is the documented code (UNAUTHORIZED, TIMEOUT, RATE_LIMIT_EXCEEDED, USAGE_LIMIT_EXCEEDED,
EXECUTION_ERROR) whatever the server sends; the server's own code is ``error.server_code``.

``BatchInterrupted`` is no ``SimStudioError`` but a ``KeyboardInterrupt``: Ctrl-C during a batch, raised after the
running executions have ended.

All exceptions can be pickled and copied. None holds the API key: they hold the response and not the request.
"""

from __future__ import annotations

from simstudio.batch.errors import (
    BatchInterrupted,
    BudgetError,
    InputChangedError,
    LedgerError,
    ResultsError,
    TooManyFailuresError,
)
from simstudio.core.errors import (
    APIVersionError,
    ExecutionError,
    ExecutionTimeoutError,
    JobCancelledError,
    JobExecutionTimeoutError,
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
from simstudio.models.v2.table_errors import BulkWriteError
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
    "BudgetError",
    "BulkWriteError",
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
    "JobExecutionTimeoutError",
    "JobFailedError",
    "JobNotDoneError",
    "JobTimeoutError",
    "LedgerError",
    "LockedError",
    "MissingFieldError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResultsError",
    "ServerError",
    "SimStudioError",
    "StreamError",
    "TooManyFailuresError",
    "UsageLimitExceededError",
    "status_error_class",
]
