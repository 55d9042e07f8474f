"""The dialect of the routes under ``/api/v2``: ``api_version="v2"``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from simstudio.core.conversion import require, structure
from simstudio.core.errors import ExecutionError, ExecutionTimeoutError
from simstudio.core.failures import describe, redact_error, redact_response
from simstudio.core.modes import M
from simstudio.core.paging import Page, Pages
from simstudio.core.resource import encode_json
from simstudio.models.cancellation import CancelResult
from simstudio.models.events import StreamEvent
from simstudio.models.execution import WorkflowExecutionResult, error_facts, error_text, is_time_limit
from simstudio.models.jobs import Job
from simstudio.models.large_values import with_references
from simstudio.models.pauses import PausedRun, count_waiting, parse_pause_object, parse_pause_point
from simstudio.models.receipts import AsyncExecutionResult
from simstudio.models.runs import trace_advice
from simstudio.models.usage import Usage, UsageLimits
from simstudio.models.workflows import WorkflowStatus
from simstudio.resources.claims import is_anonymous, no_claims
from simstudio.resources.dialects.base import Dialect
from simstudio.resources.dialects.stream_options import StreamOptions
from simstudio.resources.dialects.target import Target
from simstudio.resources.execution import final_event, is_stream
from simstudio.resources.execution_events import ExecutionEvents
from simstudio.resources.payload import encode_nested, selectors
from simstudio.resources.settings import APIVersion
from simstudio.resources.streams import OpenedStream
from simstudio.resources.v2.execution import (
    MOST_SELECTED,
    PROTOCOL,
    Execution,
    claim,
    is_refusal,
    name_run,
)
from simstudio.resources.v2.run_responses import RunResponse, fetch_run, parse_run, run_path
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import APIStatusError, InvalidInputError, InvalidResponseError, SimStudioError
from simstudio.transport.flow import Flow, FromBody

if TYPE_CHECKING:
    from simstudio.resources.claims import Claiming
    from simstudio.resources.dialects.base import Resumed, Timeout
    from simstudio.transport.message import Response

LONGEST_RUN = 604800
"""Seconds (seven days)."""

_AS_DOCUMENTED = {"pending": "queued", "running": "processing", "redacting": "processing"}


class V2Dialect(Dialect[M]):
    """The dialect of the v2 routes."""

    version: ClassVar[APIVersion] = "v2"

    def execute(
        self,
        workflow_id: str,
        data: Any,
        *,
        timeout: Timeout,
        max_retries: int | None = None,
        selected_outputs: Sequence[str] | None = None,
        run_id: str | None = None,
        claiming: Claiming = "known",
    ) -> Flow[WorkflowExecutionResult]:
        """Run a workflow and wait for its result."""
        self._check_claims(claiming)
        control: dict[str, Any] = {}
        if selected_outputs is not None:
            control["selectedOutputs"] = selectors(selected_outputs, MOST_SELECTED)
        execution = self._execution(workflow_id, data, control, run_id=run_id)
        run = yield from execution.run(timeout=timeout, max_retries=max_retries)
        return self.result(run, execution.run_id, workflow_id)

    def submit(
        self,
        workflow_id: str,
        data: Any,
        *,
        timeout: Timeout,
        max_retries: int | None = None,
        execution_timeout: int | None = None,
        run_id: str | None = None,
        claiming: Claiming = "known",
    ) -> Flow[AsyncExecutionResult]:
        """Queue a workflow."""
        self._check_claims(claiming)
        control: dict[str, Any] = {"async": True}
        if execution_timeout is not None:
            control["executionTimeoutSeconds"] = _check_execution_timeout(execution_timeout)
        execution = self._execution(workflow_id, data, control, run_id=run_id)
        response = yield from execution.queue(timeout=timeout, max_retries=max_retries)
        data = _data_of(response) if response is not None else {"runId": execution.run_id}
        sent = data.get("runId")
        return _receipt(data, response, workflow_id, sent if isinstance(sent, str) and sent else execution.run_id)

    def stream(
        self,
        workflow_id: str,
        data: Any,
        options: StreamOptions,
        *,
        max_retries: int | None = None,
        run_id: str | None = None,
        claiming: Claiming = "known",
    ) -> Flow[OpenedStream[StreamEvent]]:
        """Run a workflow and open the stream of its events."""
        self._check_claims(claiming)
        control: dict[str, Any] = {"stream": True}
        if options.selected_outputs is not None:
            control["selectedOutputs"] = selectors(options.selected_outputs, MOST_SELECTED)
        if options.include_thinking:
            control["includeThinking"] = True
        if options.include_tool_calls:
            control["includeToolCalls"] = True
        wanted = options.include_thinking or options.include_tool_calls
        headers = {"X-Sim-Stream-Protocol": PROTOCOL} if wanted else {}
        execution = self._execution(workflow_id, data, control, headers, run_id=run_id)
        return (yield from self.open_stream(execution, options, max_retries=max_retries))

    def open_stream(
        self, execution: Execution, options: StreamOptions, *, max_retries: int | None = None
    ) -> Flow[OpenedStream[StreamEvent]]:
        """Send an execution whose body asks for a stream."""
        opened = yield from execution.open_stream(idle_timeout=options.idle_timeout, max_retries=max_retries)
        response = opened.response if isinstance(opened, RunResponse) else opened
        credentials = self._context.session.credentials
        run_id = response.headers.get("x-run-id") or execution.run_id  # Sim replaces the id of an anonymous caller

        def complete_error(error: SimStudioError) -> None:
            name_run(error, run_id, execution.workflow_id)
            redact_error(error, credentials)

        core = ExecutionEvents(
            f"{response.method} {response.path}",
            max_event_size=options.max_event_size,
            complete=complete_error,
            run_id=run_id,
        )
        if isinstance(opened, RunResponse):
            core.complete(final_event(self.result(opened, execution.run_id, execution.workflow_id)))
        elif not is_stream(response):
            if response.body is not None:
                response.body.await_event()
                yield FromBody(response.body, "read")
            core.complete(final_event(self.result(parse_run(response), execution.run_id, execution.workflow_id)))
        return OpenedStream(response, core)

    def status(self, workflow_id: str) -> Flow[WorkflowStatus]:
        """The deployment status of a workflow."""
        path = f"/api/v2/workflows/{segment(workflow_id, 'workflow_id')}/deployment"
        data, response = yield from self._get_data(path)
        return structure(data, WorkflowStatus, response=response)

    def cancel(self, workflow_id: str, execution_id: str) -> Flow[CancelResult]:
        """Ask the server to stop a run."""
        path = f"{run_path(workflow_id, execution_id)}/cancel"
        request = self._request("POST", path, resend="claimed")  # cancelling is idempotent
        response = yield from self._call_explained(request)
        return structure(_data_of(response), CancelResult, response=response)

    def paused(self, workflow_id: str, status: str) -> Pages[PausedRun]:
        """The runs that wait for a human. The list does not say what they ask, so each run is fetched."""
        return _PausedRuns(self, workflow_id, status)

    def paused_run(self, workflow_id: str, execution_id: str) -> Flow[PausedRun]:
        """One run that waits for a human; its questions come from the unversioned route if the run lacks them."""
        fetched = yield from fetch_run(self, workflow_id, execution_id)
        run = fetched.data
        block = run.get("paused")
        ids: dict[str, Any] = {"workflow_id": workflow_id, "execution_id": execution_id}
        known = dict(ids)
        if isinstance(block, Mapping):
            pauses = parse_pause_object(block, run.get("output"), **ids)
            if count_waiting(block) > 1 or not any(pause.question or pause.input_fields for pause in pauses):
                points = yield from self._fetch_pause_points(workflow_id, execution_id, block)
                pauses = [parse_pause_point(point, **ids) for point in points] or pauses
            known["pauses"] = pauses
            known["paused_at"] = block.get("pausedAt")
            known["total_pause_count"] = block.get("pausePointCount")
            known["resumed_count"] = block.get("resumedCount")
        return structure(run, PausedRun, response=fetched.response, fallbacks=known)

    def _fetch_pause_points(
        self, workflow_id: str, execution_id: str, block: Mapping[str, Any]
    ) -> Flow[list[dict[str, Any]]]:
        """All pauses of a run, as the unversioned route has them; empty if they cannot be fetched."""
        path = f"/api/workflows/{segment(workflow_id, 'workflow_id')}/paused/{segment(execution_id, 'execution_id')}"
        try:
            data = (yield from self._get(path, max_retries=0)).json()
        except (APIStatusError, InvalidResponseError):
            return []
        points = data.get("pausePoints") if isinstance(data, dict) else None
        points = [point for point in points if isinstance(point, dict)] if isinstance(points, list) else []
        named = block.get("contextId")
        return points if named is None or any(point.get("contextId") == named for point in points) else []

    def resume(
        self, workflow_id: str, execution_id: str, context_id: str, data: Any, *, timeout: Timeout
    ) -> Flow[Resumed]:
        """Answer a pause. The server sends a new run id, which cannot be read: the run keeps its first one."""
        body: dict[str, Any] = {"contextId": context_id}
        if data is not None:
            body["input"] = data
        headers = {"Content-Type": "application/json"}
        path = f"{run_path(workflow_id, execution_id)}/resume"
        response = yield from self._call_explained(
            self._request(
                "POST", path, content=encode_json(body), headers=headers, refused=is_refusal, timeout=timeout
            ),
        )
        outcome = _data_of(response)
        if "status" not in outcome:
            return _receipt(outcome, response, workflow_id, execution_id)
        return self.result(parse_run(response), execution_id, workflow_id, resumed=True)

    def target(
        self, task_id: str, workflow_id: str | None, execution_id: str | None, receipt: AsyncExecutionResult | None
    ) -> Target:
        """The route of a run, which contains the workflow's id."""
        if workflow_id is None:
            raise InvalidInputError(
                f"v2 finds a run by its workflow only: give workflow_id= for {task_id!r}, or what submit() returned."
            )
        path = run_path(workflow_id, task_id)
        return Target(task_id, (path,), workflow_id, execution_id or task_id, "v2", fresh=receipt is not None)

    def fetch(self, target: Target, *, timeout: Timeout, whole: bool = False) -> Flow[tuple[Job, Response]]:
        """The state of a run, and the response that carried it."""
        workflow_id = str(target.workflow_id)
        run = yield from fetch_run(self, workflow_id, target.task_id, whole=whole, timeout=timeout)
        known: dict[str, Any] = {
            "task_id": target.task_id,
            "execution_id": target.task_id,
            "workflow_id": target.workflow_id,
            "metadata": _metadata(run.data, "startedAt", "completedAt"),
            "api_version": "v2",
        }
        given: dict[str, Any] = {"truncated": run.truncated}
        block = run.data.get("paused")
        if isinstance(block, Mapping) and count_waiting(block) > 1:
            points = yield from self._fetch_pause_points(workflow_id, target.task_id, block)
            given["block"] = {**block, "pausePoints": points}
        return structure(run.data, Job, response=run.response, fallbacks=known, overrides=given), run.response

    def fetch_resumed(self, target: Target, *, timeout: Timeout, whole: bool = False) -> Flow[tuple[Job, Response]]:
        """The state of a run that was paused: the run keeps its id."""
        return (yield from self.fetch(target, timeout=timeout, whole=whole))

    def job_as_documented(self, target: Target) -> Flow[dict[str, Any]]:
        """The state of a run in the documented words."""
        run = (yield from fetch_run(self, str(target.workflow_id), target.task_id, whole=True)).data
        status = run.get("status")
        return {
            "success": True,
            "taskId": target.task_id,
            "status": _AS_DOCUMENTED.get(str(status), status),
            "metadata": _metadata(run, "startedAt", "completedAt"),
            "output": with_references(run.get("output")),
            "error": error_text(run.get("error")),
        }

    def limits(self) -> Flow[UsageLimits]:
        """The account's credits and usage."""
        data, response = yield from self._get_data("/api/v2/billing/status")
        plan = data.get("plan")
        usage = Usage(plan=plan if isinstance(plan, str) else None)
        return structure(data, UsageLimits, response=response, fallbacks={"success": True, "usage": usage})

    def _check_claims(self, claiming: Claiming) -> None:
        if claiming == "required" and is_anonymous(self):
            raise no_claims(self)

    def _execution(
        self,
        workflow_id: str,
        data: Any,
        control: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        *,
        run_id: str | None = None,
    ) -> Execution:
        payload = encode_nested(data, control)
        return Execution(self, workflow_id, claim(run_id), payload.content, headers or {}, self.observers)

    def _get_data(self, path: str) -> Flow[tuple[dict[str, Any], Response]]:
        response = yield from self._call_explained(self._request("GET", path, resend="read"))
        return _data_of(response), response

    def result(
        self, fetched: RunResponse, run_id: str, workflow_id: str, *, resumed: bool = False
    ) -> WorkflowExecutionResult:
        """The result of a run.

        Args:
            run_id: Id of the run if the response has none.
            resumed: Whether ``run_id`` is the id of the run whatever the response says.

        Raises:
            ExecutionError: The run failed; after its time limit an :class:`~simstudio.ExecutionTimeoutError`.
            InvalidResponseError: The run has no status.
        """
        run, response = fetched.data, fetched.response
        status, error = run.get("status"), run.get("error")
        known = {
            "success": status in ("completed", "paused"),
            "execution_id": run_id,
            "metadata": _metadata(run, "startTime", "endTime"),
        }
        result = structure(
            {"workflowId": workflow_id, **run},
            WorkflowExecutionResult,
            response=response,
            fallbacks=known,
            overrides={
                "error": error_text(error),
                "truncated": fetched.truncated,
                **({"execution_id": run_id} if resumed else {}),
            },
        )
        try:
            require(result, response, status=str)
        except InvalidResponseError as invalid:
            name_run(invalid, run_id, workflow_id)
            raise
        if status == "failed":
            raise self._execution_error(result, error, response, run_id, workflow_id)
        return result

    def _execution_error(
        self, result: WorkflowExecutionResult, error: Any, response: Response, run_id: str, workflow_id: str
    ) -> ExecutionError:
        redact_response(response, self._context.session.credentials)
        timed_out = is_time_limit(error)
        advice = "client.workflows.submit() allows longer runs." if timed_out else "The result is in error.result."
        failure = (ExecutionTimeoutError if timed_out else ExecutionError)(
            f"{result.error or 'The workflow failed'} ({describe(response)}, run id {run_id}). {advice} "
            f"{trace_advice(run_id, workflow_id, 'v2')}",
            status=response.status,
            result=result,
            response=response,
            history=response.history,
            **error_facts(error),
        )
        name_run(failure, run_id, workflow_id)
        return failure


class _PausedRuns(Pages[PausedRun]):
    """The paused runs of a workflow, paged like the list of its runs."""

    def __init__(self, dialect: V2Dialect[Any], workflow_id: str, status: str) -> None:
        super().__init__(PausedRun)
        self._dialect = dialect
        self._workflow_id = workflow_id
        self._status = status

    def fetch(self, cursor: str | None) -> Flow[Page[PausedRun]]:
        """The flow of the page at a cursor."""
        path = f"/api/v2/workflows/{segment(self._workflow_id, 'workflow_id')}/runs"
        params = {"status": self._status or None, "cursor": cursor}
        response = yield from self._dialect._call_explained(
            self._dialect._request("GET", path, params=params, resend="read")
        )
        body = response.json()
        listed = body.get("data") if isinstance(body, dict) else None
        if not isinstance(listed, list):
            raise _missing("a list of runs", response)
        runs = []
        for item in structure(listed, list[PausedRun], response=response):
            run_id = item.get("runId") if isinstance(item, PausedRun) else None
            known = isinstance(run_id, str) and run_id
            runs.append((yield from self._dialect.paused_run(self._workflow_id, str(run_id))) if known else item)
        following = body.get("nextCursor")
        return Page(runs, following if isinstance(following, str) and following else None)


def _receipt(data: dict[str, Any], response: Response | None, workflow_id: str, run_id: str) -> AsyncExecutionResult:
    """The receipt of a queued run. Its link is built from the ids, as the server's link may name another host."""
    known = {"success": True, "workflow_id": workflow_id}
    given = {
        "task_id": run_id,
        "execution_id": run_id,
        "status": "queued",
        "links": {"status": run_path(workflow_id, run_id)},
    }
    return structure(data, AsyncExecutionResult, response=response, fallbacks=known, overrides=given)


def _metadata(run: Mapping[str, Any], started: str, ended: str) -> dict[str, Any]:
    """Times of a run under the documented names: ISO 8601, and ``duration`` in milliseconds."""
    metadata = {started: run.get("startedAt"), ended: run.get("endedAt"), "duration": run.get("durationMs")}
    return {name: value for name, value in metadata.items() if value is not None or name == "duration"}


def _data_of(response: Response) -> dict[str, Any]:
    body = response.json()
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise _missing("'data'", response)
    return data


def _missing(what: str, response: Response) -> InvalidResponseError:
    return InvalidResponseError(
        f"{response.method} {response.path} answered {response.status} without {what}. The body is in "
        "error.response.content.",
        status=response.status,
        response=response,
        history=response.history,
    )


def _check_execution_timeout(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_RUN:
        raise InvalidInputError(f"execution_timeout must be whole seconds from 1 to {LONGEST_RUN}, not {value!r}.")
    return value
