"""Blocks, flows and tasks of an Oomol sandbox, and the blocks that it has from the start."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from simstudio.sandbox import jsontext

if TYPE_CHECKING:
    import asyncio

    from simstudio.sandbox.forms import UploadedFile


FINAL = frozenset({"completed", "failed", "stopped"})
"""Statuses of tasks that have ended."""


class Context:
    """The second argument of a block's function, if it takes two.

    Attributes:
        files: Files that were uploaded with the task.
        nodes: Inputs as they were sent, by node.
        stopped: Set when the task or the server is stopped.
    """

    def __init__(self, task: TaskRecord, files: list[UploadedFile], nodes: list[dict[str, Any]]) -> None:
        self._task = task
        self.files = files
        self.nodes = nodes
        self.stopped = threading.Event()

    def log(self, type: str, event: object = None) -> None:
        """Add a line to the task's log. The event is JSON data."""
        self._task.log(type, event)


@attrs.define(eq=False)
class Runnable:
    """A block or a flow."""

    name: str
    function: Callable[..., Any]
    version: str = "1.0.0"
    description: str | None = None
    inputs: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The path that responses show."""
        package, _, block = self.name.rpartition("::")
        where = f"packages/{package}/{self.version}/blocks" if package else "flows"
        return f"/oomol/{where}/{block}"

    def arguments(self, inputs: dict[str, Any], context: Context) -> tuple[Any, ...]:
        """The arguments for the function: the context only if it has a second parameter."""
        return (inputs, context)[: len(inspect.signature(self.function).parameters)]


@attrs.define(eq=False)
class TaskRecord:
    """One task."""

    id: str
    runnable: Runnable
    nodes: list[dict[str, Any]]
    now: Callable[[], int]
    """Reads the clock: milliseconds since the epoch."""
    created: int = attrs.field(default=attrs.Factory(lambda self: self.now(), takes_self=True), init=False)
    status: str = "created"
    error: str | None = None
    logs: list[dict[str, Any]] = attrs.field(factory=list)
    context: Context | None = None
    work: asyncio.Task[None] | None = None

    def log(self, type: str, event: object = None) -> None:
        """Add a line to the log."""
        self.logs.append({
            "id": len(self.logs) + 1,
            "project_name": "sandbox",
            "session_id": f"s-{self.id}",
            "node_id": "_",
            "manifest_path": self.runnable.path,
            "type": type,
            "event": jsontext.plain(event),
            "created_at": self.now(),
        })  # fmt: skip

    def fail(self, reason: str) -> None:
        """End the task with an error."""
        self.error = reason
        self.log("BlockFinished", {"error": reason})
        self.log("SessionFinished")
        self.status = "failed"

    def save(self) -> dict[str, Any]:
        """The task for a state file."""
        runnable = {"name": self.runnable.name, "version": self.runnable.version}
        names = ("id", "nodes", "created", "status", "error", "logs")
        return {"runnable": runnable, **{name: getattr(self, name) for name in names}}

    @classmethod
    def load(cls, data: Mapping[str, Any], now: Callable[[], int]) -> TaskRecord:
        """A task of a state file, whose function is never called. One that had not ended has failed."""
        task = cls(data["id"], Runnable(function=echo, **data["runnable"]), data["nodes"], now)
        task.created, task.status, task.error, task.logs = (
            data[name] for name in ("created", "status", "error", "logs")
        )
        if task.status not in FINAL:
            task.fail(f"The server was restarted while the task {task.id} was running")
        return task

    def to_json(self) -> dict[str, Any]:
        """The task as responses show it."""
        data: dict[str, Any] = {
            "id": self.id,
            "status": self.status,
            "project_id": "sandbox",
            "manifest_path": self.runnable.path,
            "inputValues": self.nodes,
            "created_at": self.created,
            "updated_at": self.logs[-1]["created_at"] if self.logs else self.created,
        }
        return data if self.error is None else {**data, "error": self.error}


def echo(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs."""
    return inputs


def fail(inputs: dict[str, Any]) -> None:
    """Fail."""
    raise RuntimeError(str(inputs.get("message", "it failed")))


def slow(inputs: dict[str, Any], context: Context) -> dict[str, Any]:
    """Wait for some seconds, or until the task is stopped."""
    return {"stopped": context.stopped.wait(float(inputs.get("seconds", 0.01)))}


def files(inputs: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return the inputs with name, media type and size of each uploaded file."""
    return {**inputs, "files": [[file.name, file.mime, len(file.content)] for file in context.files]}
