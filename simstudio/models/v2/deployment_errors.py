"""The errors of a deployment that failed, or that was not done in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.errors import JobTimeoutError
from simstudio.transport.errors import SimStudioError

if TYPE_CHECKING:
    from simstudio.models.v2.deployments import WorkflowDeployment


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
