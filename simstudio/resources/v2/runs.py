"""``client.v2.runs``: executions, and the runs they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict

from simstudio.core.conversion import require, structure
from simstudio.core.downloads import Download
from simstudio.core.endpoint import Sender, endpoint, found, paged
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_timeout
from simstudio.core.paging import Pages
from simstudio.core.polling import TRANSIENT_ERRORS, Poller
from simstudio.core.resource import APIResource
from simstudio.core.routes import between, items
from simstudio.errors import APITimeoutError, InvalidInputError, NotFoundError
from simstudio.models.events import StreamEvent
from simstudio.models.v2.runs import Run, RunCancellation, RunReceipt, RunResult, RunSummary
from simstudio.resources.dialects.base import StreamOptions
from simstudio.resources.dialects.v2 import V2Dialect
from simstudio.resources.payload import encode_nested
from simstudio.resources.streams import OpenedStream, streaming
from simstudio.resources.v2.execution import NDJSON, Execution, Ran, claim, ran_in, read_run, refused_to_resume
from simstudio.transport.flow import Flow
from simstudio.transport.message import MAX_EVENT_SIZE

Timeout = float | Unset | None


class TriggerEntry(TypedDict, total=False):
    """Where a manual run begins: at a trigger."""

    type: Literal["trigger"]
    blockId: str
    useMockPayload: bool


class BlockEntry(TypedDict):
    """Where a manual run begins: at a block, with the state of an earlier run."""

    type: Literal["block"]
    blockId: str
    sourceRunId: str


class ManualRun(TypedDict, total=False):
    """What is run: ``{"source": "deployment"}`` (the default), or the draft (``{"source": "manual", …}``)."""

    source: Literal["deployment", "manual"]
    entry: TriggerEntry | BlockEntry
    stopAfterBlockId: str


class Runs(APIResource[M]):
    """Executions and runs of a workflow.

    ``client.workflows`` and ``client.jobs`` say the same in the words of both API versions; here is all that v2 offers.
    """

    @endpoint(
        "POST",
        "/api/v2/workflows/{workflowId}/execute",
        "executeWorkflowV2",
        resend="claimed",
        headers={
            "run_id": "x-run-id",
            "sim_via": "x-sim-via",
            "accept": "accept",
            "stream_protocol": "x-sim-stream-protocol",
        },
        local=("timeout",),
        limits={
            "execution_timeout_seconds": between(1, 604800),
            "selected_outputs": items(0, 100),
            "base64_max_bytes": between(1, 16777216),
        },
    )
    def execute(
        self,
        send: Sender,
        workflow_id: str,
        *,
        input: Mapping[str, Any] | Unset = UNSET,
        run: ManualRun | Mapping[str, Any] | Unset = UNSET,
        async_: bool | Unset = UNSET,
        execution_timeout_seconds: int | Unset = UNSET,
        stream: bool | Unset = UNSET,
        selected_outputs: Sequence[str] | Unset = UNSET,
        include_thinking: bool | Unset = UNSET,
        include_tool_calls: bool | Unset = UNSET,
        include_file_base64: bool | Unset = UNSET,
        base64_max_bytes: int | Unset = UNSET,
        run_id: str | None = None,
        sim_via: str | None = None,
        accept: Literal["application/json", "application/x-ndjson"] | None = None,
        stream_protocol: str | None = None,
        timeout: float | Unset | None = UNSET,
    ) -> Flow[RunResult | RunReceipt]:
        """Run a workflow.

        It may be sent several times, and runs at most once: the request carries a run id. Where a run of that id is
        there already, its result is given.

        Args:
            workflow_id: The workflow.
            input: What it gets, files included (see :mod:`simstudio.core.files`).
            run: Of the draft instead of the deployment: ``{"source": "manual", "entry"?, "stopAfterBlockId"?}``.
            async_: Queue it and come back at once. Excludes the options of streams and files, and manual runs.
            execution_timeout_seconds: With ``async_``: seconds the run may take, 1 to 604800; the plan's limit stays.
            stream: Stream it, and give the result at its end; :meth:`stream` gives the events.
            selected_outputs: Up to 100 of ``blockName.path``; ``result.block_outputs`` has their values.
            include_thinking: Of a stream: models' reasoning.
            include_tool_calls: Of a stream: models' tool calls.
            include_file_base64: Whether files in the output carry their bytes.
            base64_max_bytes: Up to how many bytes, 1 to 16777216.
            run_id: The id to claim, which a refusal may use up (``RateLimitError``); a new one where it is not given.
            sim_via: For relays: the ids of the workflows that called, joined by commas.
            accept: ``application/x-ndjson`` asks for heartbeats, so that no proxy cuts a long wait. Asked for by itself
                where the call may take over 30 s.
            stream_protocol: Of a stream: ``agent-events-v1`` for thinking and tool events, which is sent by itself.
            timeout: Seconds for the whole call, None for no end; the client's where it is not given.

        Returns:
            The result, a failed run's too (``status`` decides); with ``async_`` the receipt.

        Raises:
            ConflictError: A call chain is too deep.
            APITimeoutError: No answer in time; the run goes on (``error.run_id``).
            SimStudioError: Any other failure (``error.run_id``).

        Example:
            >>> client.v2.runs.execute("wf", input={"name": "Ada"}).status  # doctest: +SKIP
            'completed'
        """
        headers = dict(send.headers)
        claimed = claim(headers.pop("x-run-id", None))
        wanted = headers.pop("accept", None)
        body = dict(send.body or {})
        agent = body.get("includeThinking") is True or body.get("includeToolCalls") is True
        if body.get("stream") is True and agent:
            headers.setdefault("x-sim-stream-protocol", "agent-events-v1")
        data = body.pop("input", None)
        execution = Execution(self, workflow_id, claimed, encode_nested(data, body).content, headers)
        if body.get("async") is True:
            return _queued(execution, timeout)
        if body.get("stream") is True:
            return _streamed(self, execution, timeout)
        return _waited(execution, timeout, None if wanted is None else wanted == NDJSON)

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
        """Run a workflow and get its text as it comes; ``client.workflows.stream`` in v2.

        Args:
            workflow_id: The workflow.
            input: What it gets.
            selected_outputs: Which blocks' outputs to stream, as ``blockName.path``.
            include_thinking: :class:`~simstudio.ThinkingEvent` too.
            include_tool_calls: :class:`~simstudio.ToolEvent` too.
            idle_timeout: Seconds of silence that are borne, None for any.
            max_event_size: Bytes that one event may have.

        Returns:
            An iterator of events that is a context manager too; on the async client, await it or use ``async with``.

        Raises:
            SimStudioError: The stream did not begin (``error.run_id``).

        Example:
            >>> with client.v2.runs.stream("wf", selected_outputs=["agent1.content"]) as s:  # doctest: +SKIP
            ...     print("".join(s.text()))
        """
        options = StreamOptions(selected_outputs, idle_timeout, max_event_size, include_thinking, include_tool_calls)
        dialect: V2Dialect[M] = V2Dialect(self._context, "")
        return (yield from dialect.stream(workflow_id, input, options))

    @paged("GET", "/api/v2/workflows/{workflowId}/runs", "listWorkflowRunsV2", limits={"limit": between(1, 100)})
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
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Pages[RunSummary]:
        """List the runs of a workflow, newest first.

        Args:
            workflow_id: The workflow.
            status: Only these.
            trigger: Only those begun by this: ``api``, ``manual``, ``schedule`` …
            start_date: Begun not before; a ``datetime`` with a time zone, or ISO 8601 in UTC with ``Z``.
            end_date: Begun not after.
            order: ``desc`` (newest first) or ``asc``.
            limit: Runs a page, 1 to 100; 50 where it is not given.
            cursor: Where to go on: ``next_cursor`` of an earlier page with the same filters.

        Returns:
            The runs, over all pages.

        Raises:
            NotFoundError: No such workflow.
            SimStudioError: Any other failure.

        Example:
            >>> for run in client.v2.runs.list("wf", status="failed"):  # doctest: +SKIP
            ...     print(run.run_id, run.started_at)
        """
        return send.pages(RunSummary)

    @endpoint(
        "GET",
        "/api/v2/workflows/{workflowId}/runs/{runId}",
        "getWorkflowRunV2",
        limits={"base64_max_bytes": between(1, 16777216)},
    )
    def get(
        self,
        send: Sender,
        workflow_id: str,
        run_id: str,
        *,
        include_output: bool | None = None,
        selected_outputs: Sequence[str] | None = None,
        include_file_base64: bool | None = None,
        base64_max_bytes: int | None = None,
    ) -> Flow[Run]:
        """Retrieve one run.

        Args:
            workflow_id: The workflow.
            run_id: The run.
            include_output: With its output and files.
            selected_outputs: Block ids, or ``id.path``; ``run.block_outputs`` has their values. (Here ids only, where
                ``execute`` takes names.)
            include_file_base64: With ``include_output``: files carry their bytes. Over 16 MiB the server answers 413.
            base64_max_bytes: Up to how many bytes, 1 to 16777216.

        Returns:
            The run; while it waits for a human, ``run.paused`` says what it asks.

        Raises:
            NotFoundError: No such run; for a moment also of one that was just begun.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.runs.get("wf", run_id, include_output=True).output  # doctest: +SKIP
        """
        return _run(send)

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
        """Wait until a run is over or waits for a human, asking at growing intervals (0.5 s to 10 s).

        Args:
            workflow_id: The workflow.
            run_id: The run.
            timeout: Seconds to wait, None for ever.
            on_progress: Called with the run at each poll; may be async on the async client.
            poll_interval: Seconds between polls, in place of growing ones.

        Returns:
            The run with its output, a failed one too: look at ``status``.

        Raises:
            APITimeoutError: It was not over in time; it goes on.
            SimStudioError: It could not be asked for.

        Example:
            >>> client.v2.runs.wait("wf", run_id, timeout=60).status  # doctest: +SKIP
        """
        check_timeout(timeout)
        pause = check_timeout(poll_interval, "poll_interval")
        poller = Poller(transient=(*TRANSIENT_ERRORS, NotFoundError)).with_interval(pause)
        if on_progress is not None and not callable(on_progress):
            raise InvalidInputError(f"on_progress must be a function of the run, not {on_progress!r}.")

        def ask(seconds: float | None) -> Flow[Run]:
            longest = self._context.options.timeout
            shorter = seconds is not None and (longest is None or seconds < longest)
            options = {"timeout": seconds} if shorter else {}
            ran = yield from read_run(self, workflow_id, run_id, **options)
            run = structure(ran.data, Run, response=ran.response)
            require(run, ran.response, status=str)
            return run

        def expired(last: Run | None) -> APITimeoutError:
            state = f"last seen {last.status!r}" if last is not None else "never seen"
            error = APITimeoutError(f"The run {run_id} was not over within {timeout:g} s ({state}). It goes on.")
            error.run_id = run_id
            return error

        return (
            yield from poller.wait(
                ask, done=lambda run: run.done, expired=expired, timeout=timeout, on_progress=on_progress
            )
        )

    @endpoint("POST", "/api/v2/workflows/{workflowId}/runs/{runId}/cancel", "cancelRunV2", resend="claimed")
    def cancel(self, send: Sender, workflow_id: str, run_id: str) -> Flow[RunCancellation]:
        """Ask the server to stop a run. Cancelling twice is cancelling once, so it is sent again where that may help.

        Args:
            workflow_id: The workflow.
            run_id: The run.

        Returns:
            What came of it; of a run that was over, ``success`` is False and ``reason`` says so.

        Raises:
            NotFoundError: No such run.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.runs.cancel("wf", run_id).reason  # doctest: +SKIP
        """
        return send.one(RunCancellation)

    @endpoint("POST", "/api/v2/workflows/{workflowId}/runs/{runId}/resume", "resumeWorkflowRunV2", local=("timeout",))
    def resume(
        self,
        send: Sender,
        workflow_id: str,
        run_id: str,
        *,
        context_id: str,
        input: Any = UNSET,
        timeout: float | Unset | None = UNSET,
    ) -> Flow[RunResult | RunReceipt]:
        """Answer a run that waits for a human; it goes on under a new id.

        Args:
            workflow_id: The workflow.
            run_id: The paused run.
            context_id: Which of its pauses: ``run.paused.context_id``.
            input: The answer: the fields of ``run.paused.input_fields`` by name.
            timeout: Seconds for the whole call, None for no end; the client's where it is not given.

        Returns:
            The result of the run that goes on; the receipt, when it was queued.

        Raises:
            ConflictError: The pause does not wait any more.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.runs.resume("wf", run_id, context_id=context_id, input={"approved": True})  # doctest: +SKIP
        """
        return _resumed(send, timeout)

    @endpoint("GET", "/api/v2/workflows/{workflowId}/runs/{runId}/files/{fileId}", "downloadWorkflowRunFileV2")
    def download_file(self, send: Sender, workflow_id: str, run_id: str, file_id: str) -> Flow[Download]:
        """Download a file that a run made: the only way to its bytes with an API key.

        Args:
            workflow_id: The workflow.
            run_id: The run.
            file_id: One of ``run.files``.

        Returns:
            The file.

        Raises:
            NotFoundError: No such file, or it is too old.
            SimStudioError: Any other failure.

        Example:
            >>> client.v2.runs.download_file("wf", run_id, run.files[0].id).save(".")  # doctest: +SKIP
        """
        return send.download()


def _result(ran: Ran) -> RunResult:
    return structure(ran.data, RunResult, response=ran.response)


def _waited(execution: Execution, timeout: Timeout, heartbeats: bool | None) -> Flow[RunResult]:  # noqa: FBT001
    return _result((yield from execution.now(heartbeats=heartbeats, timeout=timeout)))


def _queued(execution: Execution, timeout: Timeout) -> Flow[RunReceipt]:
    response = yield from execution.queued(timeout=timeout)
    if response is None:
        return RunReceipt(execution.run_id)
    return structure(found(response, ("data",)), RunReceipt, response=response, known={"run_id": execution.run_id})


def _streamed(resource: Runs[Any], execution: Execution, timeout: Timeout) -> Flow[RunResult]:
    dialect: V2Dialect[Any] = V2Dialect(resource._context, "")
    idle = resource._context.options.timeout if isinstance(timeout, Unset) else timeout
    opened = yield from dialect.open_stream(execution, StreamOptions(idle_timeout=idle))
    result = yield from opened.read()
    status = result.status or ("completed" if result.success else "failed")
    return RunResult(execution.run_id, execution.workflow_id, status, result.output)


def _run(send: Sender) -> Flow[Run]:
    response = yield from send()
    return structure(ran_in(response).data, Run, response=response)


def _resumed(send: Sender, timeout: Timeout) -> Flow[RunResult | RunReceipt]:
    response = yield from send(refused=refused_to_resume, timeout=timeout)
    ran = ran_in(response)
    return _result(ran) if "status" in ran.data else structure(ran.data, RunReceipt, response=response)
