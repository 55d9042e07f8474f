"""Errors of models, of streams and of runs, shared by all services.

A run is what a service calls an execution, a job, a task or a prediction. A service's own errors are subclasses of
these, and the batch engine decides by these classes alone; ``result`` and ``job`` have each service's own types.
"""

from __future__ import annotations

from typing import Any

from simstudio.transport.errors import APITimeoutError, NotFoundError, SimStudioError
from simstudio.transport.errors import InvalidInputError as InvalidInputError  # noqa: PLC0414 - for rooms on core only


class MissingFieldError(SimStudioError, AttributeError):
    """A required field of a model was read that the server did not send; the message names what it sent."""


class APIVersionError(NotFoundError):
    """404: the server has no v2 API, or it is switched off; ``api_version="v1"`` works."""


class ExecutionError(SimStudioError):
    """The workflow ran and failed.

    ``details`` is the error object of the server, if it sent one and not only text.

    Attributes:
        result: The failed result, if the server sent one (``output``, ``error``, ``metadata``); else None.
        partial: Text that a stream had delivered before it failed; empty without a stream.
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

    @property
    def block_id(self) -> str | None:
        """Id of the block that failed; None if the server does not name it apart from the error's text."""
        return self._of_block("blockId")

    @property
    def block_name(self) -> str | None:
        """Name of the block that failed; None if the server does not name it apart from the error's text."""
        return self._of_block("blockName")

    @property
    def block_type(self) -> str | None:
        """Type of the block that failed, such as ``function``; None if the server does not say."""
        return self._of_block("blockType")

    def _of_block(self, name: str) -> str | None:
        value = self.details.get(name) if isinstance(self.details, dict) else None
        return value if isinstance(value, str) else None


class ExecutionTimeoutError(ExecutionError, APITimeoutError):
    """The server stopped the run at its time limit."""

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


class JobExecutionTimeoutError(JobFailedError, ExecutionTimeoutError):
    """The server stopped a background execution at its time limit."""

    def __init__(self, message: str, code: str | None = "TIMEOUT", status: int | None = None, **more: Any) -> None:
        super().__init__(message, code, status, **more)


class JobTimeoutError(SimStudioError):
    """A job was not done within the ``timeout`` of a wait. The job itself goes on.

    Attributes:
        job: The job as last seen; ``client.jobs.wait(error.job)`` continues the wait.
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
    """The result of a job was read before the job was done.

    Attributes:
        job: The job as last seen.
    """

    def __init__(
        self, message: str, code: str | None = None, status: int | None = None, *, job: Any = None, **more: Any
    ) -> None:
        super().__init__(message, code, status, **more)
        self.job = job


class StreamError(SimStudioError):
    """A stream ended too early, or holds an event that cannot be read.

    Attributes:
        partial: Text that had arrived before.
    """

    def __init__(
        self, message: str, code: str | None = None, status: int | None = None, *, partial: str = "", **more: Any
    ) -> None:
        super().__init__(message, code, status, **more)
        self.partial = partial
