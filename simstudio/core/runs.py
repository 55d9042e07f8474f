"""``SubmittedRun``: a handle of a run on a server, the same for the jobs, tasks and predictions of every service.

For example::

    run = client.jobs.handle("run_1234")
    run.wait(timeout=60)
    print(run.status, run.result())

On an async client ``refresh``, ``wait`` and ``result`` are awaited.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from simstudio.core.context import Context
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.options import check_interval, check_timeout
from simstudio.core.resource import APIResource
from simstudio.transport.errors import InvalidInputError, SimStudioError
from simstudio.transport.flow import Flow

S = TypeVar("S")
R = TypeVar("R")
T = TypeVar("T")


class SubmittedRun(APIResource[M], ABC, Generic[M, S, R]):
    """A run on a server. ``S`` is the service's model of its state, ``R`` its result.

    A service implements the flows :meth:`_fetch_state`, :meth:`_await` and :meth:`_result`, and reads the status of a
    state (:meth:`_status_of`, :meth:`_is_done`).

    Attributes:
        id: Id of the run at its service.
        state: State as last fetched; None before the first fetch.
    """

    def __init__(self, context: Context, name: str, run_id: str, state: S | None = None) -> None:
        super().__init__(context, name)
        self.id = run_id
        self.state = state

    @property
    def status(self) -> str:
        """Status as last fetched, in the service's words; ``unknown`` before the first fetch."""
        return "unknown" if self.state is None else self._status_of(self.state)

    @property
    def done(self) -> bool:
        """Whether the run had ended when its state was last fetched."""
        return self.state is not None and self._is_done(self.state)

    @operation
    def refresh(self) -> Flow[S]:
        """Fetch the state of the run, as the service's own model; ``status`` and ``done`` follow it.

        Raises:
            SimStudioError: The state could not be fetched (``error.task_id``).

        Example:
            >>> run.refresh(); run.status  # doctest: +SKIP
        """
        self.state = yield from self._identify(self._fetch_state())
        return self.state

    @operation
    def wait(
        self,
        *,
        timeout: float | None = 3600.0,
        on_progress: Callable[[S], Any] | None = None,
        poll_interval: float | None = None,
    ) -> Flow[S]:
        """Wait until the run has ended, and return its final state.

        Args:
            timeout: Seconds to wait. None waits for ever, unless all calls are refused (429) for a day.
            on_progress: Called with the state at each poll; may be async on an async client.
            poll_interval: Seconds between polls; by default the pauses grow.

        Raises:
            SimStudioError: The run failed, or did not end in time (``error.task_id``).

        Example:
            >>> run.wait(timeout=60).status  # doctest: +SKIP
        """
        check_timeout(timeout)
        check_interval(poll_interval)
        if on_progress is not None and not callable(on_progress):
            raise InvalidInputError(f"on_progress must be a function of the state, not {on_progress!r}.")
        self.state = yield from self._identify(self._await(timeout, on_progress, poll_interval))
        return self.state

    @operation
    def result(self, *, timeout: float | None = 3600.0) -> Flow[R]:
        """Wait until the run has ended, if it has not, and return its result.

        Args:
            timeout: Seconds to wait; None waits for ever.

        Raises:
            SimStudioError: The run failed, or did not end in time (``error.task_id``).

        Example:
            >>> run.result()  # doctest: +SKIP
        """
        check_timeout(timeout)
        if not self.done or (self.state is not None and self._may_go_on(self.state)):
            self.state = yield from self._identify(self._await(timeout, None, None))
        assert self.state is not None  # noqa: S101 - for type checkers
        return (yield from self._identify(self._result(self.state)))

    def _identify(self, flow: Flow[T]) -> Flow[T]:
        """Run a flow, and set the run's id on its errors."""
        try:
            return (yield from flow)
        except SimStudioError as error:
            error.task_id = error.task_id or self.id
            raise

    @abstractmethod
    def _status_of(self, state: S) -> str:
        """Return the service's word for a state."""

    @abstractmethod
    def _is_done(self, state: S) -> bool:
        """Return whether a state is final."""

    def _may_go_on(self, state: S) -> bool:  # noqa: ARG002 - for subclasses
        """Return whether a final state may be out of date, as that of a paused run, which was perhaps resumed."""
        return False

    @abstractmethod
    def _fetch_state(self) -> Flow[S]:
        """Return the flow that fetches the state."""

    @abstractmethod
    def _await(
        self, timeout: float | None, on_progress: Callable[[S], Any] | None, poll_interval: float | None
    ) -> Flow[S]:
        """Return the flow that waits for the final state. It raises if the run failed."""

    @abstractmethod
    def _result(self, state: S) -> Flow[R]:
        """Return the flow from a final state to the result. It raises if the run failed."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"
