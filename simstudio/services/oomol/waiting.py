"""Callbacks and errors of a wait, the log of a task, and the reason of its failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from simstudio.services.oomol.errors import TaskFailedError
from simstudio.services.oomol.requests import id_in
from simstudio.transport.errors import SimStudioError
from simstudio.transport.flow import Call

if TYPE_CHECKING:
    from simstudio.services.oomol.models import InstallTask, Task, TaskLog
    from simstudio.transport.flow import Flow
    from simstudio.transport.message import Response

T = TypeVar("T")

_REASONS = ("error", "failedMessage", "failed_message", "message", "reason")
"""Fields in which a task, or an event of its log, may give the reason of a failure. No document names one."""


class CallbackFailed(Exception):  # noqa: N818 - never leaves the wait
    """Carries the exception of a callback past the poller, which would take a client's error for a failed poll."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def call_back(function: Callable[[Any], Any], argument: object) -> Flow[None]:
    """Call a callback. Its exception is raised as :class:`CallbackFailed`."""
    try:
        yield Call(function, argument)
    except Exception as error:
        raise CallbackFailed(error) from error


def unwrap(flow: Flow[T], what: str) -> Flow[T]:
    """Run a flow, and raise the exception of a callback itself, with a note that says where it was raised."""
    try:
        return (yield from flow)
    except CallbackFailed as failed:
        error = failed.error
    if hasattr(error, "add_note"):  # Python 3.11
        error.add_note(f"raised by a callback while waiting for {what}")
    raise error


def describe_last(state: Task | InstallTask | None) -> str:
    """The last state of a task or installation, for the message of a wait that took too long."""
    return "never seen" if state is None else f"last seen {state.status!r}"


@contextmanager
def identify(task: str | Response) -> Iterator[None]:
    """Give errors the id of a task or installation, which may be in a response."""
    try:
        yield
    except SimStudioError as error:
        error.task_id = task if isinstance(task, str) else id_in(task)
        raise


class LogReader:
    """The growing log of one task. It returns each line once, in whichever order and with whichever ids they come.

    Attributes:
        logs: The whole log as last read; None before the first time.
    """

    def __init__(self) -> None:
        self.logs: list[TaskLog] | None = None
        self._seen: set[object] = set()

    def fresh(self, logs: Sequence[TaskLog]) -> list[TaskLog]:
        """Return the lines that were not returned before, ordered by id."""
        self.logs = list(logs)
        found: list[TaskLog] = []
        for index, log in enumerate(logs):
            key = _key(log, index)
            if key not in self._seen:
                self._seen.add(key)
                found.append(log)
        if all(_is_number(getattr(log, "id", None)) for log in found):
            found.sort(key=lambda log: log.id or 0)
        return found


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _key(log: TaskLog, index: int) -> object:
    """The identity of a line: its id, or its position if it has none or is no object."""
    sent: object = getattr(log, "id", None)
    return sent if _is_number(sent) or isinstance(sent, str) else ("place", index)


def make_failure(task: Task, logs: list[TaskLog] | None) -> TaskFailedError:
    """Make the error for a failed task, with the reason if the task or its log gives one."""
    reason = _reason(task.extra) or next(
        (text for log in reversed(logs or []) if (text := _reason(getattr(log, "event", None))) is not None), None
    )
    where = "Its state is in error.task" + (", its logs in error.logs." if logs else ".")
    error = TaskFailedError(
        f"The task {task.id} failed{': ' + reason if reason else ', and gives no reason'}. {where}",
        task.id,
        task,
        logs=logs,
    )
    error.reason = reason
    return error


def _reason(data: object) -> str | None:
    if not isinstance(data, Mapping):
        return None
    for name in _REASONS:
        found = data.get(name)
        if isinstance(found, Mapping):
            found = found.get("message")
        if isinstance(found, str) and found.strip():
            return found.strip()[:500]
    return None
