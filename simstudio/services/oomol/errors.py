"""Errors of Oomol Connect's client: the documented names, each also an error of ``simstudio.errors``.

    OomolConnectError                 base of all
    ├── ApiError                      an error status, or no answer (status 0)
    │   ├── ApiStatusError            also simstudio.APIStatusError; below it one class for each status, so that
    │   │   └── …                     `except simstudio.RateLimitError` serves every service
    │   ├── ApiConnectionError        also simstudio.APIConnectionError
    │   │   └── ApiTimeoutError       also simstudio.APITimeoutError and the builtin
    │   └── ApiInvalidResponseError   also simstudio.InvalidResponseError
    ├── TaskFailedError               also simstudio.JobFailedError
    ├── TaskStoppedError              also simstudio.JobCancelledError
    ├── TimeoutError                  also simstudio.JobTimeoutError and the builtin
    └── InstallFailedError

Wrong arguments, for which nothing is sent, are a :class:`simstudio.ConfigurationError` or a
:class:`simstudio.InvalidInputError`.
"""

from __future__ import annotations

import builtins
from typing import Any

from simstudio.core.error_family import ErrorFamily
from simstudio.core.errors import JobCancelledError, JobFailedError, JobTimeoutError
from simstudio.services.oomol.models import InstallTask, Task, TaskLog
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


class OomolConnectError(SimStudioError):
    """Base of the errors of Oomol Connect's client once a request was sent."""

    @property
    def message(self) -> str:
        """Text of the error: what happened."""
        return str(self.args[0]) if self.args else ""


class ApiError(OomolConnectError):
    """The server answered with an error, or did not answer.

    Args:
        message: Text of the error: what happened.
        status: HTTP status; 0 if there was no answer.
        response: The response, or the text of its body.
        said: Message of the server.

    Attributes:
        status: HTTP status; 0 if there was no answer.
        response: The response; None if there was none. ``error.response.text`` is its body.
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
        """Message of the server, if it sent one; ``str(error)`` says more."""
        return self.said or super().message


class ApiStatusError(ApiError, APIStatusError):
    """An error status without a class of its own, or ``"success": false`` with status 200."""


class ApiAuthenticationError(ApiStatusError, AuthenticationError):
    """401: the token is missing or wrong."""


class ApiUsageLimitExceededError(ApiStatusError, UsageLimitExceededError):
    """402: the account has used up what its plan allows."""


class ApiPermissionDeniedError(ApiStatusError, PermissionDeniedError):
    """403: the token may not do this."""


class ApiNotFoundError(ApiStatusError, NotFoundError):
    """404: no such task, package, applet or route."""


class ApiConflictError(ApiStatusError, ConflictError):
    """409: the state of the task or package does not allow the call."""


class ApiInvalidRequestError(ApiStatusError, InvalidRequestError):
    """400, 413, 415 or 422: the request cannot be used."""


class ApiLockedError(ApiStatusError, LockedError):
    """423: the task or package is locked."""


class ApiRateLimitError(ApiStatusError, RateLimitError):
    """429: too many requests. ``retry_after``: seconds to wait; None if the server does not say."""


class ApiServerError(ApiStatusError, ServerError):
    """5xx: the server failed."""


class ApiConnectionError(ApiError, APIConnectionError):
    """No complete response arrived: the connection was refused, dropped or cut short. Its ``status`` is 0."""


class ApiTimeoutError(ApiConnectionError, APITimeoutError, builtins.TimeoutError):
    """No complete response arrived in time. Its ``status`` is 0."""


class ApiInvalidResponseError(ApiError, InvalidResponseError):
    """The response does not have the form that the service documents; ``response.text`` is its body."""


class _TaskError(OomolConnectError):
    """Base of the errors about one task."""

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
        task: The task as last seen.
        logs: Its log as far as it was read: by ``tasks.run``, or for ``on_log``.
        reason: The reason that the task or its log gives; None if they give none.
    """

    task: Task | None
    reason: str | None = None


class TaskStoppedError(_TaskError, JobCancelledError):
    """A task was stopped.

    Attributes:
        task: The task as last seen.
        logs: Its log as far as it was read.
    """

    task: Task | None


class TimeoutError(_TaskError, JobTimeoutError, builtins.TimeoutError):  # noqa: A001 - the documented name
    """A task or an installation was not done in time. It goes on at the server.

    Attributes:
        task: The task or installation as last seen; None if it was never seen.
        logs: The task's log as far as it was read.
    """

    task: Task | InstallTask | None


class InstallFailedError(_TaskError):
    """The installation of a package failed.

    Attributes:
        task_id: Id of the installation.
        task: The installation as last seen; ``task.error`` is the reason.
    """

    task: InstallTask | None


FAMILY = ErrorFamily(OomolConnectError, ApiStatusError)
