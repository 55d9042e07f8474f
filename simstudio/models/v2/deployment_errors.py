"""The errors of a deployment that failed, or is not finished within its timeout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.errors import JobTimeoutError
from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from simstudio.models.v2.deployments import WorkflowDeployment


class DeploymentFailedError(SimStudioError):
    """A deployment failed. ``code`` and message are those of the attempt, if it has any.

    Attributes:
        deployment: Last known state; an earlier version may still be live.
        retryable: Whether the server says that another attempt may succeed.
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
    """A deployment was not finished within the timeout, and continues.

    Attributes:
        deployment: Last known state; None if there is none.
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
