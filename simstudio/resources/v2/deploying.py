"""When a deployment is over, and what it is when it did not go well.

Deploying goes on after the call that began it: the answer's ``latest_deployment_attempt`` says how far it is.
"""

from __future__ import annotations

from simstudio.models.v2.deployment_errors import DeploymentFailedError, DeploymentTimeoutError
from simstudio.models.v2.deployments import (
    DeploymentAttempt,
    DeploymentAttemptError,
    DeploymentState,
    WorkflowDeployment,
)

OVER = frozenset({"active", "failed", "superseded"})
"""Where an attempt's status stays. Words that are not known may be steps on the way there."""


def attempt_of(deployment: DeploymentState) -> DeploymentAttempt | None:
    """The last attempt; None where there was none that can be read."""
    attempt: object = deployment.latest_deployment_attempt
    return attempt if isinstance(attempt, DeploymentAttempt) else None


def is_over(deployment: DeploymentState) -> bool:
    """Whether nothing is under way."""
    attempt = attempt_of(deployment)
    return attempt is None or attempt.status in OVER


def check_deployed(deployment: WorkflowDeployment) -> None:
    """Raise unless the last attempt brought its version live.

    Raises:
        DeploymentFailedError: It did not, or there was none.
    """
    attempt = attempt_of(deployment)
    if deployment.is_deployed and (attempt is None or attempt.status == "active"):
        return
    reason: object = attempt.error if attempt is not None else None
    if not isinstance(reason, DeploymentAttemptError):
        reason = None
    if attempt is None or attempt.status == "active":
        what = f"The workflow {deployment.id} is not deployed, and nothing is under way"
    elif attempt.status == "superseded":
        what = f"Version {attempt.version} of the workflow {deployment.id} was superseded"
    else:
        what = f"Version {attempt.version} of the workflow {deployment.id} could not be deployed"
    raise DeploymentFailedError(
        f"{what}{': ' + reason.message.rstrip('.') if reason else ''}. {_live(deployment)}",
        reason.code if reason else None,
        server_code=reason.code if reason else None,
        deployment=deployment,
        retryable=reason.retryable if reason else False,
    )


def expired(workflow_id: str, last: WorkflowDeployment | None, timeout: float | None) -> DeploymentTimeoutError:
    """The error for a wait that is over."""
    attempt = attempt_of(last) if last is not None else None
    state = f"version {attempt.version} last seen {attempt.status!r}" if attempt is not None else "never seen"
    return DeploymentTimeoutError(
        f"The workflow {workflow_id} was not deployed within {timeout:g} s ({state}). It goes on; wait again, or give "
        "a longer timeout.",
        deployment=last,
    )


def _live(deployment: DeploymentState) -> str:
    version = getattr(deployment.active_deployment, "version", None)
    if version is None:
        return "No version of it is live."
    return f"Version {version} of it is live."
