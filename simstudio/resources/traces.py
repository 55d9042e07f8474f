"""``client.traces``: what a run did, read from its log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simstudio.core.context import Context
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.resource import APIResource
from simstudio.core.runs import SubmittedRun
from simstudio.resources.claims import execution_of
from simstudio.resources.dialects import Dialects
from simstudio.resources.jobs import Jobs
from simstudio.traces.trace import Trace
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import (
    InvalidInputError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    SimStudioError,
)
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from typing import TypeAlias

    Reference: TypeAlias = str | Mapping[str, Any] | SubmittedRun[Any, Any, Any] | SimStudioError | Trace

_UNNAMED = (
    "The server does not name the run of this {}. Find its log with client.v1.logs.list(workspace_id, "
    'workflow_ids=[…], level="error"), or simstudio logs list --workflow ID --level error, and pass the id of that log.'
)


class Traces(APIResource[M]):
    """Traces of runs: their blocks with times, errors, tokens and costs."""

    def __init__(self, context: Context, name: str, jobs: Jobs[M], dialects: Dialects[M]) -> None:
        super().__init__(context, name)
        self._jobs: Jobs[M] = jobs
        self._dialects: Dialects[M] = dialects

    @operation
    def get(
        self,
        run: str | Mapping[str, Any] | SubmittedRun[Any, Any, Any] | SimStudioError | Trace,
        *,
        workspace_id: str | None = None,
    ) -> Flow[Trace]:
        """Retrieve the trace of a run. A trace that its object already holds is returned without a request.

        On v1 an execution is found through its workspace: up to four requests.

        Args:
            run: Id of a run (v1: of a log, an execution or a job), or a result, run, job, log, handle or error.
            workspace_id: v1: the workspace of the run, where the server does not tell that of a workflow (v0.4).

        Returns:
            The trace; without spans if the server recorded none, or has none yet.

        Raises:
            InvalidInputError: The object names no run, as failures of older servers do; the message says how to find
                it.
            NotFoundError: No run has this id.

        Example:
            >>> try:  # doctest: +SKIP
            ...     client.workflows.execute("wf", {"name": "Ada"})
            ... except ExecutionError as error:
            ...     print(client.traces.get(error).to_text())
        """
        known = _find_known_trace(run)
        if known is not None:
            return known
        run_id, version, is_log = _name_run(run)
        if (version or self._dialects.version) == "v2":
            return Trace((yield from self._read(f"/api/v2/logs/{segment(run_id, 'run')}")))
        return (yield from self._find(run_id, workspace_id, is_log=is_log))

    def _find(self, run_id: str, workspace_id: str | None, *, is_log: bool | None) -> Flow[Trace]:
        """The trace of a log, an execution or a job of v1.

        Args:
            is_log: Whether the id is that of a log; None if it may be any.
        """
        unknown: NotFoundError | None = None
        if is_log is not False:
            try:
                return Trace((yield from self._log(run_id)))
            except NotFoundError as error:
                if is_log:
                    raise
                unknown = error
        try:
            return (yield from self._of_execution(execution_of(run_id), workspace_id))
        except NotFoundError as error:
            unknown = unknown or error
        try:
            job = yield from self._jobs._fetch(self._jobs._target(run_id, None))
        except NotFoundError:
            raise unknown from None
        if job.execution_id in (None, run_id):
            raise unknown
        return (yield from self._of_execution(str(job.execution_id), workspace_id))

    def _of_execution(self, execution_id: str, workspace_id: str | None) -> Flow[Trace]:
        """The trace of an execution: v1 reads logs by their own ids, which only the list of a workspace contains."""
        execution = yield from self._read(f"/api/v1/logs/executions/{segment(execution_id, 'run')}")
        workspace_id = (yield from self._workspace_of(execution.get("workflowId"))) or workspace_id
        if workspace_id is not None:
            params = {"workspaceId": workspace_id, "executionId": execution_id, "limit": 1}
            try:
                response = yield from self._get("/api/v1/logs", params=params)
            except PermissionDeniedError:  # the key may not see this workspace
                return Trace(execution)
            listed = response.json()
            for log in (listed.get("data") if isinstance(listed, dict) else None) or []:
                if isinstance(log, dict) and log.get("executionId") == execution_id and isinstance(log.get("id"), str):
                    return Trace((yield from self._log(log["id"])))
        return Trace(execution)

    def _workspace_of(self, workflow_id: Any) -> Flow[str | None]:
        """The workspace of a workflow; None if the server does not say, as v0.4."""
        if not isinstance(workflow_id, str):
            return None
        try:
            workflow = yield from self._read(f"/api/v1/workflows/{segment(workflow_id, 'workflow')}")
        except NotFoundError:  # the workflow was deleted, or the server has no such route
            return None
        found = workflow.get("workspaceId")
        return found if isinstance(found, str) else None

    def _log(self, log_id: str) -> Flow[dict[str, Any]]:
        return (yield from self._read(f"/api/v1/logs/{segment(log_id, 'run')}"))

    def _read(self, path: str) -> Flow[dict[str, Any]]:
        response = yield from self._get(path)
        body = response.json()
        found = body.get("data", body) if isinstance(body, dict) else None
        if not isinstance(found, dict):
            raise InvalidResponseError(f"The response of {path} is no JSON object with data.", response=response)
        return found


def _find_known_trace(run: Reference) -> Trace | None:
    """The trace that an object holds; None if it holds no spans."""
    holder: Any = run
    if isinstance(run, SubmittedRun):
        holder = run.state
    elif isinstance(run, SimStudioError):
        holder = getattr(run, "result", None) or getattr(run, "job", None)
    found = holder if isinstance(holder, Trace) else getattr(holder, "trace", None)
    return found if isinstance(found, Trace) and len(found) else None


def _name_run(run: Reference) -> tuple[str, str | None, bool | None]:
    """The id of a run, its API version if it is known, and whether the id is that of a log of v1."""
    if isinstance(run, str):
        return run, None, None
    job = run.state if isinstance(run, SubmittedRun) else getattr(run, "job", run)
    version: str | None = getattr(job, "api_version", None)
    wire: Mapping[str, Any] = run if isinstance(run, Mapping) else {}
    if "runId" in wire or (isinstance(run, SimStudioError) and run.response and "/api/v2/" in run.response.path):
        version = "v2"
    elif "executionId" in wire and "level" in wire and isinstance(wire.get("id"), str):
        return wire["id"], "v1", True
    elif not isinstance(run, (SimStudioError, SubmittedRun, Trace, Mapping)):
        raise InvalidInputError(f"run is an id, a result, a run, a job, a log or an error, not {type(run).__name__}.")
    executions = [wire.get("runId"), wire.get("executionId"), getattr(job, "execution_id", None)]
    if isinstance(run, (SimStudioError, Trace)):
        executions.append(run.run_id)
    others = [getattr(run, "task_id", None), run.id if isinstance(run, SubmittedRun) else None]
    for named, is_log in ((executions, False), (others, None)):
        for each in named:
            if isinstance(each, str) and each:
                return each, version, is_log
    raise InvalidInputError(_UNNAMED.format("error" if isinstance(run, SimStudioError) else "run"))
