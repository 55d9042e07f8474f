"""``RunHandle``: a run of a workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simstudio.core.conversion import require, structure
from simstudio.core.errors import JobCancelledError, JobFailedError
from simstudio.core.modes import M
from simstudio.core.options import UNSET, Unset
from simstudio.core.polling import TRANSIENT_ERRORS, Poller
from simstudio.core.resource import APIResource
from simstudio.core.runs import SubmittedRun
from simstudio.models.v2.runs import Run, RunError
from simstudio.resources.v2.run_responses import fetch_run
from simstudio.transport.errors import APITimeoutError, NotFoundError
from simstudio.transport.flow import Flow


class RunHandle(SubmittedRun[M, Run, Run]):
    """A run of a workflow; made by ``client.v2.runs.handle``. It is done when it is over or waits for a human.

    ``wait()`` and ``result()`` return the run with its output, and raise a :class:`~simstudio.JobFailedError` if it
    failed or was cancelled.

    A pickled handle contains the client's key: treat it as a secret.
    """

    def __init__(self, resource: APIResource[M], workflow_id: str, run_id: str, state: Run | None = None) -> None:
        super().__init__(resource._context, resource._name, run_id, state)
        self._resource: APIResource[M] = resource
        self._workflow_id = workflow_id

    def _status_of(self, state: Run) -> str:
        return state.status

    def _is_done(self, state: Run) -> bool:
        return state.done

    def _may_go_on(self, state: Run) -> bool:
        return state.status == "paused"

    def _fetch_state(self, timeout: float | Unset = UNSET) -> Flow[Run]:
        fetched = yield from fetch_run(self._resource, self._workflow_id, self.id, whole=True, timeout=timeout)
        run = structure(fetched.data, Run, response=fetched.response, overrides={"truncated": fetched.truncated})
        require(run, fetched.response, status=str)
        return run

    def _poll(
        self, timeout: float | None, on_progress: Callable[[Run], Any] | None, poll_interval: float | None
    ) -> Flow[Run]:
        """Wait until the run is over or waits for a human, and return it, also if it failed."""

        def make_error(last: Run | None) -> APITimeoutError:
            state = f"last seen {last.status!r}" if last is not None else "never seen"
            error = APITimeoutError(f"The run {self.id} was not over within {timeout:g} s ({state}). It goes on.")
            error.run_id = self.id
            return error

        poller = Poller(transient=(*TRANSIENT_ERRORS, NotFoundError)).with_interval(poll_interval)
        return (
            yield from poller.wait(
                self._fetch_state,
                done=self._is_done,
                expired=make_error,
                timeout=timeout,
                client_timeout=self._context.options.timeout,
                on_progress=on_progress,
                subject=f"The run {self.id}",
                again=f"client.v2.runs.wait({self._workflow_id!r}, {self.id!r})",
            )
        )

    def _await(
        self, timeout: float | None, on_progress: Callable[[Run], Any] | None, poll_interval: float | None
    ) -> Flow[Run]:
        return (yield from self._result((yield from self._poll(timeout, on_progress, poll_interval))))

    def _result(self, state: Run) -> Flow[Run]:
        if state.status == "cancelled":
            raise JobCancelledError(f"The run {self.id} was cancelled.", None, job=state)
        if state.status == "failed":
            reason = state.error.message if isinstance(state.error, RunError) else "no reason given"
            raise JobFailedError(f"The run {self.id} failed: {str(reason).rstrip('.')}.", None, job=state)
        return state
        yield  # makes this a generator, as a flow must be

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._resource, self._workflow_id, self.id, self.state)
