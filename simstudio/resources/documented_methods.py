"""The flat methods of Sim's documented Python SDK, with the documented names, order and defaults.

They serve programs written for that SDK; the namespaces are meant for new code. Where the two differ the documents are
followed here: one attempt, a timeout of 30 s, a plain dict from ``get_job_status``.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from simstudio.core.client import BaseClient
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, check_timeout
from simstudio.core.resource import namespace
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.resources.dialects import Dialects
from simstudio.resources.workflows import Workflows
from simstudio.transport.errors import InvalidInputError, RateLimitError, SimStudioError
from simstudio.transport.flow import Flow, Sleep
from simstudio.transport.retry import LONGEST_WAIT, Backoff, check_max_retries

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.models.events import StreamEvent
    from simstudio.models.receipts import AsyncExecutionResult
    from simstudio.models.usage import UsageLimits
    from simstudio.models.workflows import WorkflowStatus
    from simstudio.resources.jobs import Jobs
    from simstudio.resources.streams import OpenedStream
    from simstudio.resources.traces import Traces
    from simstudio.resources.usage import Usage
    from simstudio.resources.v1 import V1
    from simstudio.resources.v2 import V2

    Result: TypeAlias = WorkflowExecutionResult | AsyncExecutionResult


class DocumentedMethods(BaseClient[M]):
    """The namespaces of a Sim client and the flat methods of the documented SDK."""

    @namespace
    def workflows(self) -> Workflows[M]:
        """Workflows: run them, and check whether they can be run."""
        return self._workflows

    @namespace
    def jobs(self) -> Jobs[M]:
        """Jobs: executions in the background."""
        return self._workflows._jobs

    @namespace
    def _workflows(self) -> Workflows[M]:
        """``client.workflows``, which a test may replace."""
        return Workflows(self._context, "workflows", self._dialects)

    @namespace
    def usage(self) -> Usage[M]:
        """Limits and usage of the account."""
        from simstudio.resources.usage import Usage

        return Usage(self._context, "usage", self._dialects)

    @namespace
    def traces(self) -> Traces[M]:
        """Traces of runs: their blocks with times, errors, tokens and costs."""
        from simstudio.resources.traces import Traces

        return Traces(self._context, "traces", self._workflows._jobs, self._dialects)

    @namespace
    def v1(self) -> V1[M]:
        """Operations under ``/api/v1``."""
        from simstudio.resources.v1 import V1

        return V1(self._context, "v1")

    @namespace
    def v2(self) -> V2[M]:
        """Operations under ``/api/v2``, whatever ``api_version`` is."""
        from simstudio.resources.v2 import V2

        return V2(self._context, "v2")

    @namespace
    def _dialects(self) -> Dialects[M]:
        return Dialects(self._context, self._context.session.version)

    @operation
    def execute_workflow(
        self,
        workflow_id: str,
        input_data: Any = None,
        *,
        timeout: float | None = 30.0,
        stream: bool = False,
        selected_outputs: list[str] | None = None,
        async_execution: bool = False,
        input: Any = UNSET,
    ) -> Flow[Result]:
        """Execute a workflow in one attempt, without retries.

        Args:
            input_data: Mapping of the input's fields, or any other value, sent as ``{"input": value}``.
            timeout: Seconds for the call; with ``stream``, the longest silence; None for no limit.
            stream: Stream the run and return the whole result at its end. ``client.workflows.stream`` yields the
                events.
            selected_outputs: With ``stream``: the outputs to stream, as ``blockName.attribute``.
            async_execution: Queue the run and return a receipt at once; its ``task_id`` is for :meth:`get_job_status`.
            input: Alternative name of ``input_data``.

        Raises:
            SimStudioError: As ``client.workflows.execute``; ``error.code`` is one of the documented codes.

        Example:
            >>> client.execute_workflow("workflow-id", {"message": "Hello"}).output  # doctest: +SKIP
        """
        data = _choose_input(input_data, input)
        return (yield from self._execute_once(workflow_id, data, timeout, stream, selected_outputs, async_execution))

    @operation
    def execute_workflow_sync(
        self,
        workflow_id: str,
        input_data: Any = None,
        *,
        timeout: float | None = 30.0,
        stream: bool = False,
        selected_outputs: list[str] | None = None,
        input: Any = UNSET,
    ) -> Flow[WorkflowExecutionResult]:
        """Execute a workflow and wait for its result: :meth:`execute_workflow` without ``async_execution``."""
        data = _choose_input(input_data, input)
        result = yield from self._execute_once(
            workflow_id, data, timeout, stream, selected_outputs, async_execution=False
        )
        assert isinstance(result, WorkflowExecutionResult)  # noqa: S101 - async_execution is False
        return result

    @operation
    def execute_with_retry(
        self,
        workflow_id: str,
        input_data: Any = None,
        *,
        timeout: float | None = 30.0,
        stream: bool = False,
        selected_outputs: list[str] | None = None,
        async_execution: bool = False,
        max_retries: int = 3,
        initial_delay: float = 1.0,
        max_delay: float = 30.0,
        backoff_multiplier: float = 2.0,
        input: Any = UNSET,
    ) -> Flow[Result]:
        """Execute a workflow, with a retry after each 429 response and after no other failure.

        The other arguments are those of :meth:`execute_workflow`.

        Args:
            timeout: Seconds for each attempt; None for no limit.
            max_retries: Attempts after the first one.
            initial_delay: Seconds before the first retry.
            max_delay: Longest delay in seconds, unless ``Retry-After`` is longer.
            backoff_multiplier: Growth of the delay from one retry to the next, with ±25 % jitter.

        Raises:
            RateLimitError: Every attempt was refused.
            SimStudioError: As :meth:`execute_workflow`.

        Example:
            >>> client.execute_with_retry("workflow-id", {"message": "Hello"}, max_retries=5)  # doctest: +SKIP
        """
        data = _choose_input(input_data, input)
        check_max_retries(max_retries)
        backoff = Backoff(
            _seconds(initial_delay, "initial_delay"),
            _seconds(max_delay, "max_delay"),
            _seconds(backoff_multiplier, "backoff_multiplier"),
        )
        for attempt in range(1, max_retries + 2):
            try:
                return (
                    yield from self._execute_once(workflow_id, data, timeout, stream, selected_outputs, async_execution)
                )
            except RateLimitError as error:
                delay = backoff.delay(attempt, random=random.random(), floor=error.retry_after)  # noqa: S311
                if attempt > max_retries or delay > LONGEST_WAIT:
                    raise
            yield Sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    @operation
    def get_workflow_status(self, workflow_id: str) -> Flow[WorkflowStatus]:
        """Retrieve the deployment status of a workflow; the same as ``client.workflows.status``."""
        return (yield from self._dialects.own.status(workflow_id))

    @operation
    def validate_workflow(self, workflow_id: str) -> Flow[bool]:
        """Whether a workflow is deployed; False on any :class:`~simstudio.SimStudioError`.

        ``client.workflows.validate`` raises when the server cannot be reached.
        """
        try:
            status = yield from self._dialects.own.status(workflow_id)
            return status.is_deployed is True
        except SimStudioError:
            return False

    @operation
    def get_job_status(self, task_id: str, *, workflow_id: str | None = None) -> Flow[dict[str, Any]]:
        """Retrieve the status of a background execution, as a plain dict.

        Args:
            task_id: ``task_id`` of the receipt from ``execute_workflow(..., async_execution=True)``.
            workflow_id: v2: needed for a job that another client queued.

        Returns:
            ``{"success", "taskId", "status", "metadata", "output"?, "error"?, "estimatedDuration"?}`` with the
            documented words, on every server: ``queued`` also where v0.6 sends ``pending`` and v2 its own statuses.
            ``metadata["duration"]`` of a completed job and ``error`` of an unsuccessful one are None if the server did
            not send them. Durations are in milliseconds. With v2 ``output`` is the workflow's own output.

        Raises:
            NotFoundError: No job has this id.

        Example:
            >>> client.get_job_status("task-id")["status"]  # doctest: +SKIP
            'completed'
        """
        target = self.jobs._target(task_id, workflow_id)
        return (yield from self._dialects.of(target.version).job_as_documented(target))

    @operation
    def get_usage_limits(self) -> Flow[UsageLimits]:
        """Retrieve the account's limits and usage; the same as ``client.usage.limits``."""
        return (yield from self._dialects.own.limits())

    def _execute_once(
        self,
        workflow_id: str,
        data: Any,
        timeout: float | None,
        stream: bool,  # noqa: FBT001
        selected_outputs: list[str] | None,
        async_execution: bool,  # noqa: FBT001
    ) -> Flow[Result]:
        check_timeout(timeout)
        if async_execution:
            return (yield from self.workflows._submit(workflow_id, data, timeout, None, max_retries=0, claiming="none"))
        dialect = self._dialects.own
        if not stream:
            return (yield from dialect.execute(workflow_id, data, timeout=timeout, max_retries=0, claiming="none"))
        from simstudio.resources.dialects.stream_options import StreamOptions

        opened: OpenedStream[StreamEvent] = yield from dialect.stream(
            workflow_id, data, StreamOptions(selected_outputs, timeout), max_retries=0, claiming="none"
        )
        return (yield from opened.read())


def _choose_input(input_data: Any, other: Any) -> Any:
    if other is UNSET:
        return input_data
    if input_data is not None:
        raise InvalidInputError("Give the input once: as input_data, or as input=.")
    return other


def _seconds(value: float, name: str) -> float:
    checked = check_timeout(value, name)
    if checked is None:
        raise InvalidInputError(f"{name} must be a number above 0, not None.")
    return checked
