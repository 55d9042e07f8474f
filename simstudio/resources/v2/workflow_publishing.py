"""Deployment of workflows; part of ``client.v2.workflows``."""

from __future__ import annotations

from simstudio.core.context import Context
from simstudio.core.endpoint import Sender, endpoint
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_interval, check_timeout
from simstudio.core.polling import Poller
from simstudio.core.resource import APIResource
from simstudio.models.v2.deployments import (
    DeployedWorkflow,
    DeploymentResult,
    UndeployedWorkflow,
    WorkflowDeployment,
)
from simstudio.transport.flow import Flow


class WorkflowPublishing(APIResource[M]):
    """Deploy, roll back and undeploy. All methods need a personal key; Sim refuses workspace keys with 403."""

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
        """Create a version from the draft, and start to make it live.

        The deployment continues after the call: ``latest_deployment_attempt.status`` is ``preparing`` or
        ``activating``, then ``active`` or ``failed``; :meth:`wait_until_deployed` waits for that. The request is never
        retried, as each call creates a version.

        Args:
            name: Label of the version.

        Returns:
            The live version, the deployment attempt, and the number of the new version.

        Raises:
            ConflictError: Another workflow uses the path of one of its webhooks.
            PermissionDeniedError: The key is a workspace key, or its user may not deploy the workflow.
            LockedError: The workflow is locked.

        Example:
            >>> client.v2.workflows.deploy("workflow-id", name="1.4").version  # doctest: +SKIP
            >>> client.v2.workflows.wait_until_deployed("workflow-id").deployed_at  # doctest: +SKIP
        """
        return send.one(DeployedWorkflow)

    @operation
    def wait_until_deployed(
        self, workflow_id: str, *, timeout: float | None = 300.0, poll_interval: float | None = None
    ) -> Flow[WorkflowDeployment]:
        """Wait until the latest deployment attempt (deploy, rollback, activate) has made its version live.

        Polls begin at once and follow at growing intervals (0.5 to 10 s). Up to five polls in a row may fail.

        Args:
            timeout: Seconds to wait; None for no limit.
            poll_interval: Seconds between polls, instead of growing intervals.

        Raises:
            DeploymentFailedError: The attempt failed or was superseded, or there is none and the workflow is not
                deployed (``error.code``, ``error.deployment``).
            DeploymentTimeoutError: The version was not live within ``timeout``; the deployment continues. Also a
                :class:`~simstudio.JobTimeoutError`.

        Example:
            >>> client.v2.workflows.rollback("workflow-id")  # doctest: +SKIP
            >>> client.v2.workflows.wait_until_deployed("workflow-id", timeout=60)  # doctest: +SKIP
        """
        from simstudio.resources.v2.deployment_handle import DeploymentHandle  # few programs need it

        check_timeout(timeout)
        check_interval(poll_interval)
        handle = DeploymentHandle(self, workflow_id, poller=self.poller)
        return (yield from handle._await(timeout, None, poll_interval))

    @endpoint("DELETE", "/api/v2/workflows/{workflowId}/deploy", "undeployWorkflow")
    def undeploy(self, send: Sender, workflow_id: str) -> Flow[UndeployedWorkflow]:
        """Undeploy a workflow.

        Returns:
            The deployment state, and the MCP tools that were removed with it.

        Raises:
            PermissionDeniedError: The key is a workspace key, or its user may not deploy the workflow.
            LockedError: The workflow is locked.

        Example:
            >>> client.v2.workflows.undeploy("workflow-id").is_deployed  # doctest: +SKIP
            False
        """
        return send.one(UndeployedWorkflow)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/rollback", "rollbackWorkflow")
    def rollback(self, send: Sender, workflow_id: str, *, version: int | Unset = UNSET) -> Flow[DeploymentResult]:
        """Start to make an earlier version live; :meth:`wait_until_deployed` waits for the end. The draft stays.

        Args:
            version: Version number; default: the version that was live before.

        Returns:
            The live version, the deployment attempt, and the number of its version.

        Raises:
            NotFoundError: The workflow or version does not exist.
            ConflictError: The version cannot go live, for example because there is no earlier one.
            PermissionDeniedError: The key is a workspace key, or its user may not deploy the workflow.

        Example:
            >>> client.v2.workflows.rollback("workflow-id").version  # doctest: +SKIP
        """
        return send.one(DeploymentResult)
