"""``client.workflows``: run a workflow, in every way Sim offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simstudio.config import UNSET, Unset, check_timeout
from simstudio.errors import APIStatusError, InvalidInputError
from simstudio.models.events import FinalEvent, StreamEvent
from simstudio.models.execution import AsyncExecutionResult, CancelResult, WorkflowExecutionResult
from simstudio.models.jobs import Job
from simstudio.models.workflows import WorkflowStatus
from simstudio.resources.base import APIResource, Context
from simstudio.resources.execution import execution_result, refused_before_running, submission
from simstudio.resources.failures import conceal_error
from simstudio.resources.jobs import Jobs
from simstudio.resources.modes import M
from simstudio.resources.operation import operation, streaming
from simstudio.resources.payload import Payload, encode_input
from simstudio.streaming import ExecutionEvents, OpenedStream
from simstudio.transport.endpoint import segment
from simstudio.transport.flow import Flow, FromBody
from simstudio.transport.message import Request
from simstudio.transport.sse import MAX_EVENT_SIZE

if TYPE_CHECKING:
    from typing import TypeAlias

Timeout: TypeAlias = float | Unset | None

_JSON = {"Content-Type": "application/json"}
_BACKGROUND = {**_JSON, "X-Execution-Mode": "async"}


class Workflows(APIResource[M]):
    """Run workflows, and ask whether they can be run.

    In each, ``input`` is what the workflow gets: a mapping is sent flat, any other value as ``{"input": value}``. Files
    (``pathlib.Path``, files opened in binary mode, :class:`simstudio.File`) may lie anywhere in it.
    """

    def __init__(self, context: Context, name: str, jobs: Jobs[M]) -> None:
        super().__init__(context, name)
        self._jobs: Jobs[M] = jobs

    @operation
    def execute(
        self, workflow_id: str, input: Any = None, *, timeout: Timeout = UNSET
    ) -> Flow[WorkflowExecutionResult]:
        """Run a workflow and wait for its result.

        A run that may have begun is never sent again: Sim has no idempotency key, and a client that stops waiting does
        not stop the run (NOTES 1). For runs of minutes use :meth:`run`.

        Args:
            workflow_id: The workflow's id.
            input: What it gets.
            timeout: Seconds for the whole call, None for no end; the client's where it is not given.

        Returns:
            The result. ``output`` is the last block's output, or the body a Response block sends.

        Raises:
            ExecutionError: The workflow failed (on v0.4 that is a result with ``success=False`` instead).
            APITimeoutError: No answer in time; the run goes on.
            RateLimitError: Refused, and again after the retries.
            APIStatusError: Any other error status, a Response block's own among them (``error.response.content``).
            APIConnectionError: No answer at all.
            InvalidInputError: The input cannot be sent.

        Example:
            >>> client.workflows.execute("wf", {"name": "Ada"}).output  # doctest: +SKIP
            {'greeting': 'Hello, Ada!'}
        """
        return (yield from self._execute(workflow_id, input, timeout=timeout))

    @operation
    def submit(self, workflow_id: str, input: Any = None, *, timeout: Timeout = UNSET) -> Flow[AsyncExecutionResult]:
        """Queue a workflow to run in the background, and come back at once.

        Args:
            workflow_id: The workflow's id.
            input: What it gets. Files reach it as raw data (NOTES 3), with a warning.
            timeout: Seconds for the call, None for no end; the client's where it is not given.

        Returns:
            The receipt, for ``client.jobs.get`` and ``client.jobs.wait``.

        Raises:
            SimStudioError: As :meth:`execute`; nothing is known of the run itself yet.

        Example:
            >>> job = client.jobs.wait(client.workflows.submit("wf"))  # doctest: +SKIP
        """
        return (yield from self._submit(workflow_id, input, timeout=timeout))

    @operation
    def run(
        self,
        workflow_id: str,
        input: Any = None,
        *,
        timeout: float | None = 3600.0,
        on_progress: Callable[[Job], Any] | None = None,
        poll_interval: float | None = None,
    ) -> Flow[WorkflowExecutionResult]:
        """Queue a workflow, wait until it is done, and give its result: for runs longer than a connection lives.

        Args:
            workflow_id: The workflow's id.
            input: What it gets.
            timeout: Seconds to wait, None for ever.
            on_progress: Called with the :class:`~simstudio.Job` at each poll; may be async on the async client.
            poll_interval: Seconds between polls, in place of growing ones (0.5 s to 10 s).

        Returns:
            The result, as :meth:`execute` gives it; of a paused run with ``paused`` set.

        Raises:
            JobFailedError: The run failed (:class:`~simstudio.JobCancelledError` when it was cancelled).
            JobTimeoutError: It was not done in time; it goes on, and ``error.job`` can be waited for again.
            SimStudioError: As :meth:`submit`; ``error.task_id`` is the run once it was queued.

        Example:
            >>> client.workflows.run("wf", on_progress=lambda job: print(job.status)).output  # doctest: +SKIP
        """
        check_timeout(timeout)
        check_timeout(poll_interval, "poll_interval")
        queued = yield from self._submit(workflow_id, input, timeout=UNSET)
        job = yield from self._jobs._wait(
            self._jobs._target(queued, None), timeout=timeout, on_progress=on_progress, poll_interval=poll_interval
        )
        return job.result

    @streaming
    def stream(
        self,
        workflow_id: str,
        input: Any = None,
        *,
        selected_outputs: Sequence[str] | None = None,
        idle_timeout: float | None = 300.0,
        max_event_size: int = MAX_EVENT_SIZE,
    ) -> Flow[OpenedStream[StreamEvent]]:
        """Run a workflow and get its text as it comes.

        Args:
            workflow_id: The workflow's id.
            input: What it gets.
            selected_outputs: Which blocks' outputs to stream, as ``blockName.path``. Without it no text is streamed,
                and only the final event comes (recording 311).
            idle_timeout: Seconds of silence that are borne, None for any. Sim sends no heartbeats: minutes are normal.
            max_event_size: Bytes that one event may have.

        Returns:
            An iterator of events that is a context manager too; on the async client, await it or use ``async with``.

        Raises:
            SimStudioError: As :meth:`execute` before the stream begins; iterating raises what
                :meth:`Stream.__next__ <simstudio.Stream.__next__>` says.

        Example:
            >>> with client.workflows.stream("wf", selected_outputs=["agent1.content"]) as s:  # doctest: +SKIP
            ...     print("".join(s.text()))
        """
        return (
            yield from self._stream(
                workflow_id,
                input,
                selected_outputs=selected_outputs,
                idle_timeout=idle_timeout,
                max_event_size=max_event_size,
            )
        )

    @operation
    def status(self, workflow_id: str) -> Flow[WorkflowStatus]:
        """Ask whether a workflow is deployed.

        Args:
            workflow_id: The workflow's id.

        Returns:
            Its status.

        Raises:
            NotFoundError: There is none of that id.
            SimStudioError: Any other failure.

        Example:
            >>> client.workflows.status("wf").is_deployed  # doctest: +SKIP
            True
        """
        return (yield from self._status(workflow_id))

    @operation
    def validate(self, workflow_id: str) -> Flow[bool]:
        """Ask whether a workflow is ready to be executed.

        Args:
            workflow_id: The workflow's id.

        Returns:
            Whether it is deployed; False too when the server answers with an error status (unknown, not allowed).

        Raises:
            APIConnectionError: No answer: that says nothing of the workflow.

        Example:
            >>> client.workflows.validate("wf")  # doctest: +SKIP
            True
        """
        try:
            status = yield from self._status(workflow_id)
        except APIStatusError:
            return False
        return status.is_deployed

    @operation
    def cancel(self, workflow_id: str, execution_id: str) -> Flow[CancelResult]:
        """Ask the server to stop an execution.

        Args:
            workflow_id: The workflow's id.
            execution_id: The execution's: ``submit(...).execution_id``, not the job's id.

        Returns:
            What came of it. Look at ``success``: a server without Redis answers 200 and goes on (recording 345).

        Raises:
            NotFoundError: No such workflow. (An unknown execution is a success, recording 087.)

        Example:
            >>> client.workflows.cancel("wf", queued.execution_id).success  # doctest: +SKIP
            True
        """
        workflow, execution = segment(workflow_id, "workflow_id"), segment(execution_id, "execution_id")
        response = yield from self._post(f"/api/workflows/{workflow}/executions/{execution}/cancel")
        result = self._structure(response, CancelResult)
        if result.success:
            self._jobs.remember_cancelled(execution_id)
        return result

    def _execute(
        self, workflow_id: str, data: Any, *, timeout: Timeout, max_retries: int | None = None
    ) -> Flow[WorkflowExecutionResult]:
        payload = encode_input(data)
        payload.warn(background=False)
        request = self._execution(workflow_id, payload, timeout=timeout, max_retries=max_retries)
        response = yield from self._send(request)
        return execution_result(response, self._context.session.credentials)

    def _submit(
        self, workflow_id: str, data: Any, *, timeout: Timeout, max_retries: int | None = None
    ) -> Flow[AsyncExecutionResult]:
        payload = encode_input(data)
        payload.warn(background=True)
        request = self._execution(workflow_id, payload, headers=_BACKGROUND, timeout=timeout, max_retries=max_retries)
        response = yield from self._call(request)
        return submission(response, workflow_id, self._context.session.endpoint.prefix)

    def _execution(
        self, workflow_id: str, payload: Payload, *, headers: Mapping[str, str] = _JSON, **options: Any
    ) -> Request:
        """The request of an execution: never sent twice, unless Sim itself refused it before anything ran."""
        return self._request(
            "POST",
            f"/api/workflows/{segment(workflow_id, 'workflow_id')}/execute",
            content=payload.content,
            headers=headers,
            refused=refused_before_running,
            **options,
        )

    def _stream(
        self,
        workflow_id: str,
        data: Any,
        *,
        selected_outputs: Sequence[str] | None,
        idle_timeout: float | None,
        max_event_size: int = MAX_EVENT_SIZE,
        max_retries: int | None = None,
    ) -> Flow[OpenedStream[StreamEvent]]:
        control: dict[str, Any] = {"stream": True}
        if selected_outputs is not None:
            control["selectedOutputs"] = _selectors(selected_outputs)
        if isinstance(max_event_size, bool) or not isinstance(max_event_size, int) or max_event_size <= 0:
            raise InvalidInputError(f"max_event_size must be a number of bytes above 0, not {max_event_size!r}.")
        payload = encode_input(data, control)
        payload.warn(background=False)
        request = self._execution(workflow_id, payload, idle_timeout=idle_timeout, max_retries=max_retries)
        response = yield from self._send(request)
        where = f"{request.method} {request.path}"
        credentials = self._context.session.credentials
        core = ExecutionEvents(
            where,
            max_event_size=max_event_size,
            conceal=lambda error: conceal_error(error, credentials),
        )
        if response.body is None:  # an error status: read already
            execution_result(response, self._context.session.credentials)
            raise self._error(response)
        if "text/event-stream" not in response.headers.get("content-type", "").lower():
            yield FromBody(response.body, "read")
            core.complete(_final_of(execution_result(response, self._context.session.credentials)))
        return OpenedStream(response, core)

    def _status(self, workflow_id: str) -> Flow[WorkflowStatus]:
        response = yield from self._get(f"/api/workflows/{segment(workflow_id, 'workflow_id')}/status")
        return self._structure(response, WorkflowStatus)


def _final_of(result: WorkflowExecutionResult) -> FinalEvent:
    """The end of a stream that was no stream: the server answered with the whole result at once."""
    return FinalEvent(result.success, result.output, result.error, result.status, result.metadata)


def _selectors(selected_outputs: Sequence[str]) -> list[str]:
    wrong = isinstance(selected_outputs, (str, Mapping)) or not isinstance(selected_outputs, Iterable)
    chosen = [] if wrong else list(selected_outputs)
    if wrong or not all(isinstance(item, str) for item in chosen):
        raise InvalidInputError(
            'selected_outputs must be a list of "blockName.path" texts, such as ["agent1.content"], '
            f"not {selected_outputs!r}."
        )
    return chosen
