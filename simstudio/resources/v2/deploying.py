"""When a deployment is over, and what it is when it did not go well.

Deploying goes on after the call that began it: the answer's ``latest_deployment_attempt`` says how far it is.
"""

from __future__ import annotations

from simstudio.errors import DeploymentFailedError, DeploymentTimeoutError
from simstudio.models.v2.deployments import (
    DeploymentAttempt,
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
    reason = attempt.error if attempt is not None else None
    if attempt is None or attempt.status == "active":
        what = f"The workflow {deployment.id} is not deployed, and nothing is under way"
    elif attempt.status == "superseded":
        what = f"Version {_number(attempt)} of the workflow {deployment.id} was superseded"
    else:
        what = f"Version {_number(attempt)} of the workflow {deployment.id} could not be deployed"
    message, code = (_text(reason, name) for name in ("message", "code"))
    raise DeploymentFailedError(
        f"{what}{': ' + message.rstrip('.') if message else ''}. {_live(deployment)}",
        code,
        server_code=code,
        deployment=deployment,
        retryable=getattr(reason, "retryable", False) is True,
    )


def expired(workflow_id: str, last: WorkflowDeployment | None, timeout: float | None) -> DeploymentTimeoutError:
    """The error for a wait that is over."""
    attempt = attempt_of(last) if last is not None else None
    state = f"version {_number(attempt)} last seen {attempt.status!r}" if attempt is not None else "never seen"
    return DeploymentTimeoutError(
        f"The workflow {workflow_id} was not deployed within {timeout:g} s ({state}). It goes on; wait again, or give "
        "a longer timeout.",
        deployment=last,
    )


def _text(reason: object, name: str) -> str | None:
    found = getattr(reason, name, None)
    return found if isinstance(found, str) else None


def _number(attempt: DeploymentAttempt) -> object:
    return getattr(attempt, "version", "unknown")


def _live(deployment: DeploymentState) -> str:
    version = getattr(deployment.active_deployment, "version", None)
    if version is None:
        return "No version of it is live."
    return f"Version {version} of it is live."
