"""``client.workflows``: run workflows, and check whether they can be run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from simstudio.core.context import Context
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_interval, check_timeout
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.resources.claims import execution_of
from simstudio.resources.dialects import Dialects
from simstudio.resources.streaming import streaming
from simstudio.resources.workflow_batches import WorkflowBatches
from simstudio.resources.workflow_descriptions import WorkflowDescriptions
from simstudio.resources.workflow_pauses import WorkflowPauses
from simstudio.transport.errors import APIStatusError, InvalidInputError
from simstudio.transport.flow import Flow
from simstudio.transport.message import MAX_EVENT_SIZE

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.models.cancellation import CancelResult
    from simstudio.models.descriptions import WorkflowDescription
    from simstudio.models.events import StreamEvent
    from simstudio.models.jobs import Job
    from simstudio.models.pauses import Pause
    from simstudio.models.receipts import AsyncExecutionResult
    from simstudio.models.workflows import WorkflowStatus
    from simstudio.resources.claims import Claiming
    from simstudio.resources.jobs import Until
    from simstudio.resources.streams import OpenedStream

Timeout: TypeAlias = float | Unset | None


class Workflows(WorkflowDescriptions[M], WorkflowPauses[M], WorkflowBatches[M]):
    """Run workflows, and check whether they can be run.

    ``input`` is what the workflow receives. Files in it may be ``pathlib.Path``, files opened in binary mode, or
    :class:`simstudio.File`, at any depth.

    Arguments marked v2 need ``api_version="v2"``. Every method raises :class:`~simstudio.SimStudioError`; ``Raises``
    lists the errors that a caller may want to handle.
    """

    def __init__(self, context: Context, name: str, dialects: Dialects[M]) -> None:
        super().__init__(context, name)
        self._dialects: Dialects[M] = dialects

    @operation
    def execute(
        self,
        workflow_id: str,
        input: Any = None,
        *,
        timeout: Timeout = UNSET,
        selected_outputs: Sequence[str] | None = None,
        idempotent: bool = False,
        check: bool | WorkflowDescription = False,
    ) -> Flow[WorkflowExecutionResult]:
        """Run a workflow and wait for its result. For runs of minutes use :meth:`run`.

        A run that may have started is never started a second time. The request carries an id under which the server
        runs at most once; v1 servers before v0.7.32 ignore it, so that with v1 a request that may have arrived is
        retried only if the server is known to honour the id. If the client stops waiting, or its connection breaks, the
        server either finishes the run or, on some v0.8 servers, cancels it: the run has ``status == "cancelled"`` then,
        and so has the result of a retry, which reads that run. ``error.run_id`` names it.

        Args:
            input: Mapping of the input's fields, or any other value, sent as ``{"input": value}``; may hold files.
            timeout: Seconds for the whole call; None for no limit; default: the client's timeout. Above 30 s, v2
                servers are asked for heartbeats, so that no proxy closes the connection.
            selected_outputs: v2: up to 100 outputs as ``blockName.path``; their values are in ``result.block_outputs``.
            idempotent: Fail if the server cannot run the execution at most once. With v1 the server is asked, once for
                each client, by a request that runs nothing; the execution is then retried as safely as with v2.
            check: Compare the input with the fields of the workflow before it is sent. True retrieves its description
                first, which is one or two requests; a description from :meth:`describe` costs none.

        Returns:
            The result; ``output`` is the output of the last block, or the body that a Response block sends.

        Raises:
            ExecutionError: The workflow failed. (v0.4 servers give a result with ``success=False`` instead.)
            APITimeoutError: No response within ``timeout``; the run may go on, or be cancelled.
            RateLimitError: Every attempt was refused.
            APIStatusError: Any other error status, also one set by a Response block (``error.response.content``).
            APIConnectionError: No response.
            InvalidInputError: The input cannot be encoded, is too large, or fails the ``check``.
            ConfigurationError: ``idempotent`` is not possible: the server is older than v0.7.32, or the client has no
                API key. Nothing was run.

        Example:
            >>> client.workflows.execute("wf", {"name": "Ada"}).output  # doctest: +SKIP
            {'greeting': 'Hello, Ada!'}
        """
        yield from self._check(workflow_id, input, check)
        return (
            yield from self._dialects.own.execute(
                workflow_id,
                input,
                timeout=timeout,
                selected_outputs=selected_outputs,
                claiming=_choose_claiming(idempotent),
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
        idempotent: bool = False,
        check: bool | WorkflowDescription = False,
    ) -> Flow[AsyncExecutionResult]:
        """Queue a workflow to run in the background, and return at once.

        With v1, files reach the workflow as raw data; a :class:`FileInputWarning` says so.

        Args:
            input: Mapping of the input's fields, or any other value, sent as ``{"input": value}``; may hold files.
            timeout: Seconds for the call; None for no limit; default: the client's timeout.
            execution_timeout: v2: seconds that the run may take, 1 to 604,800, within the plan's limit.
            idempotent: Fail if the server cannot queue the execution at most once; see :meth:`execute`.
            check: Compare the input with the fields of the workflow first; see :meth:`execute`.

        Returns:
            A receipt for ``client.jobs.get`` and ``client.jobs.wait``.

        Raises:
            APITimeoutError: No response within ``timeout``; the job may have been queued.
            RateLimitError: Every attempt was refused.
            ConfigurationError: ``idempotent`` is not possible on this server.

        Example:
            >>> job = client.jobs.wait(client.workflows.submit("wf"))  # doctest: +SKIP
        """
        yield from self._check(workflow_id, input, check)
        return (
            yield from self._submit(
                workflow_id, input, timeout, execution_timeout, claiming=_choose_claiming(idempotent)
            )
        )

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
        idempotent: bool = False,
        until: Until = "pause",
        on_pause: Callable[[Pause], Any] | None = None,
        check: bool | WorkflowDescription = False,
    ) -> Flow[WorkflowExecutionResult]:
        """Queue a workflow, wait until it is done, and return its result: for runs that outlast a connection.

        Args:
            input: Mapping of the input's fields, or any other value, sent as ``{"input": value}``; may hold files.
            timeout: Seconds to wait; None for no limit.
            on_progress: Function called with the :class:`~simstudio.Job` after each poll; may be async on the async
                client.
            poll_interval: Seconds between polls; default: growing from 0.5 to 10 s.
            execution_timeout: v2: seconds that the run may take, 1 to 604,800.
            idempotent: Fail if the server cannot queue the execution at most once; see :meth:`execute`.
            until: ``pause`` also returns when the run pauses for a human; ``done`` waits through pauses.
            on_pause: With ``until="done"``, function that answers each pause; see ``client.jobs.wait``.
            check: Compare the input with the fields of the workflow first; see :meth:`execute`.

        Returns:
            The result, as from :meth:`execute`; ``paused`` is set if the run waits for a human. ``truncated`` has the
            paths of texts that the server cut (v2) and no longer has in full.

        Raises:
            ConfigurationError: ``idempotent`` is not possible on this server.
            JobFailedError: The run failed; :class:`~simstudio.JobCancelledError` if it was cancelled.
            JobTimeoutError: The run was not done within ``timeout``; it continues, and ``error.job`` can be waited for
                again.

        Example:
            >>> client.workflows.run("wf", on_progress=lambda job: print(job.status)).output  # doctest: +SKIP
        """
        check_timeout(timeout)
        check_interval(poll_interval)
        yield from self._check(workflow_id, input, check)
        receipt = yield from self._submit(
            workflow_id, input, UNSET, execution_timeout, claiming=_choose_claiming(idempotent)
        )
        job = yield from self._jobs._wait_until(
            self._jobs._target(receipt, None),
            until,
            on_pause,
            timeout=timeout,
            on_progress=on_progress,
            poll_interval=poll_interval,
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
        idempotent: bool = False,
        check: bool | WorkflowDescription = False,
    ) -> Flow[OpenedStream[StreamEvent]]:
        """Run a workflow and receive its text while it runs.

        If the stream is closed early or breaks, the server either finishes the run or, on some v0.8 servers, cancels
        it. A stream that has begun is never sent again.

        Args:
            input: Mapping of the input's fields, or any other value, sent as ``{"input": value}``; may hold files.
            selected_outputs: Outputs to stream, as ``blockName.path``. Without it only the final event arrives.
            idle_timeout: Longest time without an event, in seconds; None for no limit. Minutes are normal.
            max_event_size: Largest size of one event, in bytes.
            include_thinking: v2: also yield :class:`~simstudio.ThinkingEvent`.
            include_tool_calls: v2: also yield :class:`~simstudio.ToolEvent`.
            idempotent: Fail if the server cannot run the execution at most once; see :meth:`execute`.
            check: Compare the input with the fields of the workflow first; see :meth:`execute`.

        Returns:
            An iterator of events and context manager; on the async client, await it or use ``async with``.

        Raises:
            SimStudioError: The same as :meth:`execute` before the stream opens; while iterating,
                :class:`~simstudio.StreamError`, :class:`~simstudio.APITimeoutError` or
                :class:`~simstudio.ExecutionError`.

        Example:
            >>> with client.workflows.stream("wf", selected_outputs=["agent1.content"]) as s:  # doctest: +SKIP
            ...     print("".join(s.text()))
        """
        from simstudio.resources.dialects.stream_options import StreamOptions

        if isinstance(max_event_size, bool) or not isinstance(max_event_size, int) or max_event_size <= 0:
            raise InvalidInputError(f"max_event_size must be a number of bytes above 0, not {max_event_size!r}.")
        yield from self._check(workflow_id, input, check)
        options = StreamOptions(selected_outputs, idle_timeout, max_event_size, include_thinking, include_tool_calls)
        return (
            yield from self._dialects.own.stream(workflow_id, input, options, claiming=_choose_claiming(idempotent))
        )

    @operation
    def status(self, workflow_id: str) -> Flow[WorkflowStatus]:
        """Retrieve the deployment status of a workflow.

        Raises:
            NotFoundError: No workflow has this id.

        Example:
            >>> client.workflows.status("wf").is_deployed  # doctest: +SKIP
            True
        """
        return (yield from self._dialects.own.status(workflow_id))

    @operation
    def validate(self, workflow_id: str) -> Flow[bool]:
        """Whether a workflow is deployed; False also if the server refuses to say (unknown id, no permission).

        Raises:
            APIConnectionError: No response.
        """
        try:
            status = yield from self._dialects.own.status(workflow_id)
        except APIStatusError:
            return False
        return status.is_deployed is True

    @operation
    def cancel(self, workflow_id: str, execution_id: str) -> Flow[CancelResult]:
        """Ask the server to stop an execution.

        Args:
            execution_id: ``execution_id`` of the receipt. A job's id will do since August 2026, when it holds it.

        Returns:
            Check ``success``: a server without Redis responds with 200 although the run continues. An unknown execution
            id gives ``success=True``.

        Raises:
            NotFoundError: No workflow has this id.

        Example:
            >>> client.workflows.cancel("wf", receipt.execution_id).success  # doctest: +SKIP
            True
        """
        execution_id, jobs = execution_of(execution_id), self._jobs
        result = yield from self._dialects.own.cancel(workflow_id, execution_id)
        if result.success:
            jobs._note_cancelled(execution_id)
        return result

    def _submit(
        self, workflow_id: str, data: Any, timeout: Timeout, execution_timeout: int | None, **options: Any
    ) -> Flow[AsyncExecutionResult]:
        jobs = self._jobs
        receipt = yield from self._dialects.own.submit(
            workflow_id, data, timeout=timeout, execution_timeout=execution_timeout, **options
        )
        jobs._note_queued(receipt)
        return receipt


def _choose_claiming(idempotent: bool) -> Claiming:  # noqa: FBT001 - the caller's keyword
    return "required" if idempotent else "known"
