"""``client.workflows``: runs that wait for a human."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.listing import listing
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import UNSET, Unset, check_timeout
from simstudio.core.resource import APIResource
from simstudio.models.execution import AsyncExecutionResult, WorkflowExecutionResult
from simstudio.resources.dialects import Dialects
from simstudio.resources.jobs import Jobs
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.core.paging import Pages
    from simstudio.models.jobs import Job
    from simstudio.models.pauses import Pause, PausedRun


class WorkflowPauses(APIResource[M]):
    """The part of ``client.workflows`` that is about humans in the loop."""

    _dialects: Dialects[M]
    _jobs: Jobs[M]

    @listing
    def paused(self, workflow_id: str, *, status: str = "paused") -> Pages[PausedRun]:
        """List the runs of a workflow that wait for a human.

        Args:
            workflow_id: The workflow's id.
            status: Of the runs. v1 knows ``paused``, ``partially_resumed``, ``fully_resumed``, ``cancelled``, several
                joined by commas, and ``""`` for all (recordings 096, 097); v2 a run's status.

        Returns:
            The runs; ``run.paused`` says what each asks. (v2 tells that of each run only: one more request a run.)

        Raises:
            NotFoundError: No such workflow.
            SimStudioError: Any other failure.

        Example:
            >>> for run in client.workflows.paused("wf"):  # doctest: +SKIP
            ...     print(run.paused.question)
        """
        return self._dialects.own.paused(workflow_id, status)

    @operation
    def get_paused(self, workflow_id: str, execution_id: str) -> Flow[PausedRun]:
        """Retrieve one run that waits, or waited, for a human.

        Args:
            workflow_id: The workflow's id.
            execution_id: The run's.

        Returns:
            The run, with all its pauses.

        Raises:
            NotFoundError: No such run, or it never paused.
            SimStudioError: Any other failure.

        Example:
            >>> client.workflows.get_paused("wf", execution_id).paused.input_fields  # doctest: +SKIP
        """
        return (yield from self._dialects.own.paused_run(workflow_id, execution_id))

    @operation
    def resume(
        self,
        run: WorkflowExecutionResult | Job | PausedRun | Pause | str,
        input: Any = None,
        *,
        workflow_id: str | None = None,
        context_id: str | None = None,
        timeout: float | Unset | None = UNSET,
    ) -> Flow[WorkflowExecutionResult | AsyncExecutionResult]:
        """Answer a run that waits for a human, so that it goes on.

        Never sent again by itself: an answer counts once.

        Args:
            run: The paused result, job or run, one of its pauses, or an execution id (with ``workflow_id``).
            input: The answer: the fields of ``pause.input_fields`` by name.
            workflow_id: The workflow, where ``run`` does not name it.
            context_id: Which pause to answer; looked up where nothing names it and one waits.
            timeout: Seconds for the call, None for no end; the client's where it is not given.

        Returns:
            The result, when the run was begun by waiting for it or as a stream; when it was queued, a receipt for
            ``client.jobs.wait`` (NOTES 7). A run that pauses again is a result with ``paused`` set.

        Raises:
            InvalidInputError: Nothing names the workflow, or several pauses wait and none was chosen.
            InvalidRequestError: The pause was answered already, or its run was cancelled (recordings 107, 119).
            ExecutionError: The run went on and failed.
            SimStudioError: Any other failure.

        Example:
            >>> result = client.workflows.execute("wf")  # doctest: +SKIP
            >>> client.workflows.resume(result, {"approved": True}).output  # doctest: +SKIP
        """
        from simstudio.resources.pauses import pause_of, version_of

        check_timeout(None if isinstance(timeout, Unset) else timeout)
        dialect = self._dialects.of(version_of(run) or self._dialects.version)
        pause = yield from pause_of(dialect, run, workflow_id, context_id)
        resumed = yield from dialect.resume(
            pause.workflow_id, pause.execution_id, pause.context_id, input, timeout=timeout
        )
        if isinstance(resumed, AsyncExecutionResult):
            self._jobs.remember(resumed)
        return resumed
