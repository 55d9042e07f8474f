"""Errors of VectorVein's client: the documented names, each also an error of ``simstudio.errors``.

    VectorVeinAPIError(message, status_code)      also what the answer's status says: simstudio.RateLimitError …
    ├── APIKeyError        401, a 403 whose message is about the key, or a key that cannot be used:
    │                      simstudio.AuthenticationError, PermissionDeniedError or ConfigurationError
    ├── WorkflowError      the run failed: simstudio.JobFailedError
    ├── AccessKeyError     403, 404 of an access key's call, or one that cannot be sent
    ├── RequestError       no answer in VectorVein's form: simstudio.APIConnectionError, InvalidResponseError, or what
    │   │                  the HTTP status says
    │   └── RequestTimeoutError  no answer in time: simstudio.APITimeoutError and the builtin
    └── TimeoutError       a run was not done in time: simstudio.JobTimeoutError and the builtin

So ``except simstudio.RateLimitError`` serves every service, and programs written for VectorVein's own package keep
their ``except`` clauses. :func:`~simstudio.core.error_family.combine` makes a class of both trees.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from simstudio.core.error_family import combine, revive
from simstudio.core.errors import JobFailedError, JobTimeoutError
from simstudio.transport.errors import APITimeoutError, SimStudioError


class VectorVeinAPIError(SimStudioError):
    """Base of all errors of VectorVein's client.

    Args:
        message: Text of the error, ``str(error)``: what happened.
        status_code: Status of the envelope, or the HTTP status if there is no envelope.
        code: See :class:`~simstudio.SimStudioError`.
        status: The HTTP status.
        **more: Further arguments of :class:`~simstudio.SimStudioError`.

    Attributes:
        details: The whole envelope, as plain JSON data; None if there is none.

    Example:
        >>> VectorVeinAPIError("no such app", 404).status_code
        404
    """

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        *,
        code: str | None = None,
        status: int | None = None,
        **more: Any,
    ) -> None:
        if code is not None:  # without one, the code of the other family stays
            more["code"] = code
        super().__init__(message, status=status, **more)
        self.status_code = status_code

    @property
    def rid(self) -> str | None:
        """Id of the run that the failed call started or polled; None if there is none."""
        return self.task_id

    @property
    def msg(self) -> str | None:
        """Message of the envelope; None if there is none."""
        said = self.details.get("msg") if isinstance(self.details, Mapping) else None
        return said if isinstance(said, str) else None

    @property
    def data(self) -> Any:
        """Data of the envelope, as plain JSON data."""
        return self.details.get("data") if isinstance(self.details, Mapping) else None


class APIKeyError(VectorVeinAPIError):
    """The API key is missing, wrong, expired, or not of the kind that the call needs."""


class WorkflowError(VectorVeinAPIError, JobFailedError):
    """The workflow ran and failed (``rid``, ``msg``, ``data``).

    Attributes:
        result: The run as last seen, a :class:`~simstudio.services.vectorvein.WorkflowRunResult`; also ``job``.
    """

    result: Any
    job: Any


class AccessKeyError(VectorVeinAPIError):
    """An access key, or the app it is for, does not exist or may not be used; or the call cannot be sent as it is."""


class RequestError(VectorVeinAPIError):
    """No answer came, or none in VectorVein's form."""


class RequestTimeoutError(RequestError, APITimeoutError, builtins.TimeoutError):
    """No complete answer came in time."""


class TimeoutError(VectorVeinAPIError, JobTimeoutError, builtins.TimeoutError):  # noqa: A001 - the documented name
    """A run or a task was not done in time (``rid``, ``task_id``). It goes on at the server.

    Attributes:
        job: The run or task as last seen; None if it was never seen.
    """

    job: Any


combined = combine
_revived = revive  # pickles of earlier versions name it
