"""The dialect of the unversioned, documented routes (``/api/workflows/…``, ``/api/jobs/…``): ``api_version="v1"``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from simstudio.core.conversion import structure
from simstudio.core.failures import redact_error
from simstudio.core.modes import M
from simstudio.core.options import UNSET
from simstudio.core.resource import encode_json
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.models.large_values import with_references
from simstudio.resources.claims import (
    HEADER,
    JOB_PREFIX,
    claim,
    is_conflict,
    learn,
    may_send_again,
    no_claims,
    probe,
    support,
)
from simstudio.resources.dialects.base import Dialect
from simstudio.resources.execution import (
    execution_result,
    final_event,
    is_refused_execution,
    is_stream,
    parse_receipt,
    status_path,
)
from simstudio.resources.payload import Payload, encode_input, selectors
from simstudio.resources.settings import APIVersion
from simstudio.transport.deadline import SHORTEST
from simstudio.transport.endpoint import segment
from simstudio.transport.errors import InvalidInputError, InvalidResponseError, NotFoundError, SimStudioError
from simstudio.transport.flow import Flow, FromBody
from simstudio.transport.message import Request, Response

if TYPE_CHECKING:
    from simstudio.core.paging import Pages
    from simstudio.models.cancellation import CancelResult
    from simstudio.models.events import StreamEvent
    from simstudio.models.jobs import Job
    from simstudio.models.pauses import PausedRun
    from simstudio.models.receipts import AsyncExecutionResult
    from simstudio.models.usage import UsageLimits
    from simstudio.models.workflows import WorkflowStatus
    from simstudio.resources.claims import Claiming
    from simstudio.resources.dialects.base import Resumed, Timeout
    from simstudio.resources.dialects.stream_options import StreamOptions
    from simstudio.resources.dialects.target import Target
    from simstudio.resources.streams import OpenedStream

_JSON = {"Content-Type": "application/json"}
_BACKGROUND = {**_JSON, "X-Execution-Mode": "async"}


class LegacyDialect(Dialect[M]):
    """The dialect of the unversioned routes."""

    version: ClassVar[APIVersion] = "v1"

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
        if selected_outputs is not None:
            raise _needs_v2("selected_outputs of execute()", "Sim ignores it there unless it streams")
        payload = encode_input(data)
        payload.warn(background=False)
        request = self._execution(workflow_id, payload, timeout=timeout, max_retries=max_retries)
        try:
            yield from self._add_claim(request, run_id, claiming)
            response, settled = yield from self._perform(workflow_id, request)
            if isinstance(settled, WorkflowExecutionResult):
                return settled
            return execution_result(response, self._context.session.credentials, run_id=self._run_id(request))
        except SimStudioError as error:
            self._name_run(error, self._run_id(request), workflow_id)
            raise

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
        if execution_timeout is not None:
            raise _needs_v2("execution_timeout", "these routes cannot limit a run")
        payload = encode_input(data)
        payload.warn(background=True)
        request = self._execution(workflow_id, payload, headers=_BACKGROUND, timeout=timeout, max_retries=max_retries)
        try:
            yield from self._add_claim(request, run_id, claiming)
            response, settled = yield from self._perform(workflow_id, request, background=True)
            if settled is not None and not isinstance(settled, WorkflowExecutionResult):
                return settled
            if not response.ok:
                raise self._error(response)
            return parse_receipt(response, workflow_id, self._context.session.endpoint.prefix)
        except SimStudioError as error:
            self._name_run(error, self._run_id(request), workflow_id, background=True)
            raise

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
        from simstudio.resources.execution_events import ExecutionEvents
        from simstudio.resources.streams import OpenedStream

        if options.include_thinking or options.include_tool_calls:
            raise _needs_v2("include_thinking and include_tool_calls", "these routes stream text only")
        control: dict[str, Any] = {"stream": True}
        if options.selected_outputs is not None:
            control["selectedOutputs"] = selectors(options.selected_outputs)
        payload = encode_input(data, control)
        payload.warn(background=False)
        request = self._execution(workflow_id, payload, idle_timeout=options.idle_timeout, max_retries=max_retries)
        credentials = self._context.session.credentials
        try:
            yield from self._add_claim(request, run_id, claiming)
            response, settled = yield from self._perform(workflow_id, request)
            named = self._run_id(request)

            def complete_error(error: SimStudioError) -> None:
                self._name_run(error, named, workflow_id)
                redact_error(error, credentials)

            core = ExecutionEvents(
                f"{request.method} {request.path}",
                max_event_size=options.max_event_size,
                complete=complete_error,
                run_id=named,
            )
            if isinstance(settled, WorkflowExecutionResult):
                core.complete(final_event(settled))
                return OpenedStream(response, core)
            if response.body is None:  # the body of an error status has been read already
                execution_result(response, credentials, run_id=named)
                raise self._error(response)
            if not is_stream(response):
                response.body.await_event()
                yield FromBody(response.body, "read")
                core.complete(final_event(execution_result(response, credentials, run_id=named)))
        except SimStudioError as error:
            self._name_run(error, self._run_id(request), workflow_id)
            raise
        return OpenedStream(response, core)

    def status(self, workflow_id: str) -> Flow[WorkflowStatus]:
        """The deployment status of a workflow."""
        from simstudio.models.workflows import WorkflowStatus

        response = yield from self._get(f"/api/workflows/{segment(workflow_id, 'workflow_id')}/status")
        return self._structure(response, WorkflowStatus)

    def cancel(self, workflow_id: str, execution_id: str) -> Flow[CancelResult]:
        """Ask the server to stop an execution."""
        from simstudio.models.cancellation import CancelResult

        workflow, execution = segment(workflow_id, "workflow_id"), segment(execution_id, "execution_id")
        response = yield from self._post(f"/api/workflows/{workflow}/executions/{execution}/cancel")
        return self._structure(response, CancelResult)

    def paused(self, workflow_id: str, status: str) -> Pages[PausedRun]:
        """The runs that wait for a human, all in one page."""
        from simstudio.resources.dialects.legacy_pauses import PausedRuns

        return PausedRuns(self, f"/api/workflows/{segment(workflow_id, 'workflow_id')}/paused", status)

    def paused_run(self, workflow_id: str, execution_id: str) -> Flow[PausedRun]:
        """One run that waits, or has waited, for a human."""
        from simstudio.models.pauses import parse_paused_run

        data, _ = yield from self._paused_run(workflow_id, execution_id)
        return parse_paused_run(data)

    def _paused_run(
        self, workflow_id: str, execution_id: str, timeout: Timeout = UNSET
    ) -> Flow[tuple[dict[str, Any], Response]]:
        workflow, execution = segment(workflow_id, "workflow_id"), segment(execution_id, "execution_id")
        response = yield from self._get(f"/api/workflows/{workflow}/paused/{execution}", timeout=timeout)
        data = response.json()
        if not isinstance(data, dict):
            raise InvalidResponseError(
                f"{response.method} {response.path} answered with no object.", status=response.status, response=response
            )
        return data, response

    def resume(
        self, workflow_id: str, execution_id: str, context_id: str, data: Any, *, timeout: Timeout
    ) -> Flow[Resumed]:
        """Answer a pause: the response is a receipt if the run was queued, else a result or a stream.

        Servers since August 2026 send a new execution id, under which nothing can be read: the run keeps its first one.
        """
        path = "/".join((
            "/api/resume",
            segment(workflow_id, "workflow_id"),
            segment(execution_id, "execution_id"),
            segment(context_id, "context_id"),
        ))  # fmt: skip
        body = encode_json({} if data is None else {"input": data})
        request = self._request(
            "POST", path, content=body, headers=_JSON, refused=is_refused_execution, timeout=timeout
        )
        response = yield from self._send(request)
        if response.status == 202 or _is_queued(response):
            return parse_receipt(
                response, workflow_id, self._context.session.endpoint.prefix, execution_id=execution_id
            )
        if is_stream(response) and response.ok:
            from simstudio.resources.execution_events import ExecutionEvents

            core = ExecutionEvents(f"{response.method} {response.path}", run_id=execution_id)
            core.feed(response.content)
            core.end()
            return core.result()
        return execution_result(response, self._context.session.credentials, execution_id=execution_id)

    def target(
        self, task_id: str, workflow_id: str | None, execution_id: str | None, receipt: AsyncExecutionResult | None
    ) -> Target:
        """The routes of a job: its own, then that of its execution."""
        from simstudio.resources.dialects.target import Target

        own: str | None = None
        if receipt is not None and task_id == execution_id and isinstance(receipt.status_url, str):
            own = status_path(receipt.status_url, self._context.session.endpoint.prefix)
        paths = [f"/api/jobs/{segment(task_id, 'job')}"]
        if own is not None:
            paths = [own if "?" in own or "/executions/" not in own else f"{own}?includeOutput=true"]
        elif workflow_id is not None:
            execution = segment(execution_id or task_id, "execution_id")
            paths.append(
                f"/api/workflows/{segment(workflow_id, 'workflow_id')}/executions/{execution}?includeOutput=true"
            )
        return Target(task_id, tuple(paths), workflow_id, execution_id, "v1")

    def fetch(self, target: Target, *, timeout: Timeout, whole: bool = False) -> Flow[tuple[Job, Response]]:
        """The state of a background execution, and the response that carried it.

        Only the route of an execution cuts texts.
        """
        from simstudio.models.cut_texts import find_cut_texts
        from simstudio.models.jobs import parse_job
        from simstudio.resources.whole_output import read_whole

        first, *others = target.paths
        try:
            response = yield from self._get(first, timeout=timeout)
        except NotFoundError as unknown:
            if not others:
                raise
            try:
                response = yield from self._get(others[0], timeout=timeout)
            except NotFoundError:
                raise unknown from None  # the server has no such route: the first answer says what is missing
        data = response.json()
        truncated: tuple[str, ...] = ()
        if isinstance(data, dict) and data.get("finalOutput") is not None:
            output = data["finalOutput"]
            if whole:
                run_id = target.execution_id or target.task_id
                output, truncated = yield from read_whole(self, run_id, output, timeout=timeout)
            else:
                truncated = find_cut_texts(output)
            data = {**data, "finalOutput": output}
        job = parse_job(
            data,
            response=response,
            task_id=target.task_id,
            workflow_id=target.workflow_id,
            execution_id=target.execution_id,
            truncated=truncated,
        )
        return job, response

    def fetch_resumed(self, target: Target, *, timeout: Timeout, whole: bool = False) -> Flow[tuple[Job, Response]]:
        """The state of a run that was paused: its pauses, then the run. Its job shows the first pause for ever."""
        from simstudio.models.jobs import Job
        from simstudio.models.pauses import parse_paused_run
        from simstudio.resources.dialects.settling import fetch_unversioned_run

        workflow_id, run_id = str(target.workflow_id), str(target.execution_id)
        known = {"task_id": target.task_id, "execution_id": run_id, "workflow_id": workflow_id}
        pauses, response = yield from self._paused_run(workflow_id, run_id, timeout)
        if parse_paused_run(pauses).paused is not None:
            data = {"status": "paused", "paused": {"pausePoints": pauses.get("pausePoints")}}
            return structure(data, Job, response=response, overrides={**known, "api_version": "v1"}), response
        run = yield from fetch_unversioned_run(self, workflow_id, run_id, whole=whole, timeout=timeout)
        # The log may show the pause for a moment longer.
        status = "running" if run.data.get("status") == "paused" else run.data.get("status")
        given = {**known, "api_version": "v2", "status": status, "truncated": run.truncated}
        return structure(run.data, Job, response=run.response, overrides=given), run.response

    def job_as_documented(self, target: Target) -> Flow[dict[str, Any]]:
        """The state of a job in the documented words, so that the documented polling loop works on every server.

        v0.6 sends ``pending`` for ``queued`` and no ``metadata.duration``; v0.4 sends no ``error`` for a cancelled job.
        Missing keys that the loop reads are None.
        """
        response = yield from self._get(target.paths[0])
        job = response.json()
        if not isinstance(job, dict):
            raise InvalidResponseError(
                f"{response.method} {response.path} answered with no object.", status=response.status, response=response
            )
        status = job.get("status")
        if "output" in job:
            job["output"] = with_references(job["output"])
        if status == "pending":
            job["status"] = "queued"
        elif status == "completed":
            job.setdefault("output", None)
            metadata = job.setdefault("metadata", {})
            if isinstance(metadata, dict):
                metadata.setdefault("duration", None)
        elif status not in ("queued", "processing"):
            job.setdefault("error", None)
        return job

    def limits(self) -> Flow[UsageLimits]:
        """The account's limits and usage."""
        from simstudio.models.usage import UsageLimits

        response = yield from self._get("/api/users/me/usage-limits")
        return self._structure(response, UsageLimits)

    def _execution(
        self, workflow_id: str, payload: Payload, *, headers: Mapping[str, str] = _JSON, **options: Any
    ) -> Request:
        """The request of an execution; without a claim it is retried only if Sim refused it before anything ran."""
        request = self._request(
            "POST",
            f"/api/workflows/{segment(workflow_id, 'workflow_id')}/execute",
            content=payload.content,
            headers=headers,
            refused=is_refused_execution,
            **options,
        )
        request.observers = self.observers
        return request

    def _add_claim(self, request: Request, run_id: str | None, claiming: Claiming) -> Flow[None]:
        """Add an execution id to a request; let the request be retried under it if the server honours it.

        An id among the headers of the client is kept.

        Raises:
            ConfigurationError: The claim is required, and the server does not honour it.
        """
        if claiming == "none":
            return
        own = request.claim = claim(run_id or request.headers.get(HEADER))
        request.headers.put(own.header, own.id)
        if claiming == "required":
            budget = request.budget
            left = budget.remaining() if budget is not None else None
            if not (yield from probe(self, timeout=UNSET if left is None else max(left, SHORTEST))):
                raise no_claims(self)
        if run_id is not None or support(self):
            request.resend, request.refused = "claimed", may_send_again

    def _perform(
        self, workflow_id: str, request: Request, *, background: bool = False
    ) -> Flow[tuple[Response, WorkflowExecutionResult | AsyncExecutionResult | None]]:
        """Send an execution. If an earlier request claimed its id, read the run of that request.

        Returns:
            The response, and the result or the receipt of the earlier request; None if there was none.
        """
        own, repeats = request.claim, request.max_retries or 0
        while True:
            response = yield from self._send(request)
            if own is None:
                return response, None
            learn(self, own.id, response)
            if response.status != 409 or not is_conflict(response, own.id):
                return response, None
            from simstudio.resources.dialects.settling import UnversionedRun

            run = UnversionedRun(self, workflow_id, own, background)
            settled = yield from run.settle(request, renew=repeats > 0, until=run.found)
            if settled is not None:
                return settled.response, run.outcome(settled)
            repeats -= 1

    def _run_id(self, request: Request) -> str | None:
        """The execution id of a request; None if the server is not known to honour it."""
        own = request.claim
        return own.id if own is not None and (request.resend == "claimed" or support(self)) else None

    def _name_run(
        self, error: SimStudioError, run_id: str | None, workflow_id: str, *, background: bool = False
    ) -> None:
        """Add the execution id to an error, if there is one that the server honours."""
        if run_id is None:
            return
        from simstudio.resources.v2.execution import name_run

        job = f"client.jobs.get('{JOB_PREFIX}{run_id}')" if background else f"client.v1.logs.execution({run_id!r})"
        name_run(error, run_id, workflow_id, job=job)


def _is_queued(response: Response) -> bool:
    """Whether a resumed run has to wait until another of its pauses has been resumed."""
    if not response.ok:
        return False
    try:
        data = response.json()
    except InvalidResponseError:
        return False
    return isinstance(data, dict) and data.get("status") == "queued"


def _needs_v2(what: str, why: str) -> InvalidInputError:
    return InvalidInputError(f'{what} needs api_version="v2": {why}.')
