"""``DeploymentHandle``: the latest deployment of a workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simstudio.core.conversion import require, structure
from simstudio.core.endpoint import extract
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.polling import Poller
from simstudio.core.resource import APIResource
from simstudio.core.runs import SubmittedRun
from simstudio.models.v2.deployments import WorkflowDeployment
from simstudio.resources.v2.deployment_outcome import check_deployed, is_over, last_attempt, timeout_error
from simstudio.transport.endpoint import segment
from simstudio.transport.flow import Flow


class DeploymentHandle(SubmittedRun[M, WorkflowDeployment, WorkflowDeployment]):
    """The latest deployment of a workflow; made by ``client.v2.workflows.deployment.handle``. Its id is the workflow's.

    ``wait()`` and ``result()`` raise a :class:`~simstudio.errors.DeploymentFailedError` if the version is not live.

    A pickled handle contains the client's key: treat it as a secret.
    """

    def __init__(
        self,
        resource: APIResource[M],
        workflow_id: str,
        state: WorkflowDeployment | None = None,
        poller: Poller | None = None,
    ) -> None:
        super().__init__(resource._context, resource._name, workflow_id, state)
        self._resource: APIResource[M] = resource
        self._path = f"/api/v2/workflows/{segment(workflow_id, 'workflow_id')}/deployment"
        self._poller = Poller() if poller is None else poller

    def _status_of(self, state: WorkflowDeployment) -> str:
        attempt = last_attempt(state)
        if attempt is None:
            return "active" if state.is_deployed else "undeployed"
        return attempt.status

    def _is_done(self, state: WorkflowDeployment) -> bool:
        return is_over(state)

    def _fetch_state(self, timeout: float | Unset = UNSET) -> Flow[WorkflowDeployment]:
        response = yield from self._get(self._path, timeout=timeout)
        deployment = structure(
            extract(response, ("data",)), WorkflowDeployment, response=response, fallbacks={"id": self.id}
        )
        require(deployment, response, is_deployed=bool)
        attempt = last_attempt(deployment)
        if attempt is not None:
            require(attempt, response, status=str)
        return deployment

    def _await(
        self,
        timeout: float | None,
        on_progress: Callable[[WorkflowDeployment], Any] | None,
        poll_interval: float | None,
    ) -> Flow[WorkflowDeployment]:
        deployment = yield from self._poller.with_interval(poll_interval).wait(
            self._fetch_state,
            done=is_over,
            expired=lambda last: timeout_error(self.id, last, timeout),
            timeout=timeout,
            client_timeout=self._context.options.timeout,
            on_progress=on_progress,
            subject=f"The deployment of the workflow {self.id}",
        )
        return (yield from self._result(deployment))

    def _result(self, state: WorkflowDeployment) -> Flow[WorkflowDeployment]:
        check_deployed(state)
        return state
        yield  # makes this a generator, as a flow must be

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._resource, self.id, self.state)
