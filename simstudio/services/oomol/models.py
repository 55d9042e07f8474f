"""Models of Oomol Connect's responses. They are also mappings over the names in the JSON data.

The server sends tasks in snake_case and installations in camelCase. Attributes are in snake_case, and either spelling
is read. Times are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from simstudio.core.model import Model, model

_FINAL = ("completed", "failed", "stopped")
_INSTALL_FINAL = ("success", "failed")


def _snake(name: str, camel: str) -> Any:
    """An optional field that the server sends in snake_case."""
    return attrs.field(default=None, metadata={"wire": (name, camel)})


def _camel(camel: str, name: str) -> Any:
    """An optional field that the server sends in camelCase."""
    return attrs.field(default=None, metadata={"wire": (camel, name)})


@model
class Task(Model):
    """The state of one task.

    Attributes:
        status: ``created``, ``pending``, ``running``, ``completed``, ``failed``, ``stopped``, or a newer status.
        project_id: Id of the project in which the task runs.
        manifest_path: Path of the block or flow on the server.
        input_values: Inputs by node, as plain JSON data.
        created_at: Milliseconds since the epoch.
        updated_at: Milliseconds since the epoch.
    """

    id: str
    status: str
    project_id: str | None = _snake("project_id", "projectId")
    manifest_path: str | None = _snake("manifest_path", "manifestPath")
    input_values: list[Any] | None = _camel("inputValues", "input_values")
    created_at: int | None = _snake("created_at", "createdAt")
    updated_at: int | None = _snake("updated_at", "updatedAt")

    @property
    def done(self) -> bool:
        """Whether it has ended, successfully or not."""
        return self.status in _FINAL

    @property
    def succeeded(self) -> bool:
        """Whether it has ended successfully."""
        return self.status == "completed"


@model
class CreatedTask(Model):
    """Response to the creation of a task.

    Attributes:
        success: True if the server sent it; None if not.
    """

    task: Task
    success: bool | None = None

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id

    @property
    def status(self) -> str:
        """The task's status."""
        return self.task.status


@model
class StopReply(Model):
    """Response to the request to stop a task.

    Attributes:
        task: The task; None if the server did not send it.
        success: True if the server sent it; None if not.
    """

    task: Task | None = None
    success: bool | None = None


@model
class TaskList(Model):
    """All tasks, in the server's order."""

    tasks: list[Task]


@model
class TaskLog(Model):
    """One line of a task's log.

    Attributes:
        type: ``SessionStarted``, ``BlockStarted``, ``BlockOutput``, ``BlockFinished``, ``SessionFinished`` …
        event: Data of the event, as plain JSON data; None if there is none.
        session_id: Id of the run.
        node_id: Id of the node that the line is about.
        manifest_path: Path of the block or flow on the server.
        created_at: Milliseconds since the epoch.
    """

    id: int | None = None
    type: str = ""
    event: Any = None
    project_name: str | None = _snake("project_name", "projectName")
    session_id: str | None = _snake("session_id", "sessionId")
    node_id: str | None = _snake("node_id", "nodeId")
    manifest_path: str | None = _snake("manifest_path", "manifestPath")
    created_at: int | None = _snake("created_at", "createdAt")


@model
class RunResult(Model):
    """Result of a completed task; ``result["task_id"]`` and ``result.task_id`` are the same.

    Attributes:
        task: Final state of the task.
        logs: The whole log.
        result: Result of the last block that finished, as plain JSON data; None if the log has none.
    """

    task_id: str = attrs.field(metadata={"wire": "task_id"})
    task: Task
    logs: list[TaskLog]
    result: Any = None

    @property
    def output(self) -> Any:
        """The same as ``result``, under the name that it has in an item of a batch."""
        return self.result

    @property
    def run_id(self) -> str | None:
        """The same as ``task_id``."""
        return self.task_id

    @property
    def status(self) -> str | None:
        """The status of the task."""
        return self.task.status


@model
class Block(Model):
    """A block: a step that a task can run.

    Attributes:
        path: Path on the server.
        inputs: ``{"handle": …, "json_schema": …}`` each, as plain JSON data.
        block_id: ``package::name``, as ``tasks.run`` takes it.
        version: Version of the package; ``unknown`` if it is not in the path.
    """

    package: str
    name: str
    path: str | None = None
    description: str | None = None
    inputs: list[Any] | None = None
    block_id: str = attrs.field(default="", metadata={"wire": ("blockId", "block_id")})
    version: str = "unknown"


@model
class BlockList(Model):
    """Blocks, in the server's order."""

    blocks: list[Block]


@model
class Flow(Model):
    """A flow: blocks that work together.

    Attributes:
        name: Name, as ``tasks.run`` takes it as ``manifest``.
        path: Path on the server.
        inputs: ``{"id": …, "inputs": [{"handle": …}]}`` each, as plain JSON data.
    """

    name: str
    path: str | None = None
    description: str | None = None
    inputs: list[Any] | None = None


@model
class FlowList(Model):
    """Flows, in the server's order."""

    flows: list[Flow]


@model
class Package(Model):
    """An installed package.

    Attributes:
        path: Path on the server.
    """

    name: str
    version: str | None = None
    path: str | None = None
    description: str | None = None


@model
class PackageList(Model):
    """The installed packages, in the server's order."""

    packages: list[Package]


@model
class Dependency(Model):
    """A package that another one needs."""

    name: str
    version: str | None = None


@model
class InstallTask(Model):
    """The installation of a package.

    Attributes:
        name: Name of the package.
        status: ``pending``, ``running``, ``success``, ``failed``, or a newer status.
        version: Version of the package.
        package_path: Path of the package on the server, once it is installed.
        dependencies: Packages that were installed with it.
        error: Reason of the failure, as the server sent it.
        created_at: Milliseconds since the epoch.
        updated_at: Milliseconds since the epoch.
    """

    id: str
    status: str
    name: str | None = None
    version: str | None = None
    package_path: str | None = _camel("packagePath", "package_path")
    dependencies: list[Dependency] | None = None
    error: Any = None
    created_at: int | None = _camel("createdAt", "created_at")
    updated_at: int | None = _camel("updatedAt", "updated_at")

    @property
    def done(self) -> bool:
        """Whether it has ended, successfully or not."""
        return self.status in _INSTALL_FINAL


@model
class InstallTaskList(Model):
    """The installations, in the server's order."""

    tasks: list[InstallTask]


@model
class AppletData(Model):
    """Block and preset inputs of an applet.

    Attributes:
        package_id: Name of the package, with its version at the end.
        block_name: Name of the block in the package.
        id: Id of this data, not of the applet.
        preset_inputs: Preset inputs by handle.
        created_at: Milliseconds since the epoch.
    """

    package_id: str
    block_name: str
    id: str | None = None
    title: str | None = None
    description: str | None = None
    preset_inputs: dict[str, Any] | None = None
    created_at: int | None = None


@model
class Applet(Model):
    """A block with preset inputs.

    Attributes:
        data: Block and preset inputs.
        user_id: Id of the user who made it.
        created_at: Milliseconds since the epoch.
        updated_at: Milliseconds since the epoch.
    """

    applet_id: str
    data: AppletData
    user_id: str | None = None
    created_at: int | None = None
    updated_at: int | None = None


def result_of(logs: Sequence[TaskLog]) -> Any:
    """The ``result`` of the last ``BlockFinished`` line whose event is not empty; None if there is none."""
    for log in reversed(logs):
        if isinstance(log, TaskLog) and log.type == "BlockFinished" and isinstance(log.event, dict) and log.event:
            return log.event.get("result")
    return None
