"""``client.workflows``: run a workflow, in every way Sim offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from simstudio.core.context import Context
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_timeout
from simstudio.errors import APIStatusError, InvalidInputError
from simstudio.models.execution import AsyncExecutionResult, CancelResult, WorkflowExecutionResult
from simstudio.resources.dialects import Dialects
from simstudio.resources.dialects.base import StreamOptions
from simstudio.resources.jobs import Jobs
from simstudio.resources.streams import streaming
from simstudio.resources.workflow_batches import WorkflowBatches
from simstudio.resources.workflow_pauses import WorkflowPauses
from simstudio.transport.flow import Flow
from simstudio.transport.message import MAX_EVENT_SIZE

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.models.events import StreamEvent
    from simstudio.models.jobs import Job
    from simstudio.models.workflows import WorkflowStatus
    from simstudio.resources.streams import OpenedStream

Timeout: TypeAlias = float | Unset | None


class Workflows(WorkflowPauses[M], WorkflowBatches[M]):
    """Run workflows, and ask whether they can be run.

    In each, ``input`` is what the workflow gets: a mapping is sent flat, any other value as ``{"input": value}``. Files
    (``pathlib.Path``, files opened in binary mode, :class:`simstudio.File`) may lie anywhere in it.
    """

    def __init__(self, context: Context, name: str, jobs: Jobs[M], dialects: Dialects[M]) -> None:
        super().__init__(context, name)
        self._jobs: Jobs[M] = jobs
        self._dialects: Dialects[M] = dialects

    @operation
    def execute(
        self,
        workflow_id: str,
        input: Any = None,
        *,
        timeout: Timeout = UNSET,
        selected_outputs: Sequence[str] | None = None,
    ) -> Flow[WorkflowExecutionResult]:
        """Run a workflow and wait for its result.

        A run that may have begun is never begun again. v1 has no idempotency key, so nothing is re-sent there; v2's
        request carries an id under which it runs at most once. A client that stops waiting does not stop the run
        (NOTES 1). For runs of minutes use :meth:`run`.

        Args:
            workflow_id: The workflow's id.
            input: What it gets.
            timeout: Seconds for the whole call, None for no end; the client's where it is not given. In v2 the server
                is asked for heartbeats when it is over 30 s, so that no proxy cuts the connection.
            selected_outputs: v2 only, up to 100 of ``blockName.path``: ``result.block_outputs`` has their values.

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
        return (
            yield from self._dialects.own.execute(
                workflow_id, input, timeout=timeout, selected_outputs=selected_outputs
            )
        )

    @operation
    def submit(
        self,
        workflow_id: str,
        input: Any = None,
        *,
        timeout: Timeout = UNSET,
        execution_timeout: int | None = None,
    ) -> Flow[AsyncExecutionResult]:
        """Queue a workflow to run in the background, and come back at once.

        Args:
            workflow_id: The workflow's id.
            input: What it gets. In v1 files reach it as raw data (NOTES 3), with a warning.
            timeout: Seconds for the call, None for no end; the client's where it is not given.
            execution_timeout: v2 only: seconds the run may take, 1 to 604800; the plan's limit stays.

        Returns:
            The receipt, for ``client.jobs.get`` and ``client.jobs.wait``.

        Raises:
            SimStudioError: As :meth:`execute`; nothing is known of the run itself yet.

        Example:
            >>> job = client.jobs.wait(client.workflows.submit("wf"))  # doctest: +SKIP
        """
        return (yield from self._submit(workflow_id, input, timeout, execution_timeout))

    @operation
    def run(
        self,
        workflow_id: str,
        input: Any = None,
        *,
        timeout: float | None = 3600.0,
        on_progress: Callable[[Job], Any] | None = None,
        poll_interval: float | None = None,
        execution_timeout: int | None = None,
    ) -> Flow[WorkflowExecutionResult]:
        """Queue a workflow, wait until it is done, and give its result: for runs longer than a connection lives.

        Args:
            workflow_id: The workflow's id.
            input: What it gets.
            timeout: Seconds to wait, None for ever.
            on_progress: Called with the :class:`~simstudio.Job` at each poll; may be async on the async client.
            poll_interval: Seconds between polls, in place of growing ones (0.5 s to 10 s).
            execution_timeout: v2 only: seconds the run may take, 1 to 604800.

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
        queued = yield from self._submit(workflow_id, input, UNSET, execution_timeout)
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
        include_thinking: bool = False,
        include_tool_calls: bool = False,
    ) -> Flow[OpenedStream[StreamEvent]]:
        """Run a workflow and get its text as it comes.

        Args:
            workflow_id: The workflow's id.
            input: What it gets.
            selected_outputs: Which blocks' outputs to stream, as ``blockName.path``. Without it no text is streamed,
                and only the final event comes (recording 311).
            idle_timeout: Seconds of silence that are borne, None for any. Sim sends no heartbeats: minutes are normal.
            max_event_size: Bytes that one event may have.
            include_thinking: v2 only: :class:`~simstudio.ThinkingEvent` too.
            include_tool_calls: v2 only: :class:`~simstudio.ToolEvent` too.

        Returns:
            An iterator of events that is a context manager too; on the async client, await it or use ``async with``.

        Raises:
            SimStudioError: As :meth:`execute` before the stream begins; iterating raises what
                :meth:`Stream.__next__ <simstudio.Stream.__next__>` says.

        Example:
            >>> with client.workflows.stream("wf", selected_outputs=["agent1.content"]) as s:  # doctest: +SKIP
            ...     print("".join(s.text()))
        """
        if isinstance(max_event_size, bool) or not isinstance(max_event_size, int) or max_event_size <= 0:
            raise InvalidInputError(f"max_event_size must be a number of bytes above 0, not {max_event_size!r}.")
        options = StreamOptions(selected_outputs, idle_timeout, max_event_size, include_thinking, include_tool_calls)
        return (yield from self._dialects.own.stream(workflow_id, input, options))

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
        return (yield from self._dialects.own.status(workflow_id))

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
            status = yield from self._dialects.own.status(workflow_id)
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
        result = yield from self._dialects.own.cancel(workflow_id, execution_id)
        if result.success:
            self._jobs.remember_cancelled(execution_id)
        return result

    def _submit(
        self, workflow_id: str, data: Any, timeout: Timeout, execution_timeout: int | None, **options: Any
    ) -> Flow[AsyncExecutionResult]:
        queued = yield from self._dialects.own.submit(
            workflow_id, data, timeout=timeout, execution_timeout=execution_timeout, **options
        )
        self._jobs.remember(queued)
        return queued
