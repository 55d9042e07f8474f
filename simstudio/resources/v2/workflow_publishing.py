"""Bringing versions of a workflow live and back (API.md 4.1). Part of ``client.v2.workflows``."""

from __future__ import annotations

from simstudio.core.context import Context
from simstudio.core.conversion import require, structure
from simstudio.core.endpoint import Sender, endpoint, found
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_timeout
from simstudio.core.polling import Poller
from simstudio.core.resource import APIResource
from simstudio.models.v2.deployments import (
    DeployedWorkflow,
    DeploymentResult,
    UndeployedWorkflow,
    WorkflowDeployment,
)
from simstudio.resources.v2.deploying import attempt_of, check_deployed, expired, is_over
from simstudio.transport.endpoint import segment
from simstudio.transport.flow import Flow


class WorkflowPublishing(APIResource[M]):
    """Deploy, roll back, undeploy. All need a personal key: Sim refuses workspace keys (403)."""

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context, name)
        self.poller = Poller()

    @endpoint("POST", "/api/v2/workflows/{workflowId}/deploy", "deployWorkflow")
    def deploy(
        self,
        send: Sender,
        workflow_id: str,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
    ) -> Flow[DeployedWorkflow]:
        """Make a version of the draft, and begin to bring it live.

        That goes on after the call has returned: ``latest_deployment_attempt.status`` is ``preparing`` or
        ``activating`` until it is ``active`` or ``failed``, and :meth:`wait_until_deployed` waits for it. Each call
        makes another version, so it is sent once.

        Args:
            workflow_id: Its id.
            name: The version's label.
            description: What is said of the version.

        Returns:
            What of the workflow is live, how far the attempt is, and the number of the version.

        Raises:
            ConflictError: Another workflow has the path of one of its webhooks.
            PermissionDeniedError: A workspace key, or a person who may not.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.deploy("workflow-id", name="1.4").version  # doctest: +SKIP
            >>> client.v2.workflows.wait_until_deployed("workflow-id").deployed_at  # doctest: +SKIP
        """
        return send.one(DeployedWorkflow)

    @operation
    def wait_until_deployed(
        self, workflow_id: str, *, timeout: float | None = 300.0, poll_interval: float | None = None
    ) -> Flow[WorkflowDeployment]:
        """Wait until the last attempt to bring a version live (deploy, rollback, activate) has succeeded.

        It asks ``deployment.get`` at once, then at growing intervals (0.5 s to 10 s), and bears up to five failed
        questions in a row.

        Args:
            workflow_id: Its id.
            timeout: Seconds to wait, None for ever.
            poll_interval: Seconds between questions, in place of the growing ones.

        Returns:
            What of the workflow is live.

        Raises:
            DeploymentFailedError: The attempt failed or was superseded, or the workflow is not deployed and nothing is
                under way (``error.code``, ``error.deployment``).
            DeploymentTimeoutError: It was not live in time (a :class:`~simstudio.JobTimeoutError`); it goes on.
            SimStudioError: It could not be asked for.

        Example:
            >>> client.v2.workflows.rollback("workflow-id")  # doctest: +SKIP
            >>> client.v2.workflows.wait_until_deployed("workflow-id", timeout=60)  # doctest: +SKIP
        """
        path = f"/api/v2/workflows/{segment(workflow_id, 'workflow_id')}/deployment"
        check_timeout(timeout)
        pause = check_timeout(poll_interval, "poll_interval")
        poller = self.poller.with_interval(pause)
        client_timeout = self._context.options.timeout

        def ask(seconds: float | None) -> Flow[WorkflowDeployment]:
            shorter = seconds is not None and (client_timeout is None or seconds < client_timeout)
            response = yield from self._get(path, timeout=seconds if shorter else UNSET)
            deployment = structure(
                found(response, ("data",)), WorkflowDeployment, response=response, known={"id": workflow_id}
            )
            require(deployment, response, is_deployed=bool)
            attempt = attempt_of(deployment)
            if attempt is not None:
                require(attempt, response, status=str)
            return deployment

        deployment = yield from poller.wait(
            ask,
            done=is_over,
            expired=lambda last: expired(workflow_id, last, timeout),
            timeout=timeout,
        )
        check_deployed(deployment)
        return deployment

    @endpoint("DELETE", "/api/v2/workflows/{workflowId}/deploy", "undeployWorkflow")
    def undeploy(self, send: Sender, workflow_id: str) -> Flow[UndeployedWorkflow]:
        """Take the live version away.

        Args:
            workflow_id: Its id.

        Returns:
            What is left, and the MCP tools that went with it.

        Raises:
            PermissionDeniedError: A workspace key, or a person who may not.
            LockedError: It is locked.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.undeploy("workflow-id").is_deployed  # doctest: +SKIP
            False
        """
        return send.one(UndeployedWorkflow)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/rollback", "rollbackWorkflow")
    def rollback(self, send: Sender, workflow_id: str, *, version: int | Unset = UNSET) -> Flow[DeploymentResult]:
        """Begin to bring an earlier version live again; :meth:`wait_until_deployed` waits for it. The draft stays.

        Args:
            workflow_id: Its id.
            version: Its number; the one that was live before where it is not given.

        Returns:
            What of the workflow is live, how far the attempt is, and the number of the version.

        Raises:
            NotFoundError: There is no such workflow or version.
            ConflictError: It cannot be brought live now, such as where there is no earlier one.
            PermissionDeniedError: A workspace key, or a person who may not.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.workflows.rollback("workflow-id").version  # doctest: +SKIP
        """
        return send.one(DeploymentResult)
