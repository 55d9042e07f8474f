"""Waiting for a task: polls, and its log in between, each line delivered once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from simstudio.services.oomol.errors import TaskFailedError
from simstudio.transport.flow import Call

if TYPE_CHECKING:
    from simstudio.services.oomol.models import Task, TaskLog
    from simstudio.transport.flow import Flow

T = TypeVar("T")

_REASONS = ("error", "failedMessage", "failed_message", "message", "reason")
"""Where a task, or the event of a log, may say why it failed: no document tells."""


class CallbackFailed(Exception):  # noqa: N818 - never leaves the wait
    """Carries what a callback raised past the poller, which would take a client's error for a failed poll."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def called(function: Callable[[Any], Any], argument: object) -> Flow[None]:
    """Call a callback; what it raises comes as :class:`CallbackFailed`."""
    try:
        yield Call(function, argument)
    except Exception as error:
        raise CallbackFailed(error) from error


def unwrapped(flow: Flow[T], what: str) -> Flow[T]:
    """A flow out of which what a callback raised comes as it was, with a note that says where."""
    try:
        return (yield from flow)
    except CallbackFailed as failed:
        error = failed.error
    if hasattr(error, "add_note"):  # Python 3.11
        error.add_note(f"raised by a callback while waiting for {what}")
    raise error


class LogReader:
    """The log of one task as it grows: gives each line once, whatever its id and wherever it stands.

    Attributes:
        logs: The whole log as it was last read, None while it never was.
    """

    def __init__(self) -> None:
        self.logs: list[TaskLog] | None = None
        self._seen: set[object] = set()

    def fresh(self, logs: Sequence[TaskLog]) -> list[TaskLog]:
        """The lines that are new, by their ids."""
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
    """What makes a line the same as an earlier one: its id, or its place where it has none, or is no object."""
    sent: object = getattr(log, "id", None)
    return sent if _is_number(sent) or isinstance(sent, str) else ("place", index)


def failed(task: Task, logs: list[TaskLog] | None) -> TaskFailedError:
    """The error for a task that failed, with its reason wherever there is one."""
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
