"""The errors that every service shares beyond those of the transport: of streams, and of runs that failed or go on.

A run is called execution, job, task or prediction by its service; the services' own errors are subclasses of these, and
the batch engine judges by them. ``result`` and ``job`` are therefore of each service's own class.
"""

from __future__ import annotations

from typing import Any

from simstudio.transport.errors import APITimeoutError, NotFoundError, SimStudioError


class APIVersionError(NotFoundError):
    """404: the server has no v2 API, or it is switched off; ``api_version="v1"`` works."""


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
        result: Any = None,
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
        job: Any = None,
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
        job: Any = None,
        **more: Any,
    ) -> None:
        super().__init__(message, code, status, **more)
        self.job = job


class JobNotDoneError(SimStudioError):
    """The result of a job was asked for before the job was done.

    Attributes:
        job: The job.
    """

    def __init__(
        self, message: str, code: str | None = None, status: int | None = None, *, job: Any = None, **more: Any
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
