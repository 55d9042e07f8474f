"""``client.v2.runs``: executions and their runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from simstudio.core.conversion import structure
from simstudio.core.downloads import Download
from simstudio.core.endpoint import Sender, endpoint, extract, paged
from simstudio.core.functions import with_hints
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_interval, check_timeout
from simstudio.core.paging import Pages
from simstudio.core.parameters import between, header, items, local
from simstudio.core.resource import APIResource
from simstudio.models.cut_texts import find_cut_texts
from simstudio.models.events import StreamEvent
from simstudio.models.v2.runs import Run, RunCancellation, RunReceipt, RunResult, RunSummary
from simstudio.resources.dialects.stream_options import StreamOptions
from simstudio.resources.parameters import PageLimit, SaveTo
from simstudio.resources.payload import encode_nested
from simstudio.resources.streaming import streaming
from simstudio.resources.streams import OpenedStream
from simstudio.resources.v2.execution import (
    NDJSON,
    Execution,
    claim,
    is_refusal,
)
from simstudio.resources.v2.run_responses import RunResponse, parse_run
from simstudio.transport.errors import InvalidInputError
from simstudio.transport.flow import Flow
from simstudio.transport.message import MAX_EVENT_SIZE

if TYPE_CHECKING:
    from simstudio.resources.v2.run_handle import RunHandle

Timeout = float | Unset | None


class TriggerEntry(TypedDict, total=False):
    """Start of a manual run: a trigger block."""

    type: Literal["trigger"]
    blockId: str
    useMockPayload: bool


class BlockEntry(TypedDict):
    """Start of a manual run: a block, with the state of an earlier run."""

    type: Literal["block"]
    blockId: str
    sourceRunId: str


class ManualRun(TypedDict, total=False):
    """The deployment (``{"source": "deployment"}``, the default) or the draft (``{"source": "manual", …}``)."""

    source: Literal["deployment", "manual"]
    entry: TriggerEntry | BlockEntry
    stopAfterBlockId: str


class Runs(APIResource[M]):
    """Executions of workflows and their runs, with every option of v2.

    ``client.workflows`` and ``client.jobs`` offer what both API versions have in common.
    """

    @endpoint("POST", "/api/v2/workflows/{workflowId}/execute", "executeWorkflowV2", resend="claimed")
    def execute(
        self,
        send: Sender,
        workflow_id: str,
        *,
        input: Mapping[str, Any] | Unset = UNSET,
        run: ManualRun | Mapping[str, Any] | Unset = UNSET,
        stream: bool | Unset = UNSET,
        selected_outputs: Annotated[Sequence[str] | Unset, items(0, 100)] = UNSET,
        include_thinking: bool | Unset = UNSET,
        include_tool_calls: bool | Unset = UNSET,
        include_file_base64: bool | Unset = UNSET,
        base64_max_bytes: Annotated[int | Unset, between(1, 16777216)] = UNSET,
        run_id: Annotated[str | None, header("x-run-id")] = None,
        sim_via: Annotated[str | None, header("x-sim-via")] = None,
        accept: Annotated[Literal["application/json", "application/x-ndjson"] | None, header("accept")] = None,
        stream_protocol: Annotated[str | None, header("x-sim-stream-protocol")] = None,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[RunResult]:
        """Run a workflow and wait for its end; :meth:`submit` queues it.

        The request carries a run id, under which the server runs at most once, and is retried under the same id. If a
        run with this id exists, its result is returned.

        Args:
            input: The workflow's input; may hold files (see :mod:`simstudio.core.files`).
            run: The deployment (default), or the draft: ``{"source": "manual", "entry"?, "stopAfterBlockId"?}``.
            stream: Stream the run and return the result at its end; :meth:`stream` yields the events.
            selected_outputs: Up to 100 outputs as ``blockName.path``; their values are in ``result.block_outputs``.
            include_thinking: With ``stream``: include the models' reasoning.
            include_tool_calls: With ``stream``: include the models' tool calls.
            include_file_base64: Include the content of files in the output, as base64.
            base64_max_bytes: Largest file to include, 1 to 16,777,216 bytes.
            run_id: Run id to claim; default: a new one. A refusal (``RateLimitError``) may use it up.
            sim_via: For relays: ids of the calling workflows, joined by commas.
            accept: ``application/x-ndjson`` asks for heartbeats, so that no proxy closes the connection; default if the
                call may take more than 30 s.
            stream_protocol: Set to ``agent-events-v1`` if a stream includes thinking or tool calls.
            timeout: Seconds for the whole call; None for no limit; default: the client's timeout.

        Returns:
            The result, also of a failed run (see ``status``).

        Raises:
            ConflictError: The chain of workflows that call each other is too deep.
            APITimeoutError: No response within ``timeout``; the run may continue (``error.run_id``).

        Example:
            >>> client.v2.runs.execute("wf", input={"name": "Ada"}).status  # doctest: +SKIP
            'completed'
        """
        body, accepted = send.body or {}, send.headers.get("accept")
        if body.get("stream") is not True:
            return _execute(_execution(send, workflow_id), timeout, None if accepted is None else accepted == NDJSON)
        if body.get("includeThinking") is True or body.get("includeToolCalls") is True:
            send.headers.setdefault("x-sim-stream-protocol", "agent-events-v1")
        return _read_stream(self, _execution(send, workflow_id), timeout)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/execute", "executeWorkflowV2", resend="claimed")
    def submit(
        self,
        send: Sender,
        workflow_id: str,
        *,
        input: Mapping[str, Any] | Unset = UNSET,
        execution_timeout_seconds: Annotated[int | Unset, between(1, 604800)] = UNSET,
        run_id: Annotated[str | None, header("x-run-id")] = None,
        sim_via: Annotated[str | None, header("x-sim-via")] = None,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[RunReceipt]:
        """Queue a run and return at once; :meth:`wait` waits for its end.

        The request carries a run id, under which the server runs at most once, and is retried under the same id. If a
        run with this id exists, its receipt is returned.

        Args:
            input: The workflow's input; may hold files (see :mod:`simstudio.core.files`).
            execution_timeout_seconds: Seconds that the run may take, 1 to 604,800, within the plan's limit.
            run_id: Run id to claim; default: a new one. A refusal (``RateLimitError``) may use it up.
            sim_via: For relays: ids of the calling workflows, joined by commas.
            timeout: Seconds for the call; None for no limit; default: the client's timeout.

        Raises:
            ConflictError: The chain of workflows that call each other is too deep.
            APITimeoutError: No response within ``timeout``; the run may have been queued (``error.run_id``).

        Example:
            >>> receipt = client.v2.runs.submit("wf", input={"name": "Ada"})  # doctest: +SKIP
            >>> client.v2.runs.wait("wf", receipt.run_id).status  # doctest: +SKIP
            'completed'
        """
        send.body = {**(send.body or {}), "async": True}
        return _queue(_execution(send, workflow_id), timeout)

    @streaming
    def stream(
        self,
        workflow_id: str,
        *,
        input: Mapping[str, Any] | None = None,
        selected_outputs: Sequence[str] | None = None,
        include_thinking: bool = False,
        include_tool_calls: bool = False,
        idle_timeout: float | None = 300.0,
        max_event_size: int = MAX_EVENT_SIZE,
    ) -> Flow[OpenedStream[StreamEvent]]:
        """Run a workflow and receive its text while it runs; ``client.workflows.stream`` with v2.

        Args:
            selected_outputs: Outputs to stream, as ``blockName.path``.
            include_thinking: Also yield :class:`~simstudio.ThinkingEvent`.
            include_tool_calls: Also yield :class:`~simstudio.ToolEvent`.
            idle_timeout: Longest time without an event, in seconds; None for no limit.
            max_event_size: Largest size of one event, in bytes.

        Returns:
            An iterator of events and context manager; on the async client, await it or use ``async with``.

        Raises:
            SimStudioError: The stream did not open (``error.run_id``).

        Example:
            >>> with client.v2.runs.stream("wf", selected_outputs=["agent1.content"]) as s:  # doctest: +SKIP
            ...     print("".join(s.text()))
        """
        from simstudio.resources.dialects.v2 import V2Dialect  # many modules, and few programs stream runs

        options = StreamOptions(selected_outputs, idle_timeout, max_event_size, include_thinking, include_tool_calls)
        dialect: V2Dialect[M] = V2Dialect(self._context, "")
        return (yield from dialect.stream(workflow_id, input, options))

    @paged("GET", "/api/v2/workflows/{workflowId}/runs", "listWorkflowRunsV2")
    def list(
        self,
        send: Sender,
        workflow_id: str,
        *,
        status: Literal["pending", "running", "completed", "failed", "cancelled", "paused"] | None = None,
        trigger: str | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        order: Literal["asc", "desc"] | None = None,
        limit: PageLimit | None = None,
        cursor: str | None = None,
    ) -> Pages[RunSummary]:
        """List the runs of a workflow, newest first.

        Args:
            trigger: Origin of the run: ``api``, ``manual``, ``schedule`` …
            start_date: Earliest start: a ``datetime`` with a time zone, or ISO 8601 in UTC with ``Z``.
            end_date: Latest start.
            order: ``desc`` (newest first) by default.
            limit: Runs per page, 1 to 100; default 50.
            cursor: ``next_cursor`` of an earlier page with the same filters.

        Raises:
            NotFoundError: No workflow has this id.

        Example:
            >>> for run in client.v2.runs.list("wf", status="failed"):  # doctest: +SKIP
            ...     print(run.run_id, run.started_at)
        """
        return send.pages(RunSummary)

    @endpoint("GET", "/api/v2/workflows/{workflowId}/runs/{runId}", "getWorkflowRunV2")
    def get(
        self,
        send: Sender,
        workflow_id: str,
        run_id: str,
        *,
        include_output: bool | None = None,
        selected_outputs: Sequence[str] | None = None,
        include_file_base64: bool | None = None,
        base64_max_bytes: Annotated[int | None, between(1, 16777216)] = None,
    ) -> Flow[Run]:
        """Retrieve one run.

        Args:
            include_output: Include output and files.
            selected_outputs: Block ids or ``id.path`` (:meth:`execute` takes block names); values are in
                ``run.block_outputs``.
            include_file_base64: With ``include_output``: include the content of files; above 16 MiB the server sends
                413.
            base64_max_bytes: Largest file to include, 1 to 16,777,216 bytes.

        Returns:
            The run; ``paused`` holds the question while it waits for a human.

        Raises:
            NotFoundError: No run has this id, or it was started just now.

        Example:
            >>> client.v2.runs.get("wf", run_id, include_output=True).output  # doctest: +SKIP
        """
        return _get(send)

    @operation
    def wait(
        self,
        workflow_id: str,
        run_id: str,
        *,
        timeout: float | None = 3600.0,
        on_progress: Callable[[Run], Any] | None = None,
        poll_interval: float | None = None,
    ) -> Flow[Run]:
        """Wait until a run is over or waits for a human, with polls at growing intervals (0.5 to 10 s).

        Texts that the server cut in the output are read in full if it still has them; else ``run.truncated`` has their
        paths, and a :class:`~simstudio.TruncatedOutputWarning` says so.

        Args:
            timeout: Seconds to wait; None for no limit.
            on_progress: Function called with the run after each poll; may be async on the async client.
            poll_interval: Seconds between polls, instead of growing intervals.

        Returns:
            The run with its output, also if it failed: see ``status``.

        Raises:
            APITimeoutError: The run was not over within ``timeout``; it continues.

        Example:
            >>> client.v2.runs.wait("wf", run_id, timeout=60).status  # doctest: +SKIP
        """
        from simstudio.resources.v2.run_handle import RunHandle  # few programs need it

        check_timeout(timeout)
        check_interval(poll_interval)
        if on_progress is not None and not callable(on_progress):
            raise InvalidInputError(f"on_progress must be a function of the run, not {on_progress!r}.")
        return (yield from RunHandle(self, workflow_id, run_id)._poll(timeout, on_progress, poll_interval))

    @with_hints
    def handle(self, workflow_id: str, run_id: str) -> RunHandle[M]:
        """A handle of a run. No request is sent.

        Example:
            >>> receipt = client.v2.runs.submit("wf", input={"name": "Ada"})  # doctest: +SKIP
            >>> client.v2.runs.handle("wf", receipt.run_id).result(timeout=60).output  # doctest: +SKIP
        """
        from simstudio.resources.v2.run_handle import RunHandle

        return RunHandle(self, workflow_id, run_id)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/runs/{runId}/cancel", "cancelRunV2", resend="claimed")
    def cancel(self, send: Sender, workflow_id: str, run_id: str) -> Flow[RunCancellation]:
        """Ask the server to stop a run; retried like a read, as cancelling twice has the same effect.

        Returns:
            ``success`` is False for a run that was over, with the ``reason``.

        Raises:
            NotFoundError: No run has this id.
        """
        return send.one(RunCancellation)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/runs/{runId}/resume", "resumeWorkflowRunV2")
    def resume(
        self,
        send: Sender,
        workflow_id: str,
        run_id: str,
        *,
        context_id: str,
        input: Any = UNSET,
        timeout: Annotated[float | Unset | None, local] = UNSET,
    ) -> Flow[RunResult | RunReceipt]:
        """Answer a pause of a run; the run continues.

        The server sends a new ``run_id``, which cannot be read: go on with the id of this call, as
        ``client.workflows.resume`` does.

        Args:
            context_id: The pause: ``run.paused.context_id``.
            input: Values by name for the fields in ``run.paused.input_fields``.
            timeout: Seconds for the whole call; None for no limit; default: the client's timeout.

        Returns:
            The result of the continued run; a receipt if it was queued.

        Raises:
            ConflictError: The pause is no longer waiting, or the run paused again after an answer, which servers since
                August 2026 cannot resume.

        Example:
            >>> client.v2.runs.resume("wf", run_id, context_id=context_id, input={"approved": True})  # doctest: +SKIP
        """
        return _resume(send, timeout)

    @endpoint("GET", "/api/v2/workflows/{workflowId}/runs/{runId}/files/{fileId}", "downloadWorkflowRunFileV2")
    def download_file(
        self, send: Sender, workflow_id: str, run_id: str, file_id: str, *, to: SaveTo = None
    ) -> Flow[Download]:
        """Download a file that a run has created.

        Args:
            file_id: ``id`` of an item of ``run.files``.
            to: A file that does not exist yet, or a directory, to save it to while it is received; nothing is replaced.
                Default: keep it in memory, up to the client's ``max_response_size``.

        Raises:
            NotFoundError: No file has this id, or it has expired.

        Example:
            >>> client.v2.runs.download_file("wf", run_id, run.files[0].id).save(".")  # doctest: +SKIP
        """
        return send.download(to)


def _execution(send: Sender, workflow_id: str) -> Execution:
    headers, body = dict(send.headers), dict(send.body or {})
    run_claim = claim(headers.pop("x-run-id", None))
    headers.pop("accept", None)
    data = body.pop("input", None)
    return Execution(send.resource, workflow_id, run_claim, encode_nested(data, body).content, headers)


def _result(run: RunResponse) -> RunResult:
    return structure(run.data, RunResult, response=run.response, overrides={"truncated": run.truncated})


def _execute(execution: Execution, timeout: Timeout, heartbeats: bool | None) -> Flow[RunResult]:  # noqa: FBT001
    return _result((yield from execution.run(heartbeats=heartbeats, timeout=timeout)))


def _queue(execution: Execution, timeout: Timeout) -> Flow[RunReceipt]:
    response = yield from execution.queue(timeout=timeout)
    if response is None:
        return RunReceipt(execution.run_id)
    return structure(
        extract(response, ("data",)), RunReceipt, response=response, fallbacks={"run_id": execution.run_id}
    )


def _read_stream(resource: Runs[Any], execution: Execution, timeout: Timeout) -> Flow[RunResult]:
    from simstudio.resources.dialects.v2 import V2Dialect

    dialect: V2Dialect[Any] = V2Dialect(resource._context, "")
    idle = resource._context.options.timeout if isinstance(timeout, Unset) else timeout
    opened = yield from dialect.open_stream(execution, StreamOptions(idle_timeout=idle))
    result = yield from opened.read()
    status = result.status or ("completed" if result.success else "failed")
    return RunResult(execution.run_id, execution.workflow_id, status, result.output, truncated=result.truncated)


def _get(send: Sender) -> Flow[Run]:
    response = yield from send()
    run = parse_run(response).data
    return structure(run, Run, response=response, overrides={"truncated": find_cut_texts(run.get("output"))})


def _resume(send: Sender, timeout: Timeout) -> Flow[RunResult | RunReceipt]:
    response = yield from send(refused=is_refusal, timeout=timeout)
    run = parse_run(response)
    return _result(run) if "status" in run.data else structure(run.data, RunReceipt, response=response)
