"""``SubmittedRun``: one handle for what every service calls otherwise: job, task, prediction, run.

Code that holds a handle can ask for it, wait for it and take its result without knowing whose it is::

    run = client.jobs.handle("run_1234")
    run.wait(timeout=60)
    print(run.status, run.result())

On an async client each of the three is awaited.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from simstudio.core.context import Context
from simstudio.core.modes import M
from simstudio.core.operation import operation
from simstudio.core.resource import APIResource
from simstudio.transport.flow import Flow

S = TypeVar("S")
R = TypeVar("R")


class SubmittedRun(APIResource[M], ABC, Generic[M, S, R]):
    """Something that runs on a server: ``S`` is its state as the service tells it, ``R`` its result.

    A service gives the three flows :meth:`_ask`, :meth:`_await` and :meth:`_result`, and says of a state what its
    ``status`` is and whether it is ``done``.

    Attributes:
        id: The service's id of it.
        state: As last seen, None while it was not asked for.
    """

    def __init__(self, context: Context, name: str, run_id: str, state: S | None = None) -> None:
        super().__init__(context, name)
        self.id = run_id
        self.state = state

    @property
    def status(self) -> str:
        """The service's word for its state, as last seen; ``unknown`` while it was not asked for."""
        return "unknown" if self.state is None else self._status_of(self.state)

    @property
    def done(self) -> bool:
        """Whether it had ended when it was last seen."""
        return self.state is not None and self._is_done(self.state)

    @operation
    def refresh(self) -> Flow[S]:
        """Ask for its state.

        Returns:
            The state, as the service's own model; ``status`` and ``done`` follow it.

        Raises:
            SimStudioError: It could not be asked for.

        Example:
            >>> run.refresh(); run.status  # doctest: +SKIP
        """
        self.state = yield from self._ask()
        return self.state

    @operation
    def wait(
        self,
        *,
        timeout: float | None = 3600.0,
        on_progress: Callable[[S], Any] | None = None,
        poll_interval: float | None = None,
    ) -> Flow[S]:
        """Wait until it has ended.

        Args:
            timeout: Seconds to wait, None for ever.
            on_progress: Called with the state at each poll; may be async on an async client.
            poll_interval: Seconds between polls, in place of growing ones.

        Returns:
            The final state.

        Raises:
            SimStudioError: It failed, or was not done in time (``error.task_id``).

        Example:
            >>> run.wait(timeout=60).status  # doctest: +SKIP
        """
        self.state = yield from self._await(timeout, on_progress, poll_interval)
        return self.state

    @operation
    def result(self, *, timeout: float | None = 3600.0) -> Flow[R]:
        """Its result; waits for it first, when it has not ended.

        Args:
            timeout: Seconds to wait, None for ever.

        Raises:
            SimStudioError: It failed, or was not done in time.

        Example:
            >>> run.result()  # doctest: +SKIP
        """
        if not self.done:
            self.state = yield from self._await(timeout, None, None)
        assert self.state is not None  # noqa: S101 - it was waited for
        return (yield from self._result(self.state))

    @abstractmethod
    def _status_of(self, state: S) -> str:
        """The service's word for a state."""

    @abstractmethod
    def _is_done(self, state: S) -> bool:
        """Whether a state is final."""

    @abstractmethod
    def _ask(self) -> Flow[S]:
        """The flow of one question."""

    @abstractmethod
    def _await(
        self, timeout: float | None, on_progress: Callable[[S], Any] | None, poll_interval: float | None
    ) -> Flow[S]:
        """The flow that waits, and raises where the run failed."""

    @abstractmethod
    def _result(self, state: S) -> Flow[R]:
        """The flow from a final state to the result; raises where the run failed."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"
