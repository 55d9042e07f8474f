"""``client.workflows``: paused runs, which wait for a human."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.operation import listing, operation
from simstudio.core.options import UNSET, Unset, check_timeout
from simstudio.core.resource import APIResource, namespace
from simstudio.models.execution import WorkflowExecutionResult
from simstudio.resources.claims import execution_of
from simstudio.resources.dialects import Dialects
from simstudio.transport.flow import Flow

if TYPE_CHECKING:
    from simstudio.core.paging import Pages
    from simstudio.models.jobs import Job
    from simstudio.models.pauses import Pause, PausedRun
    from simstudio.models.receipts import AsyncExecutionResult
    from simstudio.resources.jobs import Jobs


class WorkflowPauses(APIResource[M]):
    """The methods of ``client.workflows`` for human-in-the-loop workflows."""

    _dialects: Dialects[M]

    @namespace
    def _jobs(self) -> Jobs[M]:
        """``client.jobs``. Read before a request is sent: the import fails where no more files can be opened."""
        from simstudio.resources.jobs import Jobs

        return Jobs(self._context, "jobs", self._dialects)

    @listing
    def paused(self, workflow_id: str, *, status: str = "paused") -> Pages[PausedRun]:
        """List the runs of a workflow that wait for a human.

        With v2 each run costs one more request, because the list does not say what a run asks.

        Args:
            status: v1: ``paused``, ``partially_resumed``, ``fully_resumed`` or ``cancelled``, several joined by commas,
                or ``""`` for all. v2: a run's status.

        Raises:
            NotFoundError: No workflow has this id.

        Example:
            >>> for run in client.workflows.paused("wf"):  # doctest: +SKIP
            ...     print(run.paused.question)
        """
        return self._dialects.own.paused(workflow_id, status)

    @operation
    def get_paused(self, workflow_id: str, execution_id: str) -> Flow[PausedRun]:
        """Retrieve one run that waits, or has waited, for a human, with all its pauses.

        Raises:
            NotFoundError: No run has this id, or it never paused.

        Example:
            >>> client.workflows.get_paused("wf", execution_id).paused.input_fields  # doctest: +SKIP
        """
        return (yield from self._dialects.own.paused_run(workflow_id, execution_of(execution_id)))

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
        """Answer a pause, so that the run continues.

        The request is never retried, because a pause can be answered only once. The run keeps its id, which the result
        and the receipt have as ``execution_id``; some servers send a new one, under which nothing can be read.

        Args:
            run: The paused result, job or run, one of its pauses, or an execution id (then give ``workflow_id``).
            input: Values by name for the fields in ``pause.input_fields``.
            workflow_id: Needed only if ``run`` does not name its workflow.
            context_id: The pause to answer; needed only if several are waiting (``run.pauses``).
            timeout: Seconds for the call; None for no limit; default: the client's timeout.

        Returns:
            The result, if the run was started by a blocking or streaming call (``paused`` is set if it paused again); a
            receipt for ``client.jobs.wait``, if it was queued. While other pauses of the run are waiting, the result is
            what could run so far, often ``{}``.

        Raises:
            InvalidInputError: The workflow is unknown, or several pauses are waiting and none was chosen.
            ConflictError: The pause was answered before, the run was cancelled, or it paused again after an answer,
                which servers since August 2026 cannot resume. (v0.6 servers: InvalidRequestError.)
            ExecutionError: The run continued and failed.

        Example:
            >>> result = client.workflows.execute("wf")  # doctest: +SKIP
            >>> client.workflows.resume(result, {"approved": True}).output  # doctest: +SKIP
        """
        from simstudio.models.receipts import AsyncExecutionResult
        from simstudio.resources.pauses import answer_pause, api_version_of

        check_timeout(None if isinstance(timeout, Unset) else timeout)
        jobs = self._jobs
        dialect = self._dialects.of(api_version_of(run) or self._dialects.version)
        resumed = yield from answer_pause(
            dialect, run, input, workflow_id=workflow_id, context_id=context_id, timeout=timeout
        )
        if isinstance(resumed, AsyncExecutionResult):
            jobs._note_queued(resumed)
        return resumed
