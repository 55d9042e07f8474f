"""The run of an unversioned execution, read under its execution id.

It is read after a conflict: an earlier request with the id had arrived, and its response was lost. The v2 API has the
runs of unversioned executions too; where it is switched off the logs of ``/api/v1`` have them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from simstudio.core.errors import APIVersionError
from simstudio.core.resource import APIResource
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.models.receipts import AsyncExecutionResult
from simstudio.resources.claims import JOB_PREFIX
from simstudio.resources.dialects.v2 import V2Dialect
from simstudio.resources.execution import receipt
from simstudio.resources.v2.execution import ClaimedRun
from simstudio.resources.v2.run_responses import RunResponse, fetch_run
from simstudio.resources.whole_output import read_whole
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidResponseError, NotFoundError
from simstudio.transport.flow import Flow
from simstudio.transport.message import Claim, Response  # noqa: F401 - pdoc reads the types of inherited fields here


@attrs.frozen
class UnversionedRun(ClaimedRun):
    """The run under the execution id of an unversioned execution.

    Attributes:
        background: Whether it was queued, so that it may be a job that has not begun.
    """

    background: bool = False

    @property
    def found(self) -> Callable[[RunResponse], bool] | None:
        """The end of the wait: a queued run exists; None: any other is over."""
        return (lambda _: True) if self.background else None

    def outcome(self, run: RunResponse) -> WorkflowExecutionResult | AsyncExecutionResult:
        """The result of the run; of one that was queued, its receipt.

        Raises:
            ExecutionError: The run failed.
        """
        context = self.resource._context
        if self.background:
            names = {"jobId": JOB_PREFIX + self.run_id, "executionId": self.run_id}
            return receipt(names, run.response, self.workflow_id, context.session.endpoint.prefix)
        dialect: V2Dialect[Any] = V2Dialect(context, "")
        return dialect.result(run, self.run_id, self.workflow_id)

    def _fetch(self, options: Mapping[str, Any], *, whole: bool) -> Flow[RunResponse]:
        if self.background:
            try:
                path = f"/api/jobs/{segment(JOB_PREFIX + self.run_id, 'job')}"
                response = yield from self.resource._get(path, **options)
            except NotFoundError:  # not queued yet, or refused before
                pass
            else:
                return RunResponse({"status": "queued"}, response)
        return (yield from fetch_unversioned_run(self.resource, self.workflow_id, self.run_id, whole=whole, **options))


def fetch_unversioned_run(
    resource: APIResource[Any], workflow_id: str, run_id: str, *, whole: bool, **options: Any
) -> Flow[RunResponse]:
    """The run under an execution id, in the form of v2: from v2 itself, or else from its log.

    Args:
        whole: Whether to read texts in full that are cut in the output.
        options: Options of the requests, such as ``timeout``.
    """
    try:
        return (yield from fetch_run(resource, workflow_id, run_id, whole=whole, **options))
    except APIVersionError:
        pass
    response = yield from resource._get(f"/api/v1/workflows/{segment(workflow_id, 'workflow_id')}", **options)
    workflow = _data(response)
    params = {
        "workspaceId": workflow.get("workspaceId") if isinstance(workflow, dict) else None,
        "executionId": run_id,
        "details": "full",
        "includeFinalOutput": "true",
    }
    response = yield from resource._get("/api/v1/logs", params=params, **options)
    logs = _data(response)
    log = next((each for each in logs if isinstance(each, dict)), None) if isinstance(logs, list) else None
    if log is None:
        raise NotFoundError(f"No log has the execution id {run_id} yet.", response=response)
    run = run_of_log(log)
    if not whole:
        return RunResponse(run, response)
    output, truncated = yield from read_whole(resource, run_id, run["output"], **options)
    return RunResponse({**run, "output": output}, response, truncated)


def run_of_log(log: Mapping[str, Any]) -> dict[str, Any]:
    """A log of ``/api/v1`` as a run of v2. A log has no status; its output says that a run is cancelled or paused."""
    output, message = log.get("finalOutput"), None
    if log.get("endedAt") is None:
        status, output = "running", None
    elif log.get("level") == "error":
        status = "failed"
        message = output.get("error") if isinstance(output, dict) else None
        output = None
    elif output == {"cancelled": True}:
        status, output = "cancelled", None
    else:
        status = "paused" if output == {"paused": True} else "completed"
    return {
        "runId": log.get("executionId"),
        "workflowId": log.get("workflowId"),
        "status": status,
        "startedAt": log.get("startedAt"),
        "endedAt": log.get("endedAt"),
        "durationMs": log.get("totalDurationMs"),
        "cost": log.get("cost"),
        "error": {"message": message or "The workflow failed"} if status == "failed" else None,
        "output": output,
    }


def _data(response: Response) -> Any:
    body = response.json()
    if isinstance(body, dict) and "data" in body:
        return body["data"]
    raise InvalidResponseError(
        f"{response.method} {response.path} answered without 'data'.", status=response.status, response=response
    )
