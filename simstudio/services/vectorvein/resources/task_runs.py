"""``AgentTaskRun``: the handle of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simstudio.core.modes import M
from simstudio.core.options import Unset
from simstudio.core.runs import SubmittedRun
from simstudio.services.vectorvein.errors import TimeoutError  # noqa: A004 - the documented name
from simstudio.services.vectorvein.models.agents import AgentTask

if TYPE_CHECKING:
    from simstudio.services.vectorvein.resources.agent_tasks import AgentTasks
    from simstudio.transport.flow import Flow


class AgentTaskRun(SubmittedRun[M, AgentTask, AgentTask]):
    """Handle of a task, made by ``client.agent_tasks.handle``.

    ``wait()`` and ``result()`` return the task when it ended, well or not (``status``, ``error_reason_title``), is
    paused (``paused``), or waits for an answer (``waiting``, ``waiting_question``); after the answer, wait again.

    A pickled handle contains the client's key: treat it as a secret.
    """

    def __init__(
        self,
        tasks: AgentTasks[M],
        task_id: str,
        state: AgentTask | None,
        until: Callable[[AgentTask], bool] | None,
    ) -> None:
        super().__init__(tasks._context, "agent_tasks", task_id, state)
        self._tasks: AgentTasks[M] = tasks
        self._until = until

    def _status_of(self, state: AgentTask) -> str:
        return state.status if isinstance(state.status, str) else "unknown"

    def _is_done(self, state: AgentTask) -> bool:
        return state.done if self._until is None else bool(self._until(state))

    def _may_go_on(self, state: AgentTask) -> bool:
        return state.paused or state.waiting

    def _fetch_state(self) -> Flow[AgentTask]:
        return self._tasks._task(self.id)

    def _await(
        self, timeout: float | None, on_progress: Callable[[AgentTask], Any] | None, poll_interval: float | None
    ) -> Flow[AgentTask]:
        poller = self._tasks.poller.with_interval(poll_interval)

        def ask(seconds: float | Unset) -> Flow[AgentTask]:
            return self._tasks._task(self.id, seconds)

        again = f"client.agent_tasks.handle({self.id!r}).wait()"

        def make_error(last: AgentTask | None) -> TimeoutError:
            seen = "never seen" if last is None else f"last seen {last.status!r}"
            return TimeoutError(
                f"The task {self.id} had not ended within {timeout:g} s ({seen}). It goes on; wait again with {again}, "
                "or give a longer timeout.",
                job=last,
            )

        return poller.wait(
            ask,
            done=self._is_done,
            expired=make_error,
            timeout=timeout,
            client_timeout=self._context.options.timeout,
            on_progress=on_progress,
            subject=f"The task {self.id}",
            again=again,
        )

    def _result(self, state: AgentTask) -> Flow[AgentTask]:
        return state
        yield  # a flow that sends no request

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._tasks, self.id, self.state, self._until)
