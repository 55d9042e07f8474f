"""The outcome of a deployment: whether it is over, and the error if it failed.

A deployment continues after the call that started it; ``latest_deployment_attempt`` of each response shows its
progress.
"""

from __future__ import annotations

from simstudio.models.v2.deployment_errors import DeploymentFailedError, DeploymentTimeoutError
from simstudio.models.v2.deployments import (
    DeploymentAttempt,
    DeploymentState,
    WorkflowDeployment,
)

OVER = frozenset({"active", "failed", "superseded"})
"""Final statuses of an attempt. Any other, also an unknown one, counts as in progress."""


def last_attempt(deployment: DeploymentState) -> DeploymentAttempt | None:
    """The latest deployment attempt; None if the response has none in a known shape."""
    attempt: object = deployment.latest_deployment_attempt
    return attempt if isinstance(attempt, DeploymentAttempt) else None


def is_over(deployment: DeploymentState) -> bool:
    """Whether no deployment is in progress."""
    attempt = last_attempt(deployment)
    return attempt is None or attempt.status in OVER


def check_deployed(deployment: WorkflowDeployment) -> None:
    """Raise unless the latest attempt has made its version live.

    Raises:
        DeploymentFailedError: The attempt failed or was superseded, or there is none.
    """
    attempt = last_attempt(deployment)
    if deployment.is_deployed and (attempt is None or attempt.status == "active"):
        return
    reason = attempt.error if attempt is not None else None
    if attempt is None or attempt.status == "active":
        what = f"The workflow {deployment.id} is not deployed, and nothing is under way"
    elif attempt.status == "superseded":
        what = f"Version {_number(attempt)} of the workflow {deployment.id} was superseded"
    else:
        what = f"Version {_number(attempt)} of the workflow {deployment.id} could not be deployed"
    message, code = (_text(reason, name) for name in ("message", "code"))
    raise DeploymentFailedError(
        f"{what}{': ' + message.rstrip('.') if message else ''}. {_describe_live_version(deployment)}",
        code,
        server_code=code,
        deployment=deployment,
        retryable=getattr(reason, "retryable", False) is True,
    )


def timeout_error(workflow_id: str, last: WorkflowDeployment | None, timeout: float | None) -> DeploymentTimeoutError:
    """The error for a deployment that was not over in time."""
    attempt = last_attempt(last) if last is not None else None
    state = f"version {_number(attempt)} last seen {attempt.status!r}" if attempt is not None else "never seen"
    return DeploymentTimeoutError(
        f"The workflow {workflow_id} was not deployed within {timeout:g} s ({state}). It goes on; wait again, or give "
        "a longer timeout.",
        deployment=last,
    )


def _text(reason: object, name: str) -> str | None:
    value = getattr(reason, name, None)
    return value if isinstance(value, str) else None


def _number(attempt: DeploymentAttempt) -> object:
    return getattr(attempt, "version", "unknown")


def _describe_live_version(deployment: DeploymentState) -> str:
    version = getattr(deployment.active_deployment, "version", None)
    if version is None:
        return "No version of it is live."
    return f"Version {version} of it is live."
