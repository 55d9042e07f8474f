"""The flat methods of the documented SDK, on the client itself, names, order and defaults as documented.

They are for programs written against Sim's own package (``../docs``: "Référence de l'API"); new code reads better with
the namespaces. Where the documents differ from the namespaces the documents win here: one attempt, a literal timeout of
30 s, plain dicts of ``get_job_status``.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from simstudio.core.client import BaseClient
from simstudio.core.modes import M
from simstudio.core.namespace import namespace
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, check_timeout
from simstudio.errors import InvalidInputError, RateLimitError, SimStudioError
from simstudio.models.execution import AsyncExecutionResult, WorkflowExecutionResult
from simstudio.resources.dialects import Dialects
from simstudio.resources.dialects.base import StreamOptions
from simstudio.resources.jobs import Jobs
from simstudio.resources.usage import Usage
from simstudio.resources.workflows import Workflows
from simstudio.transport.flow import Flow, Sleep
from simstudio.transport.retry import LONGEST_WAIT, Backoff, check_max_retries

if TYPE_CHECKING:
    from typing import TypeAlias

    from simstudio.models.events import StreamEvent
    from simstudio.models.usage import UsageLimits
    from simstudio.models.workflows import WorkflowStatus
    from simstudio.resources.streams import OpenedStream
    from simstudio.resources.v1 import V1
    from simstudio.resources.v2 import V2

Result: TypeAlias = WorkflowExecutionResult | AsyncExecutionResult


class DocumentedMethods(BaseClient[M]):
    """The namespaces of a Sim client, and the flat methods of the documented SDK."""

    @namespace
    def workflows(self) -> Workflows[M]:
        """Workflows: run them, in every way Sim offers."""
        return Workflows(self._context, "workflows", self.jobs, self._dialects)

    @namespace
    def jobs(self) -> Jobs[M]:
        """Background executions."""
        return Jobs(self._context, "jobs", self._dialects)

    @namespace
    def usage(self) -> Usage[M]:
        """Limits and usage of the account."""
        return Usage(self._context, "usage", self._dialects)

    @namespace
    def v1(self) -> V1[M]:
        """The routes under ``/api/v1``."""
        from simstudio.resources.v1 import V1

        return V1(self._context, "v1")

    @namespace
    def v2(self) -> V2[M]:
        """The routes under ``/api/v2``, whatever ``api_version`` is."""
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
        """Execute a workflow, in one attempt.

        Args:
            workflow_id: The workflow's id.
            input_data: What it gets.
            timeout: Seconds for the call; with ``stream``, the longest silence.
            stream: Stream it, and give the whole result at the end. (``client.workflows.stream`` gives it as it comes.)
            selected_outputs: With ``stream``: the outputs to stream, as ``blockName.attribute``.
            async_execution: Queue it and come back at once.
            input: The same as ``input_data``.

        Returns:
            The result; with ``async_execution`` the receipt (``task_id``).

        Raises:
            SimStudioError: As ``client.workflows.execute``; ``error.code`` is one of the documented ones.

        Example:
            >>> client.execute_workflow("workflow-id", {"message": "Hello"}).output  # doctest: +SKIP
        """
        data = _one_input(input_data, input)
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
        """Execute a workflow and wait for its result; :meth:`execute_workflow` without ``async_execution``."""
        data = _one_input(input_data, input)
        result = yield from self._execute_once(
            workflow_id, data, timeout, stream, selected_outputs, async_execution=False
        )
        assert isinstance(result, WorkflowExecutionResult)  # noqa: S101 - nothing else comes without async_execution
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
        """Execute a workflow, again after each 429, and after nothing else.

        Args:
            workflow_id: The workflow's id.
            input_data: What it gets.
            timeout: Seconds for each attempt.
            stream: As :meth:`execute_workflow`.
            selected_outputs: As :meth:`execute_workflow`.
            async_execution: As :meth:`execute_workflow`.
            max_retries: Repetitions after the first attempt.
            initial_delay: Seconds before the first repetition.
            max_delay: Seconds no delay exceeds, unless the server asks for more.
            backoff_multiplier: Growth from one delay to the next (±25 % jitter). ``Retry-After`` is a floor.
            input: The same as ``input_data``.

        Returns:
            As :meth:`execute_workflow`.

        Raises:
            RateLimitError: Refused in every attempt.
            SimStudioError: As :meth:`execute_workflow`, at once.

        Example:
            >>> client.execute_with_retry("workflow-id", {"message": "Hello"}, max_retries=5)  # doctest: +SKIP
        """
        data = _one_input(input_data, input)
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
        """Get a workflow's deployment status; ``client.workflows.status``."""
        return (yield from self._dialects.own.status(workflow_id))

    @operation
    def validate_workflow(self, workflow_id: str) -> Flow[bool]:
        """Whether a workflow is ready to be executed; False on any :class:`~simstudio.SimStudioError`.

        ``client.workflows.validate`` tells an unreachable server from a workflow that is not deployed.
        """
        try:
            status = yield from self._dialects.own.status(workflow_id)
        except SimStudioError:
            return False
        return status.is_deployed

    @operation
    def get_job_status(self, task_id: str, *, workflow_id: str | None = None) -> Flow[dict[str, Any]]:
        """Get the status of a background execution, as the plain dict that came.

        Args:
            task_id: What ``execute_workflow(..., async_execution=True)`` returned as ``task_id``.
            workflow_id: Its workflow; v2 needs it for what another client queued.

        Returns:
            ``{"success", "taskId", "status", "metadata", "output"?, "error"?, "estimatedDuration"?}`` in the documents'
            words: ``status`` is ``queued`` where v0.6 says ``pending``, and ``error`` of a job that ended otherwise and
            ``metadata["duration"]`` of a completed one are None where the server did not send them.
            ``estimatedDuration`` and ``metadata["duration"]`` are milliseconds. v2's runs are told in the same words;
            ``output`` is the workflow's own there.

        Raises:
            NotFoundError: No such job.

        Example:
            >>> client.get_job_status("task-id")["status"]  # doctest: +SKIP
            'completed'
        """
        target = self.jobs._target(task_id, workflow_id)
        return (yield from self._dialects.of(target.version).job_as_documented(target))

    @operation
    def get_usage_limits(self) -> Flow[UsageLimits]:
        """Get the account's limits and usage; ``client.usage.limits``."""
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
            return (yield from self.workflows._submit(workflow_id, data, timeout, None, max_retries=0))
        dialect = self._dialects.own
        if not stream:
            return (yield from dialect.execute(workflow_id, data, timeout=timeout, max_retries=0))
        opened: OpenedStream[StreamEvent] = yield from dialect.stream(
            workflow_id, data, StreamOptions(selected_outputs, timeout), max_retries=0
        )
        return (yield from opened.read())


def _one_input(input_data: Any, other: Any) -> Any:
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
