"""What Oomol Connect's client raises: its own names, each also a class of the shared tree.

    OomolConnectError                 the root of what the service says
    ├── ApiError                      an answer with an error status, or none at all (status 0)
    │   ├── ApiStatusError            also simstudio.APIStatusError; below it one class a status, so that
    │   │   └── …                     `except simstudio.RateLimitError` serves every service
    │   ├── ApiConnectionError        also simstudio.APIConnectionError › ApiTimeoutError
    │   └── ApiInvalidResponseError   also simstudio.InvalidResponseError
    ├── TaskFailedError               also simstudio.JobFailedError
    ├── TaskStoppedError              also simstudio.JobCancelledError
    ├── TimeoutError                  also simstudio.JobTimeoutError and the builtin
    └── InstallFailedError

What is wrong before anything is sent is a :class:`simstudio.ConfigurationError` or a
:class:`simstudio.InvalidInputError`.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from simstudio.core.error_family import ErrorFamily
from simstudio.core.errors import JobCancelledError, JobFailedError, JobTimeoutError
from simstudio.transport.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    InvalidResponseError,
    LockedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SimStudioError,
    UsageLimitExceededError,
)
from simstudio.transport.message import Response

if TYPE_CHECKING:
    from simstudio.services.oomol.models import InstallTask, Task, TaskLog


class OomolConnectError(SimStudioError):
    """The root of what Oomol Connect's client raises once something was sent."""

    @property
    def message(self) -> str:
        """What happened."""
        return str(self.args[0]) if self.args else ""


class ApiError(OomolConnectError):
    """The server answered with an error, or did not answer.

    Args:
        message: What happened.
        status: The HTTP status, 0 when no answer came.
        response: The answer, when there was one; a text is taken as its body.
        said: The server's own words.

    Attributes:
        status: The HTTP status, 0 when no answer came.
        response: The answer, None when there was none; ``error.response.text`` is its body.
    """

    def __init__(
        self,
        message: str,
        status: int | None = 0,
        response: Response | str | None = None,
        *,
        code: str | None = None,
        said: str | None = None,
        **more: Any,
    ) -> None:
        if isinstance(response, str):
            response = Response(status or 0, content=response.encode())
        super().__init__(message, code, status, response=response, **more)
        self.said = said

    @property
    def message(self) -> str:
        """The server's own words where it had some; ``str(error)`` says more."""
        return self.said or super().message


class ApiStatusError(ApiError, APIStatusError):
    """An answer with an error status that has no class of its own, or one that says it did not succeed."""


class ApiAuthenticationError(ApiStatusError, AuthenticationError):
    """401: the token is missing or wrong."""


class ApiUsageLimitExceededError(ApiStatusError, UsageLimitExceededError):
    """402: the account has used up what its plan allows."""


class ApiPermissionDeniedError(ApiStatusError, PermissionDeniedError):
    """403: the token may not do this."""


class ApiNotFoundError(ApiStatusError, NotFoundError):
    """404: no such task, package, applet or route."""


class ApiConflictError(ApiStatusError, ConflictError):
    """409: the state of the thing does not allow it now."""


class ApiInvalidRequestError(ApiStatusError, InvalidRequestError):
    """400, 413, 415 or 422: the server refused the request as it was."""


class ApiLockedError(ApiStatusError, LockedError):
    """423: the thing is locked."""


class ApiRateLimitError(ApiStatusError, RateLimitError):
    """429: too many requests (``retry_after`` seconds, when the server said so)."""


class ApiServerError(ApiStatusError, ServerError):
    """5xx: the server failed."""


class ApiConnectionError(ApiError, APIConnectionError):
    """No whole answer came: the connection was refused, dropped or cut short. Its ``status`` is 0."""


class ApiTimeoutError(ApiConnectionError, APITimeoutError):
    """No whole answer came in time. Its ``status`` is 0."""


class ApiInvalidResponseError(ApiError, InvalidResponseError):
    """The answer is not what the service promises; ``response.text`` is its body."""


class _TaskError(OomolConnectError):
    """What the errors of one task share."""

    task: Any = None
    logs: list[TaskLog]

    def __init__(
        self,
        message: str,
        task_id: str | None = None,
        task: Any = None,
        *,
        logs: list[TaskLog] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message, **more)
        self.task_id = task_id
        self.task = task
        self.logs = logs or []


class TaskFailedError(_TaskError, JobFailedError):
    """A task ended without success.

    Attributes:
        task: As last seen.
        logs: Its logs as far as they were read: by ``tasks.run``, or for ``on_log``.
        reason: What the task or its logs give as the reason, None where they give none.
    """

    task: Task | None
    reason: str | None = None


class TaskStoppedError(_TaskError, JobCancelledError):
    """A task was stopped.

    Attributes:
        task: As last seen.
        logs: Its logs as far as they were read.
    """

    task: Task | None


class TimeoutError(_TaskError, JobTimeoutError, builtins.TimeoutError):  # noqa: A001 - the documented name
    """A task or an installation was not done when the caller's patience ended. It goes on.

    Attributes:
        task: As last seen, None when it never was.
        logs: The task's logs as far as they were read.
    """

    task: Task | InstallTask | None


class InstallFailedError(_TaskError):
    """The installation of a package failed.

    Attributes:
        task_id: The id of the installation.
        task: As last seen; ``task.error`` is the reason.
    """

    task: InstallTask | None


FAMILY = ErrorFamily(OomolConnectError, ApiStatusError)
